// SPDX-License-Identifier: MIT
#include "machine_profile.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "built_in.h"
#include "complaint.h"
#include "host_profile.h"
#include "matrix_file.h"

void machine_profile_names(char *text, size_t n_bytes) {
  size_t used = 0;
  text[0] = '\0';
  for (unsigned i = 0; built_in_profiles[i].name != NULL && used < n_bytes; i++)
    used += (size_t)snprintf(text + used, n_bytes - used, "%s%s", i > 0 ? ", " : "", built_in_profiles[i].name);
}

/* FNV-1a, behind what `hash` is of. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n) {
  for (const unsigned char *byte = bytes; n > 0; byte++, n--) hash = (hash ^ *byte) * 0x100000001b3u;
  return hash;
}

/* Of the values, however the files are laid out. */
static uint64_t hash_of(const struct machine_profile *profile) {
  char *text = json_dumps(profile->json, JSON_COMPACT | JSON_SORT_KEYS);
  uint64_t hash = 0xcbf29ce484222325u;
  if (text != NULL) hash = hash_bytes(hash, text, strlen(text));
  free(text);
  const size_t n_matrix = (size_t)profile->n_matrix * profile->n_matrix;
  return n_matrix > 0 ? hash_bytes(hash, profile->matrix_ns, n_matrix * sizeof *profile->matrix_ns) : hash;
}

/* A list of names ends with NULL. A field that nobody reads is one that is misspelt. */
static int check_fields(const json_t *object, const char *name, const char *const *allowed,
                        const struct complaint *complaint) {
  const char *field;
  json_t *value;
  if (!json_is_object(object)) return complain(complaint, "%s is not an object", name);
  json_object_foreach ((json_t *)(uintptr_t)object, field, value) {
    char list[120] = "";
    size_t used = 0;
    bool is_allowed = false;
    for (unsigned i = 0; allowed[i] != NULL; i++) {
      is_allowed |= strcmp(field, allowed[i]) == 0;
      used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "", allowed[i]);
    }
    if (!is_allowed) return complain(complaint, "%s has a field '%.40s'; allowed: %s", name, field, list);
  }
  return 0;
}

/* {"<key>": value, "low": ..., "high": ..., "source": ...}; without a range it is exact. */
static int read_known(const json_t *object, const char *name, const char *key, double least, double most,
                      struct known *known, const struct complaint *complaint) {
  const json_t *value = json_object_get(object, key), *low = json_object_get(object, "low"),
               *high = json_object_get(object, "high");
  const int error = check_fields(object, name, (const char *const[]){key, "low", "high", "source", NULL}, complaint);
  if (error != 0) return error;
  if (!json_is_number(value) || json_number_value(value) < least || json_number_value(value) > most)
    return complain(complaint, "%s has no number '%s' from %g to %g", name, key, least, most);
  if ((low != NULL && !json_is_number(low)) || (high != NULL && !json_is_number(high)))
    return complain(complaint, "%s: 'low' and 'high' must be numbers", name);
  known->value = json_number_value(value);
  known->low = low != NULL ? json_number_value(low) : known->value;
  known->high = high != NULL ? json_number_value(high) : known->value;
  if (known->low < least || known->high > most)
    return complain(complaint, "%s: 'low' %g and 'high' %g are not from %g to %g", name, known->low, known->high, least,
                    most);
  if (known->low > known->value || known->high < known->value)
    return complain(complaint, "%s: 'low' %g, '%s' %g and 'high' %g are not in that order", name, known->low, key,
                    known->value, known->high);
  return 0;
}

static int check_source(const json_t *object, const char *name, const struct complaint *complaint) {
  const char *source = json_string_value(json_object_get(object, "source"));
  if (source != NULL && *source != '\0') return 0;
  return complain(complaint, "%s has no 'source': say where its numbers come from", name);
}

