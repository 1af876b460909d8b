// SPDX-License-Identifier: MIT
/* Locks of one place as one: what is added up, what is the largest, and whose line comes first. */
#include "observe_groups.h"

#include <stdlib.h>

#include "check.h"

#define LOCK(id, name, kind, n, wait, longest, threads, hold, sites)                                                   \
  "{\"id\": " #id ", \"name\": \"" name "\", \"kind\": \"" kind "\", \"instances\": 1, \"acquisitions\": " #n          \
  ", \"wait_total_ns\": " #wait ", \"wait_longest_ns\": " #longest ", \"threads\": " #threads ", \"hold_ns\": " hold   \
  ", \"wait_ns\": [], \"gap_ns\": [[5, 1]], \"sites\": [" sites "]}"
#define SITE(name, n, caused)                                                                                          \
  "{\"site\": \"" name "\", \"acquisitions\": " #n ", \"waited_ns\": 0, \"caused_wait_ns\": " #caused "}"
#define ESTIMATED(name, n, caused, looks)                                                                              \
  "{\"site\": \"" name "\", \"acquisitions\": " #n ", \"waited_ns\": 0, \"caused_wait_ns\": " #caused                  \
  ", \"caused_from_looks\": " #looks "}"

static const char profile[] = "[" LOCK(4, "alone", "mutex", 1, 500, 500, 1, "[]", "") ", " LOCK(
    1, "shard", "mutex", 10, 400, 90, 3, "[[7, 1], [9, 2]]",
    SITE("get", 6, 300) ", " ESTIMATED("put", 4, 100,
                                       7)) ", " LOCK(2, "shard", "mutex", 20, 200, 95, 2, "[[8, 4], [9, 1], [12, 3]]",
                                                     ESTIMATED("put", 20, 900, 2)) ", " LOCK(3, "shard", "spin", 30, 0,
                                                                                             0, 1, "[]", "") "]";

static json_int_t number(const json_t *group, const char *key) {
  return json_integer_value(json_object_get(group, key));
}

static void check_json(const char *want, const json_t *got) {
  char *const text = json_dumps(got, JSON_COMPACT);
  CHECK_TEXT(want, text);
  free(text);
}

int main(void) {
  json_t *const locks = json_loads(profile, 0, NULL);
  char *const before = json_dumps(locks, 0);
  json_t *const groups = observe_groups_make(locks);
  CHECK_EQ(3, json_array_size(groups));
  const json_t *const shards = json_array_get(groups, 0); /* 600 ns together */
  CHECK_TEXT("shard", json_string_value(json_object_get(shards, "name")));
  CHECK_EQ(2, number(shards, "instances"));
  CHECK_EQ(30, number(shards, "acquisitions"));
  CHECK_EQ(600, number(shards, "wait_total_ns"));
  CHECK_EQ(95, number(shards, "wait_longest_ns"));
  CHECK_EQ(3, number(shards, "threads"));
  check_json("[[7,1],[8,4],[9,3],[12,3]]", json_object_get(shards, "hold_ns"));
  check_json("[[5,2]]", json_object_get(shards, "gap_ns"));
  check_json("[{\"site\":\"put\",\"acquisitions\":24,\"waited_ns\":0,\"caused_wait_ns\":1000,"
             "\"caused_from_looks\":9},"
             "{\"site\":\"get\",\"acquisitions\":6,\"waited_ns\":0,\"caused_wait_ns\":300}]",
             json_object_get(shards, "sites"));
  CHECK_EQ(4, number(json_array_get(groups, 1), "id"));
  CHECK_EQ(3, number(json_array_get(groups, 2), "id")); /* of another kind */
  char *const after = json_dumps(locks, 0);
  CHECK_TEXT(before, after); /* the profile keeps each */
  free(before);
  free(after);
  json_decref(groups);
  json_decref(locks);
  return check_result();
}
