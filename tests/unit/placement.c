// SPDX-License-Identifier: MIT
/* What golden files cannot tell of placements: lists, errors, wrapping round, and what holds on any machine. */
#include "machine/placement.h"

#include <errno.h>

#include "check.h"
#include "random.h"
#include "trial/workload.h"

enum { MAX_CPUS = 64 };

static char why[256];

/* Two packages of two nodes of two cores with two siblings; the system numbers siblings 8 apart. */
static struct topology_cpu cpus[16];
static const struct topology machine = {.n_cpus = 16, .cpus = cpus, .n_domains = {8, 4, 4, 2}};

static void make_machine(void) {
  for (unsigned i = 0; i < 16; i++) cpus[i] = (struct topology_cpu){i / 2 + i % 2 * 8, {i / 2, i / 4, i / 4, i / 8}, 0};
}

static void check_order(const char *name, const char *want) {
  struct placement placement;
  char got[256] = "";
  check_about("%s", name);
  if (!CHECK_EQ(0, placement_make(&placement, &machine, name, why, sizeof why))) return;
  for (unsigned i = 0; i < placement.n_cpus; i++)
    snprintf(got + strlen(got), sizeof got - strlen(got), "%s%u", i > 0 ? " " : "", cpus[placement.order[i]].os_index);
  CHECK_TEXT(want, got);
  CHECK_TEXT(name, placement.name);
  CHECK(placement.is_pinned);
  placement_free(&placement);
}

static void lists_name_the_systems_numbers(void) {
  check_order("list:5", "5");
  check_order("list:8,0", "8 0");
  check_order("list:0,2,4-7", "0 2 4 5 6 7");
  check_order("list:15,0-2,9-9", "15 0 1 2 9");
}

static void bad_names_are_refused_with_one_line(void) {
  static const char *const names[] = {
      "list:",
      "list:x",
      "list:0,",
      "list:,0",
      "list:3-1",
      "list:-1",
      "list:16",
      "list:0,0",
      "list:0-1,1",
      "list:1x",
      "list: 1",
      "list:0-",
      "list:99999999999999999999",
      "list:0-1000000",
      "",
      "Compact",
      "compact ",
  };
  struct placement placement;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    check_about("%s", names[i]);
    why[0] = '\0';
    CHECK_EQ(EINVAL, placement_make(&placement, &machine, names[i], why, sizeof why));
    CHECK(why[0] != '\0' && strchr(why, '\n') == NULL && strstr(why, "placement") != NULL);
  }
  CHECK_EQ(EINVAL, placement_make(&placement, &machine, "list:16", why, sizeof why));
  CHECK(strstr(why, "CPU 16") != NULL);
}

static void more_threads_than_cpus_wrap_round(void) {
  struct placement placement;
  check_about("wrapping");
  CHECK_EQ(0, placement_make(&placement, &machine, "list:3,1,2", why, sizeof why));
  for (unsigned thread = 0; thread < 10; thread++)
    CHECK_EQ(placement.order[thread % 3], placement_cpu(&placement, thread));
  placement_free(&placement);
  CHECK_EQ(0, placement_make(&placement, &machine, "none", why, sizeof why));
  CHECK(!placement.is_pinned);
  CHECK_EQ(16, placement.n_cpus);
  placement_free(&placement);
}

static void distances_are_the_smallest_common_level(void) {
  check_about("distance");
  CHECK_EQ(DISTANCE_SAME_CPU, topology_distance(&cpus[3], &cpus[3]));
  CHECK_EQ(DISTANCE_SMT, topology_distance(&cpus[2], &cpus[3]));
  CHECK_EQ(DISTANCE_LLC, topology_distance(&cpus[0], &cpus[3]));
  CHECK_EQ(DISTANCE_REMOTE, topology_distance(&cpus[0], &cpus[4])); /* same package, another node */
  CHECK_EQ(DISTANCE_REMOTE, topology_distance(&cpus[0], &cpus[15]));
  const struct topology_cpu a = {0, {0, 0, 0, 0}, 0}, b = {1, {1, 1, 0, 0}, 0}, c = {2, {2, 2, 0, 1}, 0};
  CHECK_EQ(DISTANCE_NODE, topology_distance(&a, &b));   /* two caches on one node */
  CHECK_EQ(DISTANCE_REMOTE, topology_distance(&a, &c)); /* a node said to span two packages */
}