static int read_transfers(struct machine_profile *profile, const struct complaint *complaint) {
  const json_t *transfers = json_object_get(profile->json, "transfers");
  if (transfers == NULL) return complain(complaint, "there is no object 'transfers'");
  int error = check_fields(transfers, "'transfers'",
                           (const char *const[]){"source", "smt", "llc", "node", "remote", NULL}, complaint);
  if (error == 0) error = check_source(transfers, "'transfers'", complaint);
  for (enum distance distance = DISTANCE_SMT; error == 0 && distance < N_DISTANCES; distance++) {
    const json_t *of_distance = json_object_get(transfers, topology_distance_names[distance]);
    if (of_distance != NULL)
      error = read_known(of_distance, topology_distance_names[distance], "ns", MODEL_LEAST_TRANSFER_NS,
                         MODEL_MOST_TRANSFER_NS, &profile->transfers[distance], complaint);
  }
  return error;
}

static int read_groups(struct machine_profile *profile, const struct complaint *complaint) {
  const json_t *groups = json_object_get(profile->json, "groups_ns");
  if (groups == NULL) return 0;
  profile->n_groups = (unsigned)json_array_size(groups);
  if (profile->n_groups == 0 || profile->n_groups > MACHINE_PROFILE_MAX_GROUPS)
    return complain(complaint, "'groups_ns' is not a list of 1 to %d rows", MACHINE_PROFILE_MAX_GROUPS);
  for (unsigned i = 0; i < profile->n_groups; i++) {
    const json_t *row = json_array_get(groups, i);
    if (json_array_size(row) != profile->n_groups) return complain(complaint, "'groups_ns' is not a square");
    for (unsigned j = 0; j < profile->n_groups; j++) {
      const json_t *value = json_array_get(row, j);
      const double ns = json_number_value(value);
      if (!json_is_number(value) || (ns != 0 && (ns < MODEL_LEAST_TRANSFER_NS || ns > MODEL_MOST_TRANSFER_NS)))
        return complain(complaint, "'groups_ns': row %u has no number from %g to %g, or 0 for none, in column %u",
                        i + 1, MODEL_LEAST_TRANSFER_NS, MODEL_MOST_TRANSFER_NS, j + 1);
      profile->groups_ns[i][j] = ns;
    }
  }
  return 0;
}

static int read_parameters(struct machine_profile *profile, const struct complaint *complaint) {
  const json_t *given = json_object_get(profile->json, "parameters");
  const char *name;
  json_t *value;
  for (unsigned i = 0; parameter_table[i].name != NULL; i++)
    profile->parameters[i] = (struct known){parameter_table[i].usual, parameter_table[i].low, parameter_table[i].high};
  if (given != NULL && !json_is_object(given)) return complain(complaint, "'parameters' is not an object");
  json_object_foreach ((json_t *)(uintptr_t)given, name, value) {
    const struct parameter *row = parameter_find(name);
    if (row == NULL) return complain(complaint, "there is no parameter '%.40s'", name);
    int error = check_source(value, name, complaint);
    if (error == 0)
      error = read_known(value, name, "value", row->least, row->most, &profile->parameters[row - parameter_table],
                         complaint);
    if (error != 0) return error;
  }
  return 0;
}

static int read_matrix(struct machine_profile *profile, const struct complaint *complaint) {
  const char *file = json_string_value(json_object_get(profile->json, "matrix")),
             *slash = strrchr(complaint->path, '/');
  char path[4096], why[300];
  if (file == NULL) return 0;
  const int n_folder = slash != NULL && *file != '/' ? (int)(slash + 1 - complaint->path) : 0;
  snprintf(path, sizeof path, "%.*s%s", n_folder, complaint->path, file);
  if (matrix_file_read(path, &profile->n_matrix, &profile->matrix_ns, why, sizeof why) != 0)
    return complain(complaint, "%s", why);
  return 0;
}

