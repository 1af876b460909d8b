// SPDX-License-Identifier: MIT
/* The command lines: every bad value is refused with one line that names it. */
#include "options.h"

#include <errno.h>

#include "check.h"

enum { MAX_ARGUMENTS = 16 };

static char why[512];
static struct options options;

/* `line` is split at spaces; "''" is an empty argument. */
static int parse(const char *line) {
  static char text[4096], empty[1];
  char *arguments[MAX_ARGUMENTS + 1];
  int n = 0;
  snprintf(text, sizeof text, "%s", line);
  for (char *word = strtok(text, " "); word != NULL && n < MAX_ARGUMENTS; word = strtok(NULL, " "))
    arguments[n++] = strcmp(word, "''") == 0 ? empty : word;
  arguments[n] = NULL;
  why[0] = '\0';
  check_about("%.200s", line);
  return options_parse(&options, COMMAND_RUN, n, arguments, why, sizeof why);
}

static void check_refused(const char *line, const char *named) {
  CHECK_EQ(EINVAL, parse(line));
  CHECK(why[0] != '\0' && strchr(why, '\n') == NULL);
  check_that(strstr(why, named) != NULL, __FILE__, __LINE__, "'%s' does not name %s", why, named);
}

static void bad_numbers_are_refused(void) {
  static const char *const never[] = {"''", "0x10", "nan",  "inf", "+1", "1e999", "1e-999", "99999999999999999999",
                                      "-1", "1;2",  "five", ".",   "e",  "1e",    "--",     "100000000000"};
  static const char *const wholes[] = {"threads",        "readers", "writers",  "keys",     "locks-count", "spin-ns",
                                       "backoff-max-ns", "cs-ns",   "cs-lines", "think-ns", "repetitions"};
  static const char *const reals[] = {"read-pct", "duration", "warmup", "timeout"};
  char line[128], named[32];
  for (size_t v = 0; v < sizeof never / sizeof *never; v++) {
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes + sizeof reals / sizeof *reals; i++) {
      const size_t n_wholes = sizeof wholes / sizeof *wholes;
      const char *name = i < n_wholes ? wholes[i] : reals[i - n_wholes];
      snprintf(line, sizeof line, "--%s %s", name, never[v]);
      snprintf(named, sizeof named, "--%s", name);
      check_refused(line, named);
    }
  }
  for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) {
    snprintf(line, sizeof line, "--%s 1.5", wholes[i]);
    check_refused(line, "whole number");
  }
}

static void values_out_of_range_are_refused(void) {
  check_refused("--threads 0", "'0'");
  check_refused("--threads=4097", "4096");
  check_refused("--threads 100000", "4096");
  check_refused("--threads 1,2,0", "'0'");
  check_refused("--keys 0", "from 1");
  check_refused("--locks-count 0", "from 1");
  check_refused("--think-ns 0 --think spin", "from 1");
  check_refused("--read-pct 100.001", "from 0 to 100");
  check_refused("--duration 0", "0.001");
  check_refused("--duration 0.0009", "0.001");
  check_refused("--duration 3601", "3600");
  check_refused("--warmup 601", "600");
  check_refused("--timeout 0", "0.1");
  check_refused("--repetitions 0", "from 1");
  check_refused("--repetitions 10001", "10000");
}

static void bad_lists_are_refused(void) {
  check_refused("--threads ,1", "''");
  check_refused("--threads 1,", "''");
  check_refused("--threads 1,,2", "''");
  check_refused("--threads 1,2,1", "twice");
  check_refused("--threads 1,1.0", "twice");
  check_refused("--threads 1,0000000000000000000000000000000000000000002", "--threads");
  char line[2048] = "--cs-ns 0";
  for (int i = 1; i <= OPTIONS_MAX_LIST; i++) snprintf(line + strlen(line), sizeof line - strlen(line), ",%d", i);
  check_refused(line, "256 values");
}