static bool are_distinct(const struct placement *placement) {
  for (unsigned i = 0; i < placement->n_cpus; i++)
    for (unsigned j = 0; j < i; j++)
      if (placement->order[i] == placement->order[j]) return false;
  return true;
}

/* Among the first n_cores of an order that takes one CPU of each core first, no two are siblings. */
static bool takes_cores_first(const struct topology *topology, const struct placement *placement) {
  const unsigned n_cores = topology->n_domains[LK_CORE];
  for (unsigned i = 0; i < n_cores; i++)
    for (unsigned j = 0; j < i; j++)
      if (topology->cpus[placement->order[i]].id[LK_CORE] == topology->cpus[placement->order[j]].id[LK_CORE])
        return false;
  return true;
}

/*
 * While there are cores with no thread, each thread goes to one whose package is the emptiest of those cores' packages
 * (or whose node is, where the nodes are fewer).
 */
static bool balances(const struct topology *topology, const struct placement *placement) {
  const bool nodes_are_outermost = topology->n_domains[LK_NODE] < topology->n_domains[LK_PACKAGE];
  const enum lk_level level = nodes_are_outermost ? LK_NODE : LK_PACKAGE;
  unsigned n_in[MAX_CPUS] = {0};
  bool is_used[MAX_CPUS] = {false};
  for (unsigned thread = 0; thread < topology->n_domains[LK_CORE]; thread++) {
    const struct topology_cpu *chosen = &topology->cpus[placement->order[thread]];
    for (unsigned i = 0; i < topology->n_cpus; i++) {
      const struct topology_cpu *other = &topology->cpus[i];
      if (!is_used[other->id[LK_CORE]] && n_in[other->id[level]] < n_in[chosen->id[level]]) return false;
    }
    is_used[chosen->id[LK_CORE]] = true;
    n_in[chosen->id[level]]++;
  }
  return true;
}

/*
 * Trees of random width, of which a random half of the CPUs may be used. A third of them know of one NUMA node only,
 * a third have one cache for a whole package, so that it spans nodes.
 */
static void make_random_machine(struct random_state *random, struct topology *topology) {
  unsigned next[LK_N_LEVELS] = {0}, os_index = 0;
  topology->n_cpus = 0;
#define UP_TO(n) (1 + (unsigned)(random_next(random) >> 40) % (n))
  for (unsigned packages = UP_TO(3); packages > 0; packages--)
    for (unsigned nodes = UP_TO(2), p = next[LK_PACKAGE]; nodes > 0; nodes--)
      for (unsigned caches = UP_TO(2), n = next[LK_NODE]; caches > 0; caches--)
        for (unsigned cores = UP_TO(2), l = next[LK_LLC]; cores > 0; cores--)
          for (unsigned siblings = UP_TO(2), c = next[LK_CORE]; siblings > 0; siblings--, os_index++) {
            if (topology->n_cpus > 0 && UP_TO(2) == 1) continue;
            topology->cpus[topology->n_cpus++] = (struct topology_cpu){os_index, {c, l, n, p}, (int)(os_index % 2)};
            next[LK_CORE] = c + 1, next[LK_LLC] = l + 1, next[LK_NODE] = n + 1, next[LK_PACKAGE] = p + 1;
          }
  const unsigned kind = UP_TO(3);
  for (unsigned i = 0; i < topology->n_cpus; i++) {
    unsigned *id = topology->cpus[i].id;
    if (kind == 1) id[LK_NODE] = 0;
    if (kind == 2) id[LK_LLC] = id[LK_PACKAGE];
  }
  if (kind == 1) next[LK_NODE] = 1;
  if (kind == 2) next[LK_LLC] = next[LK_PACKAGE];
#undef UP_TO
  memcpy(topology->n_domains, next, sizeof next);
}