static int check_all_fields(const json_t *json, const struct complaint *complaint) {
  static const char *const words[] = {"name", "cpu", "topology", "topology_xml", "cpus", "matrix", NULL},
                           *const allowed[] = {"name",   "cpu",       "topology",  "topology_xml", "cpus",
                                               "matrix", "transfers", "groups_ns", "parameters",   NULL};
  for (unsigned i = 0; words[i] != NULL; i++) {
    const json_t *value = json_object_get(json, words[i]);
    if (value != NULL && !json_is_null(value) && !json_is_string(value))
      return complain(complaint, "its '%s' is not a text", words[i]);
  }
  return check_fields(json, "it", allowed, complaint);
}

/* Fills all but the JSON from it. */
static int read_all(struct machine_profile *profile, const struct complaint *complaint) {
  int error = check_all_fields(profile->json, complaint);
  if (error != 0) return error;
  const char *name = json_string_value(json_object_get(profile->json, "name")),
             *cpu = json_string_value(json_object_get(profile->json, "cpu"));
  profile->synthetic = json_string_value(json_object_get(profile->json, "topology"));
  profile->xml = json_string_value(json_object_get(profile->json, "topology_xml"));
  profile->cpus = json_string_value(json_object_get(profile->json, "cpus"));
  if (name == NULL || *name == '\0' || strlen(name) >= sizeof profile->name ||
      strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != strlen(name))
    return complain(complaint, "its 'name' must be letters, digits, '_', '.' and '-', at most %zu",
                    sizeof profile->name - 1);
  if ((profile->synthetic == NULL) == (profile->xml == NULL))
    return complain(complaint, "it must have either 'topology' or 'topology_xml'");
  snprintf(profile->name, sizeof profile->name, "%s", name);
  snprintf(profile->cpu, sizeof profile->cpu, "%s", cpu != NULL ? cpu : name);
  error = read_transfers(profile, complaint);
  if (error == 0) error = read_groups(profile, complaint);
  if (error == 0) error = read_parameters(profile, complaint);
  if (error == 0) error = read_matrix(profile, complaint);
  profile->hash = hash_of(profile);
  return error;
}

int machine_profile_read(struct machine_profile *profile, const char *name_or_path, char *why, size_t why_bytes) {
  const struct complaint complaint = {
      .begin = "the profile ", .end = "", .path = name_or_path, .why = why, .why_bytes = why_bytes};
  json_error_t error;
  *profile = (struct machine_profile){0};
  for (unsigned i = 0; built_in_profiles[i].name != NULL; i++)
    if (strcmp(built_in_profiles[i].name, name_or_path) == 0)
      profile->json = json_loads(built_in_profiles[i].text, 0, &error);
  if (profile->json == NULL && strchr(name_or_path, '/') == NULL && strchr(name_or_path, '.') == NULL) {
    char names[256];
    machine_profile_names(names, sizeof names);
    snprintf(why, why_bytes, "unknown machine '%.60s'; allowed: %s, or the file of a profile", name_or_path, names);
    return EINVAL;
  }
  if (profile->json == NULL) profile->json = json_load_file(name_or_path, 0, &error);
  if (profile->json == NULL && error.line < 0) return complain(&complaint, "%s", error.text);
  if (profile->json == NULL) return complain(&complaint, "line %d: %s", error.line, error.text);
  if (host_profile_is_host(profile->json)) {
    json_t *const host = profile->json;
    profile->json = host_profile_make(host);
    json_decref(host);
  }
  const int result = read_all(profile, &complaint);
  if (result != 0) machine_profile_free(profile);
  return result;
}

void machine_profile_free(struct machine_profile *profile) {
  json_decref(profile->json);
  free(profile->matrix_ns);
  *profile = (struct machine_profile){0};
}

int machine_profile_load_topology(const struct machine_profile *profile, struct topology *topology) {
  return topology_load_from(
      topology, &(struct topology_source){.synthetic = profile->synthetic, .xml = profile->xml, .cpus = profile->cpus});
}
