// SPDX-License-Identifier: MIT
/* Which domains a lock goes by that knows but near and far, on machines that we do not have. */
#include "check.h"
#include "lk.h"

static const struct {
  const char *machine;
  unsigned n_cpus, n_domains[LK_N_LEVELS]; /* cores, caches, nodes, packages */
  enum lk_level level;
} cases[] = {
    {"one CPU", 1, {1, 1, 1, 1}, LK_PACKAGE},
    {"a laptop without SMT", 4, {4, 1, 1, 1}, LK_PACKAGE},
    {"a laptop with SMT", 8, {4, 1, 1, 1}, LK_CORE},
    {"a desktop with two caches", 32, {16, 2, 1, 1}, LK_LLC},
    {"two sockets, a cache each", 64, {32, 2, 2, 2}, LK_NODE},
    {"two sockets of eight caches each, a node each", 256, {128, 16, 2, 2}, LK_LLC},
    {"two sockets of eight caches each, four nodes each", 256, {128, 16, 8, 2}, LK_LLC},
    {"two sockets of two nodes each, a cache for each node", 96, {48, 4, 4, 2}, LK_NODE},
    {"two sockets of two nodes each under one cache", 96, {48, 2, 4, 2}, LK_NODE},
    {"two nodes, a cache for each core", 80, {80, 80, 2, 2}, LK_NODE},
    {"two sockets without nodes", 16, {16, 2, 1, 2}, LK_PACKAGE},
};

int main(void) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct lk_config config = lk_config_default(1, cases[i].n_cpus);
    for (unsigned level = 0; level < LK_N_LEVELS; level++) config.n_domains[level] = cases[i].n_domains[level];
    check_about("%s", cases[i].machine);
    CHECK_EQ(cases[i].level, lk_level_of_domains(&config));
  }
  const struct lk_domain here = {{4, 3, 2, 1}};
  CHECK_EQ(3, lk_domain_id(&here, LK_LLC));
  CHECK_EQ(0, lk_domain_id(NULL, LK_LLC));
  return check_result();
}