static void bad_words_are_refused(void) {
  check_refused("--seed -1", "--seed");
  check_refused("--seed ''", "--seed");
  check_refused("--seed 1.5", "--seed");
  check_refused("--seed 18446744073709551616", "18446744073709551615");
  check_refused("--think nap", "'nap'");
  check_refused("--think spin,", "''");
  check_refused("--think ''", "none|spin|sleep");
  check_refused("--layout ''", "apart|together");
  check_refused("--layout near", "--layout: 'near' is not one of apart|together");
  check_refused("--layout apart|together", "'apart|together'");
  check_refused("--layout apart,", "''");
  check_refused("--layout togethe", "'togethe'");
  check_refused("--layout", "--layout needs a value: apart|together");
  check_refused("--out ''", "--out");
  check_refused("--locks ''", "--locks");
  check_refused("--placement ''", "--placement");
  check_refused("--threads", "--threads needs a value");
  check_refused("--latency=yes", "takes no value");
  check_refused("--lock ticket", "unknown option '--lock'; did you mean --locks?");
  check_refused("--thread=2", "unknown option '--thread=2'; did you mean --threads?");
  check_refused("-threads 2", "unknown option");
  check_refused("threads 2", "unknown option 'threads'");
  check_refused("--", "unknown option");
  char line[2000];
  memset(line, 'x', sizeof line - 1);
  line[sizeof line - 1] = '\0';
  check_refused(line, "unknown option");
  memcpy(line, "--threads ", 10);
  check_refused(line, "--threads");
}

static void options_that_exclude_each_other_are_refused(void) {
  check_refused("--readers 1 --threads 2", "--threads");
  check_refused("--writers 1 --threads 2", "--threads");
  check_refused("--readers 1 --read-pct 50", "--read-pct");
  check_refused("--trylock --latency", "--trylock");
  check_refused("--think spin", "--think-ns");
  check_refused("--think none,sleep", "--think-ns");
  check_refused("--think-ns 100", "--think");
  check_refused("--think none --think-ns 100", "--think");
  check_refused("--slice-extension --trylock", "--slice-extension excludes");
  check_refused("--slice-extension --rate 1000", "--slice-extension excludes");
  check_refused("--slice-extension --profile x", "--slice-extension excludes");
}

static void good_values_are_read(void) {
  CHECK_EQ(0, parse("--threads=1,2,4096 --read-pct 0,99.9,100 --keys 1e3 --seed 18446744073709551615"));
  CHECK_EQ(3, options.threads.n);
  CHECK_EQ(1, options.threads.values[0]);
  CHECK_EQ(4096, options.threads.values[2]);
  CHECK_EQ(3, options.read_pct.n);
  CHECK_NEAR(99.9, options.read_pct.values[1], 1e-12);
  CHECK_EQ(1000, options.keys.values[0]);
  CHECK(options.has_seed && options.seed == UINT64_MAX);

  CHECK_EQ(0, parse("--think none,sleep --think-ns 5,10000000000 --latency --locks mcs,ticket"));
  CHECK(options.thinks[THINK_NONE] && !options.thinks[THINK_SPIN] && options.thinks[THINK_SLEEP]);
  CHECK_EQ(2, options.think_ns.n);
  CHECK_EQ(10000000000, options.think_ns.values[1]);
  CHECK(options.times_waits);
  CHECK_TEXT("mcs,ticket", options.locks);

  CHECK_EQ(0, parse("--layout together"));
  CHECK(!options.layouts[LAYOUT_APART] && options.layouts[LAYOUT_TOGETHER]);
  CHECK_EQ(0, parse("--layout together,apart"));
  CHECK(options.layouts[LAYOUT_APART] && options.layouts[LAYOUT_TOGETHER]);
  CHECK_EQ(0, parse("--layout together --layout apart")); /* the last one counts */
  CHECK(options.layouts[LAYOUT_APART] && !options.layouts[LAYOUT_TOGETHER]);

  CHECK_EQ(0, parse("--duration 0.25 --warmup 0 --timeout 0.1 --repetitions 3 --out=a=b --placement list:0,2-4"));
  CHECK_NEAR(0.25, options.duration_s, 1e-12);
  CHECK_EQ(0, options.warmup_s);
  CHECK_NEAR(0.1, options.timeout_s, 1e-12);
  CHECK_EQ(3, options.n_repetitions);
  CHECK_TEXT("a=b", options.out);
  CHECK_TEXT("list:0,2-4", options.placements);
}

