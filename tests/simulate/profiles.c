// SPDX-License-Identifier: MIT
/* Each built-in profile makes a model, draws stay in their ranges, and a profile that is wrong says what is. */
#include <string.h>

#include "check.h"
#include "simulate/built_in.h"
#include "simulate/matrix_file.h"
#include "two_sockets.h"

static char why[512];

static void each_built_in_one_makes_a_model(void) {
  for (unsigned i = 0; built_in_profiles[i].name != NULL; i++) {
    struct machine_profile profile;
    struct topology topology;
    struct model model;
    CHECK_EQ(0, machine_profile_read(&profile, built_in_profiles[i].name, why, sizeof why));
    CHECK_TEXT(built_in_profiles[i].name, profile.name);
    CHECK_EQ(0, machine_profile_load_topology(&profile, &topology));
    for (unsigned draw = 0; draw < 5; draw++) {
      CHECK_EQ(0, machine_profile_draw(&profile, &topology, 1, draw, &model, why, sizeof why));
      for (unsigned p = 0; parameter_table[p].name != NULL; p++) {
        const struct known *known = &profile.parameters[p];
        const double value = *parameter_value(&model.parameters, &parameter_table[p]);
        CHECK(value >= known->low && value <= known->high && (draw > 0 || value == known->value));
      }
      model_free(&model);
    }
    topology_free(&topology);
    machine_profile_free(&profile);
  }
}

/* The description has two CPUs in each core; the small ones have one. */
static void small_cores_have_one_cpu(void) {
  struct machine_profile profile;
  struct topology topology;
  CHECK_EQ(0, machine_profile_read(&profile, "alderlake", why, sizeof why));
  CHECK_EQ(0, machine_profile_load_topology(&profile, &topology));
  CHECK_EQ(24, topology.n_cpus);
  CHECK_EQ(24, topology.n_machine_cpus);
  CHECK_EQ(16, topology.n_domains[LK_CORE]);
  CHECK_EQ(23, topology.cpus[23].os_index);
  topology_free(&topology);
  machine_profile_free(&profile);
}

/* Reads the test's machine after `from` is replaced by `to`; what is complained of must contain `what`. */
static void refuses(const char *from, const char *to, const char *what) {
  static char json[sizeof two_sockets_json + 200];
  char path[] = "/tmp/profiles-XXXXXX.json";
  struct machine_profile profile;
  const char *at = strstr(two_sockets_json, from);
  CHECK(at != NULL);
  snprintf(json, sizeof json, "%.*s%s%s", (int)(at - two_sockets_json), two_sockets_json, to, at + strlen(from));
  FILE *file = fdopen(mkstemps(path, 5), "w");
  CHECK(file != NULL && fputs(json, file) >= 0 && fclose(file) == 0);
  CHECK(machine_profile_read(&profile, path, why, sizeof why) != 0);
  if (strstr(why, what) == NULL) printf("%s\n", why);
  CHECK(strstr(why, what) != NULL && strchr(why, '\n') == NULL);
  remove(path);
}

static void a_transfer_that_is_missing_is_named(void) {
  struct two_sockets machine;
  struct model model;
  two_sockets_make(&machine, two_sockets_json);
  machine.profile.transfers[DISTANCE_REMOTE].value = machine.profile.transfers[DISTANCE_REMOTE].low = 0;
  CHECK(machine_profile_draw(&machine.profile, &machine.topology, 1, 0, &model, why, sizeof why) != 0);
  CHECK(strstr(why, "different nodes ('remote')") != NULL);
}

static void a_table_of_another_shape_is_refused(void) {
  struct two_sockets machine;
  struct model model;
  two_sockets_make(&machine, two_sockets_json);
  machine.profile.n_groups = 3;
  CHECK(machine_profile_draw(&machine.profile, &machine.topology, 1, 0, &model, why, sizeof why) != 0);
  CHECK(strstr(why, "'groups_ns' of 3 rows; its shape has 2 NUMA nodes") != NULL);
  machine.profile.n_groups = 0;
  machine.profile.n_matrix = 7;
  CHECK(machine_profile_draw(&machine.profile, &machine.topology, 1, 0, &model, why, sizeof why) != 0);
  CHECK(strstr(why, "a matrix of 7 rows; the CPUs of its shape have the numbers 0 to 7") != NULL);
}

/* Reads that text as a matrix; returns its number of rows, or 0 where it is refused. */
static unsigned read_matrix_text(const char *text, double **ns) {
  char path[] = "/tmp/matrix-XXXXXX.csv";
  unsigned n = 0;
  FILE *file = fdopen(mkstemps(path, 4), "w");
  CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
  *ns = NULL;
  if (matrix_file_read(path, &n, ns, why, sizeof why) != 0) n = 0;
  remove(path);
  return n;
}

