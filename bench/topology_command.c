// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "commands.h"
#include "machine/cpu_kinds.h"
#include "machine/placement.h"
#include "machine/topology.h"
#include "message.h"
#include "options.h"

static const char *const level_names[] = {"core", "llc", "node", "package"};

/* The CPUs of threads 0 .. n_threads - 1 under a placement, or why it cannot be had here. */
static json_t *plan(const struct topology *topology, const char *name, unsigned n_threads, json_t **why_not) {
  struct placement placement;
  char why[256];
  *why_not = json_null();
  if (placement_make(&placement, topology, name, why, sizeof why) != 0) {
    *why_not = json_string(why);
    return json_null();
  }
  json_t *cpus = json_array();
  for (unsigned i = 0; i < n_threads && placement.is_pinned; i++)
    json_array_append_new(cpus, json_integer(topology->cpus[placement_cpu(&placement, i)].os_index));
  placement_free(&placement);
  return cpus;
}

static json_t *describe(const struct topology *topology, unsigned n_threads, const char *extra_placement) {
  char hash[24];
  snprintf(hash, sizeof hash, "%016" PRIx64, topology_hash(topology));
  json_t *cpus = json_array(), *plans = json_object(), *domains = json_object();
  for (unsigned i = 0; i < topology->n_cpus; i++) {
    json_t *cpu = json_pack("{s:i}", "cpu", (int)topology->cpus[i].os_index);
    for (unsigned level = 0; level < LK_N_LEVELS; level++)
      json_object_set_new(cpu, level_names[level], json_integer(topology->cpus[i].id[level]));
    json_object_set_new(cpu, "kind", topology->cpus[i].kind >= 0 ? json_integer(topology->cpus[i].kind) : json_null());
    json_array_append_new(cpus, cpu);
  }
  for (unsigned level = 0; level < LK_N_LEVELS; level++)
    json_object_set_new(domains, level_names[level], json_integer(topology->n_domains[level]));
  const char *const extra[] = {extra_placement, NULL};
  for (const char *const *name = extra_placement != NULL ? extra : placement_policies; *name != NULL; name++) {
    json_t *why_not, *order = plan(topology, *name, n_threads, &why_not);
    json_object_set_new(plans, *name, json_pack("{s:o, s:o}", "cpus", order, "why_not", why_not));
  }
  return json_pack("{s:b, s:i, s:i, s:s, s:o, s:o, s:o, s:i, s:o}", "is_this_system", topology->is_this_system,
                   "n_cpus_machine", (int)topology->n_machine_cpus, "n_cpus_allowed", (int)topology->n_cpus, "hash",
                   hash, "domains", domains, "cpus", cpus, "cpu_kinds", cpu_kinds_describe(topology), "threads",
                   (int)n_threads, "placements", plans);
}

/* Why a placement cannot be had here, or NULL. */
static const char *why_not_here(const json_t *description, const char *placement) {
  return json_string_value(
      json_object_get(json_object_get(json_object_get(description, "placements"), placement), "why_not"));
}

static void print_plans(const json_t *description) {
  const char *name;
  json_t *a_plan, *cpu;
  json_object_foreach (json_object_get(description, "placements"), name, a_plan) {
    printf("  %-12s", name);
    const json_t *why_not = json_object_get(a_plan, "why_not"), *cpus = json_object_get(a_plan, "cpus");
    size_t i;
    if (json_is_string(why_not))
      printf(" not here: %s", json_string_value(why_not));
    else if (json_array_size(cpus) == 0)
      printf(" not pinned; the system's scheduler places the threads");
    json_array_foreach (cpus, i, cpu) printf(" %" JSON_INTEGER_FORMAT, json_integer_value(cpu));
    putchar('\n');
  }
}

/* The machine as an indented tree, outermost level first: a line for each domain where it begins. */
static void print_tree(const struct topology *topology) {
  static const char *const words[] = {
      [LK_PACKAGE] = "package", [LK_NODE] = "NUMA node", [LK_LLC] = "last-level cache", [LK_CORE] = "core"};
  enum lk_level levels[LK_N_LEVELS];
  topology_levels(topology, levels);
  for (unsigned i = 0; i < topology->n_cpus; i++) {
    const unsigned *id = topology->cpus[i].id;
    bool is_new = i == 0;
    for (unsigned depth = 0; depth < LK_N_LEVELS; depth++) {
      is_new = is_new || id[levels[depth]] != topology->cpus[i - 1].id[levels[depth]];
      if (is_new && depth + 1 < LK_N_LEVELS)
        printf("%*s%s %u\n", 2 * (int)depth + 2, "", words[levels[depth]], id[levels[depth]]);
      else if (is_new)
        printf("%*score %u: CPU", 2 * (int)depth + 2, "", id[LK_CORE]);
    }
    printf(" %u", topology->cpus[i].os_index);
    const bool is_last_of_core = i + 1 == topology->n_cpus || topology->cpus[i + 1].id[LK_CORE] != id[LK_CORE];
    if (is_last_of_core) putchar('\n');
  }
}

static void print_kinds(const json_t *description) {
  size_t i, j;
  json_t *kind, *cpu;
  json_array_foreach (json_object_get(description, "cpu_kinds"), i, kind) {
    if (i == 0) puts("Kinds of CPUs, the least powerful first if hwloc knows their efficiency:");
    const json_t *efficiency = json_object_get(kind, "efficiency");
    printf("  %s", json_string_value(json_object_get(kind, "name")));
    if (json_is_integer(efficiency)) printf(" (efficiency %d)", (int)json_integer_value(efficiency));
    printf(": CPU");
    json_array_foreach (json_object_get(kind, "cpus"), j, cpu) printf(" %d", (int)json_integer_value(cpu));
    putchar('\n');
  }
}

static void print_text(const struct topology *topology, const json_t *description, unsigned n_threads) {
  printf("%s: %u of %u CPUs may be used; hash %s\n",
         topology->is_this_system ? "This machine" : "A machine that is not this one (for planning only)",
         topology->n_cpus, topology->n_machine_cpus, json_string_value(json_object_get(description, "hash")));
  print_tree(topology);
  print_kinds(description);
  printf("CPUs of threads 0 to %u by placement:\n", n_threads - 1);
  print_plans(description);
}

int command_topology(int n_arguments, char **arguments) {
  struct options options;
  struct topology topology;
  int exit_code;
  if (!options_read(&options, COMMAND_TOPOLOGY, n_arguments, arguments, &exit_code)) return exit_code;
  if (topology_load(&topology) != 0) return EXIT_USAGE;
  const unsigned n_threads = options.n_threads > 0 ? options.n_threads : topology.n_cpus;
  json_t *description = describe(&topology, n_threads, options.placements);
  const char *why_not = options.placements != NULL ? why_not_here(description, options.placements) : NULL;
  if (why_not != NULL) {
    message_error("topology: --placement: %s", why_not);
    exit_code = EXIT_USAGE;
  } else if (options.wants_json) {
    json_dumpf(description, stdout, JSON_INDENT(2));
    putchar('\n');
  } else {
    print_text(&topology, description, n_threads);
  }
  json_decref(description);
  topology_free(&topology);
  return exit_code;
}