static void what_is_not_given_has_a_default(void) {
  CHECK_EQ(0, parse(""));
  CHECK(options.out == NULL && options.resume == NULL);
  CHECK(!options.has_seed && !options.times_waits && !options.tries);
  CHECK_TEXT("common", options.locks);
  CHECK(options.thinks[THINK_NONE] && !options.thinks[THINK_SPIN] && !options.thinks[THINK_SLEEP]);
  CHECK(options.layouts[LAYOUT_APART] && !options.layouts[LAYOUT_TOGETHER]);
  CHECK_TEXT("compact", options.placements);
  CHECK_EQ(0, options.threads.n); /* the matrix knows how many CPUs there are */
  CHECK_EQ(0, options.readers.n + options.writers.n);
  CHECK(options.n_repetitions >= 7); /* below that there is no median to believe */

  CHECK_EQ(0, parse("--writers 2")); /* then there are no readers */
  CHECK_EQ(1, options.readers.n);
  CHECK_EQ(0, options.readers.values[0]);

  CHECK_EQ(0, parse("--threads 2 --threads 3")); /* the last one counts */
  CHECK_EQ(1, options.threads.n);
  CHECK_EQ(3, options.threads.values[0]);
}

/* What the other commands take: the same names with ranges and defaults of their own, and nothing of each other's. */
static void each_command_has_its_own(void) {
  static const struct {
    enum command command;
    const char *taken, *refused;
  } cases[] = {{COMMAND_RUN, "--latency", "--phases"},
               {COMMAND_SEED, "--locks", "--threads"},
               {COMMAND_STRESS, "--phases", "--latency"},
               {COMMAND_LIST, "--json", "--locks"},
               {COMMAND_TOPOLOGY, "--json", "--duration"}};
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    char taken[32], value[] = "2", refused[32];
    snprintf(taken, sizeof taken, "%s", cases[i].taken);
    snprintf(refused, sizeof refused, "%s", cases[i].refused);
    char *good[] = {taken, value}, *bad[] = {refused, value};
    const int n = strcmp(taken, "--locks") == 0 ? 2 : 1;
    check_about("%s", taken);
    CHECK_EQ(0, options_parse(&options, cases[i].command, n, good, why, sizeof why));
    CHECK_EQ(EINVAL, options_parse(&options, cases[i].command, 2, bad, why, sizeof why));
    CHECK(strstr(why, "unknown option") != NULL);
    for (unsigned h = 0; h < 2; h++) {
      char help[] = "--help", *asked[] = {help, refused};
      if (h == 1) snprintf(help, sizeof help, "-h");
      CHECK_EQ(0, options_parse(&options, cases[i].command, 2, asked, why, sizeof why));
      CHECK(options.wants_help);
    }
  }
  CHECK_EQ(0, options_parse(&options, COMMAND_STRESS, 0, NULL, why, sizeof why));
  CHECK_TEXT("mutex,rw", options.locks);
  CHECK_EQ(1, options.duration_s);
  CHECK_EQ(0, options_parse(&options, COMMAND_SEED, 0, NULL, why, sizeof why));
  CHECK_TEXT("pthread_mutex", options.locks);
  CHECK_EQ(1, options.duration_s);
  CHECK_EQ(0, options_parse(&options, COMMAND_TOPOLOGY, 0, NULL, why, sizeof why));
  CHECK(options.placements == NULL && options.n_threads == 0);
}

int main(void) {
  bad_numbers_are_refused();
  values_out_of_range_are_refused();
  bad_lists_are_refused();
  bad_words_are_refused();
  options_that_exclude_each_other_are_refused();
  good_values_are_read();
  what_is_not_given_has_a_default();
  each_command_has_its_own();
  return check_result();
}