static void a_matrix_is_read_as_people_publish_it(void) {
  static const char *const texts[] = {"0,40,50\n40,0,60\n50,60,0\n", ",,\n40,,\n50,60,\n", "\n40\n50,60\n",
                                      "NaN, 40, 50\r\n40,nan,60\r\n50,60,-nan\r\n\r\n", "0,40,50,\n,0,60,\n,,0,\n\n"};
  for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
    double *ns;
    CHECK_EQ(3, read_matrix_text(texts[i], &ns));
    if (ns != NULL) CHECK(ns[1] == 40 && ns[2] == 50 && ns[3] == 40 && ns[7] == 60 && ns[8] != ns[8]);
    free(ns);
  }
}

static void what_is_no_matrix_is_refused(void) {
  static const char *const texts[] = {"0,1,2\n0,40,50\n40,0,60\n50,60,0\n", /* numbers as a heading */
                                      "a,b,c\n0,40,50\n40,0,60\n50,60,0\n",
                                      "40,50,60\n55,65\n70\n", /* the upper half without its places */
                                      "0,40\n\n40,0\n",
                                      "0;40\n40;0\n",
                                      "0,40ns\n40ns,0\n",
                                      "0,-40\n-40,0\n",
                                      "0,1e9\n1e9,0\n",
                                      "0,inf\ninf,0\n",
                                      "0,40,50\n40,0,50\n",
                                      "",
                                      "\n\n"};
  for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
    double *ns;
    CHECK_EQ(0, read_matrix_text(texts[i], &ns));
    CHECK(strchr(why, '\n') == NULL);
  }
}

/* A profile with that file beside it. */
static uint64_t hash_with_matrix(const char *text) {
  char folder[] = "/tmp/profiles-XXXXXX", path[64], matrix[64];
  struct machine_profile profile;
  CHECK(mkdtemp(folder) != NULL);
  snprintf(path, sizeof path, "%s/p.json", folder);
  snprintf(matrix, sizeof matrix, "%s/m.csv", folder);
  FILE *file = fopen(path, "w");
  CHECK(file != NULL && fprintf(file, "{\"matrix\": \"m.csv\",%s", two_sockets_json + 1) > 0 && fclose(file) == 0);
  file = fopen(matrix, "w");
  CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
  CHECK_EQ(0, machine_profile_read(&profile, path, why, sizeof why));
  const uint64_t hash = profile.hash;
  machine_profile_free(&profile);
  remove(path);
  remove(matrix);
  remove(folder);
  return hash;
}

static void the_hash_is_of_the_matrix_too(void) {
  CHECK(hash_with_matrix("0,40\n40,0\n") == hash_with_matrix("\n40.0\n"));
  CHECK(hash_with_matrix("0,40\n40,0\n") != hash_with_matrix("0,41\n41,0\n"));
}

int main(void) {
  each_built_in_one_makes_a_model();
  small_cores_have_one_cpu();
  refuses("\"source\": \"made up\", \"smt\"", "\"smt\"", "no 'source'");
  refuses("\"noise\"", "\"nois\"", "no parameter 'nois'");
  refuses("\"noise\"", "\"noi\\nse\"", "no parameter 'noi se'");
  refuses("{\"value\": 5,", "{\"value\": -5,", "rmw_ns has no number 'value' from 0 to 1e+08");
  refuses("{\"value\": 5,", "{\"value\": 5, \"low\": 6,", "are not in that order");
  refuses("\"topology\"", "\"topologie\"", "it has a field 'topologie'; allowed: name,");
  refuses("\"topology\"", "\"cpu\"", "either 'topology' or 'topology_xml'");
  refuses("\"name\": \"two\"", "\"name\": \"a,b\"", "'name'");
  refuses("\"smt\": {\"ns\": 10}", "\"smt\": {\"ns\": 10", "line 1");
  refuses("\"transfers\"", "\"matrix\": \"/nowhere.csv\", \"transfers\"", "/nowhere.csv");
  refuses("{\"value\": 0.75,", "{\"value\": 1.75,", "bypass has no number 'value' from 0 to 1");
  refuses("{\"value\": 5,", "{\"value\": 5, \"hihg\": 6,",
          "rmw_ns has a field 'hihg'; allowed: value, low, high, source");
  refuses("{\"ns\": 10}", "{\"ns\": 1e6}", "smt has no number 'ns' from 0.1 to 100000");
  refuses("\"llc\"", "\"lcc\"", "'transfers' has a field 'lcc'; allowed: source, smt, llc, node, remote");
  refuses("\"transfers\"", "\"matrx\": \"x.csv\", \"transfers\"", "it has a field 'matrx'; allowed: name,");
  refuses("\"transfers\"", "\"matrix\": 5, \"transfers\"", "its 'matrix' is not a text");
  refuses("\"transfers\"", "\"groups_ns\": 5, \"transfers\"", "'groups_ns' is not a list of 1 to 16 rows");
  refuses("\"transfers\"", "\"groups_ns\": [[0, -9], [-9, 0]], \"transfers\"", "row 1 has no number from 0.1");
  a_transfer_that_is_missing_is_named();
  a_table_of_another_shape_is_refused();
  a_matrix_is_read_as_people_publish_it();
  what_is_no_matrix_is_refused();
  the_hash_is_of_the_matrix_too();
  return check_result();
}
