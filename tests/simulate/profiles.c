// SPDX-License-Identifier: MIT
/* Each built-in profile makes a model, draws stay in their ranges, and a profile that is wrong says what is. */
#include <string.h>

#include "check.h"
#include "simulate/built_in.h"
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

int main(void) {
  each_built_in_one_makes_a_model();
  small_cores_have_one_cpu();
  refuses("\"source\": \"made up\", \"smt\"", "\"smt\"", "no 'source'");
  refuses("\"noise\"", "\"nois\"", "no parameter 'nois'");
  refuses("\"noise\"", "\"noi\\nse\"", "no parameter 'noi se'");
  refuses("{\"value\": 5,", "{\"value\": -5,", "rmw_ns has no number 'value' of 0 or more");
  refuses("{\"value\": 5,", "{\"value\": 5, \"low\": 6,", "are not in that order");
  refuses("\"topology\"", "\"topologie\"", "either 'topology' or 'topology_xml'");
  refuses("\"name\": \"two\"", "\"name\": \"a,b\"", "'name'");
  refuses("\"smt\": {\"ns\": 10}", "\"smt\": {\"ns\": 10", "line 1");
  refuses("\"transfers\"", "\"matrix\": \"/nowhere.csv\", \"transfers\"", "/nowhere.csv");
  a_transfer_that_is_missing_is_named();
  return check_result();
}