/* Two threads share a domain of the placement's exactly if they share one of the machine's; none is without a thread.
 */
static bool numbers_domains(const struct topology *topology, const struct placement *placement) {
  for (enum lk_level level = 0; level < LK_N_LEVELS; level++) {
    bool is_used[MAX_CPUS] = {false};
    for (unsigned i = 0; i < placement->n_cpus; i++) {
      const unsigned id = placement_domain(placement, i)->id[level];
      if (id >= placement->n_domains[level]) return false;
      is_used[id] = true;
      for (unsigned j = 0; j < i && placement->is_pinned; j++) {
        const bool is_one_of_machine = topology->cpus[placement_cpu(placement, i)].id[level] ==
                                       topology->cpus[placement_cpu(placement, j)].id[level];
        if ((placement_domain(placement, j)->id[level] == id) != is_one_of_machine) return false;
      }
    }
    for (unsigned id = 0; id < placement->n_domains[level]; id++)
      if (!is_used[id]) return false;
    if (!placement->is_pinned && placement->n_domains[level] != 1) return false;
  }
  return true;
}

static void check_domains(const struct topology *topology, const char *name, const unsigned want[LK_N_LEVELS]) {
  struct placement placement;
  check_about("domains under %.40s", name);
  if (!CHECK_EQ(0, placement_make(&placement, topology, name, why, sizeof why))) return;
  for (enum lk_level level = 0; level < LK_N_LEVELS; level++) CHECK_EQ(want[level], placement.n_domains[level]);
  CHECK(numbers_domains(topology, &placement));
  placement_free(&placement);
}

/* What a lock is told must be of the CPUs that its threads run on, not of the machine: n_cpus is theirs too. */
static void domains_are_those_of_the_placement(void) {
  struct topology_cpu many[128];
  for (unsigned i = 0; i < 128; i++) many[i] = (struct topology_cpu){i / 2 + i % 2 * 64, {i / 2, 0, 0, 0}, 0};
  const struct topology smt = {.n_cpus = 128, .cpus = many, .n_domains = {64, 1, 1, 1}};
  check_domains(&smt, "list:16-47,80-111", (const unsigned[]){32, 1, 1, 1}); /* 32 cores with both siblings */
  check_domains(&smt, "list:0-31", (const unsigned[]){32, 1, 1, 1});
  check_domains(&smt, "compact", (const unsigned[]){64, 1, 1, 1});
  check_domains(&machine, "same-llc", (const unsigned[]){2, 1, 1, 1}); /* one of its nodes */
  check_domains(&machine, "list:4-5,14", (const unsigned[]){3, 2, 2, 1});
  check_domains(&machine, "scatter", machine.n_domains);
  check_domains(&machine, "none", (const unsigned[]){1, 1, 1, 1});
}

static void check_scatter(const struct topology *topology, const char *want) {
  struct placement placement;
  char got[256] = "";
  check_about("scatter");
  if (!CHECK_EQ(0, placement_make(&placement, topology, "scatter", why, sizeof why))) return;
  for (unsigned i = 0; i < placement.n_cpus; i++)
    snprintf(got + strlen(got), sizeof got - strlen(got), "%s%u", i > 0 ? " " : "",
             topology->cpus[placement.order[i]].os_index);
  CHECK_TEXT(want, got);
  placement_free(&placement);
}

static void scatter_fills_the_emptiest_first(void) {
  /* A cache over cores 0 to 2 and one over core 3; then a node that is two packages, and one that is a third. */
  struct topology_cpu uneven[] = {
      {0, {0, 0, 0, 0}, 0}, {1, {1, 0, 0, 0}, 0}, {2, {2, 0, 0, 0}, 0}, {3, {3, 1, 0, 0}, 0}};
  check_scatter(&(struct topology){.n_cpus = 4, .cpus = uneven, .n_domains = {4, 2, 1, 1}}, "0 3 1 2");
  struct topology_cpu nodes[] = {
      {0, {0, 0, 0, 0}, 0}, {1, {1, 1, 0, 1}, 0}, {2, {2, 2, 1, 2}, 0}, {3, {3, 2, 1, 2}, 0}};
  check_scatter(&(struct topology){.n_cpus = 4, .cpus = nodes, .n_domains = {4, 3, 2, 3}}, "0 2 1 3");
}

static void check_refusal(const struct topology *topology, const char *name, const char *named) {
  struct placement placement;
  check_about("%s", name);
  CHECK_EQ(EINVAL, placement_make(&placement, topology, name, why, sizeof why));
  check_that(strstr(why, named) != NULL, __FILE__, __LINE__, "'%s' does not name %s", why, named);
}

static void kinds_must_be_there_and_ranked(void) {
  struct topology_cpu kinds[] = {{0, {0}, 1}, {1, {0}, 1}, {2, {1}, 0}, {3, {2}, 0}};
  struct topology topology = {.n_cpus = 4, .cpus = kinds, .n_domains = {3, 1, 1, 1}, .n_kinds = 2, .ranks_kinds = true};
  struct placement placement;
  CHECK_EQ(0, placement_make(&placement, &topology, "p-cores", why, sizeof why));
  CHECK(placement.n_cpus == 2 && placement.order[0] == 0 && placement.order[1] == 1);
  placement_free(&placement);
  CHECK_EQ(0, placement_make(&placement, &topology, "e-cores", why, sizeof why));
  CHECK(placement.n_cpus == 2 && placement.order[0] == 2 && placement.order[1] == 3);
  placement_free(&placement);
  topology.ranks_kinds = false;
  check_refusal(&topology, "e-cores", "more powerful");
  topology.ranks_kinds = true;
  kinds[3].kind = -1;
  check_refusal(&topology, "p-cores", "more powerful");
  topology.n_cpus = 2;
  check_refusal(&topology, "p-cores", "one kind");
  check_refusal(&machine, "p-cores", "does not tell");
}

static void policies_keep_their_promise_on_any_machine(void) {
  struct topology_cpu some[MAX_CPUS];
  struct topology topology = {.cpus = some, .n_kinds = 2, .ranks_kinds = true};
  struct random_state random = random_seed(4, 0);
  for (unsigned round = 0; round < 500; round++) {
    make_random_machine(&random, &topology);
    for (const char *const *name = placement_policies; *name != NULL; name++) {
      struct placement placement;
      check_about("random machine %u, %s", round, *name);
      if (placement_make(&placement, &topology, *name, why, sizeof why) != 0) {
        CHECK(strcmp(*name, "smt") == 0 || strcmp(*name, "cross-node") == 0 || strstr(*name, "-cores") != NULL);
        continue;
      }
      const bool is_selection =
          strcmp(*name, "smt") == 0 || strcmp(*name, "same-llc") == 0 || strstr(*name, "-cores") != NULL;
      CHECK(numbers_domains(&topology, &placement));
      CHECK(are_distinct(&placement));
      CHECK(is_selection ? placement.n_cpus <= topology.n_cpus : placement.n_cpus == topology.n_cpus);
      if (strcmp(*name, "cores") == 0) CHECK(takes_cores_first(&topology, &placement));
      if (strcmp(*name, "scatter") == 0) {
        CHECK(takes_cores_first(&topology, &placement));
        CHECK(balances(&topology, &placement));
      }
      placement_free(&placement);
    }
  }
}

int main(void) {
  make_machine();
  lists_name_the_systems_numbers();
  bad_names_are_refused_with_one_line();
  more_threads_than_cpus_wrap_round();
  distances_are_the_smallest_common_level();
  domains_are_those_of_the_placement();
  scatter_fills_the_emptiest_first();
  kinds_must_be_there_and_ranked();
  policies_keep_their_promise_on_any_machine();
  return check_result();
}
