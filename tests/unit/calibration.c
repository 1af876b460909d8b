// SPDX-License-Identifier: MIT
/* The search finds the setting behind what a model of a program shows, says how far off it is, and comes to an end. */
#include "calibration.h"

#include "check.h"
#include "random.h"

/* Threads that go round over gap, wait and section, as a closed queue of one lock. */
struct model {
  double n_threads, gap_ns, hold_ns, line_ns, noise;
  double sleep_ns; /* of two threads: of one that waits for a section which is not over soon */
  struct random_state random;
  unsigned n_plays, n_until_given_up;
  bool is_silent; /* nothing can be measured */
};

static double noisy(struct model *model, double x) {
  return x * (1 + model->noise * ((double)(random_next(&model->random) >> 11) * 0x1p-52 - 1));
}

/* Whoever sleeps lets the other one go round alone. The longer sections are, the fewer are over before that. */
static struct calibration_outcome come_of_sleepers(const struct model *model, double gap_ns, double hold_ns) {
  const double soon_ns = 200, round_ns = gap_ns + hold_ns;
  const double met = hold_ns / round_ns, sleeps = met * -expm1(-hold_ns / soon_ns);
  const double n = 1 + sleeps * model->sleep_ns / round_ns;
  return (struct calibration_outcome){1e9 * n / (round_ns / 2 + sleeps * model->sleep_ns), met / n};
}

static struct calibration_outcome come_of(struct model *model, const struct calibration_setting *setting) {
  const double hold_ns = model->hold_ns * setting->hold_scale + model->line_ns * setting->cs_lines;
  const double gap_ns = model->gap_ns * setting->gap_scale;
  double wait_ns = 0, contended = 0;
  if (model->sleep_ns > 0) return come_of_sleepers(model, gap_ns, hold_ns);
  for (unsigned i = 0; i < 200; i++) { /* to where it stays */
    contended = fmin(1, (model->n_threads - 1) * hold_ns / (gap_ns + hold_ns + wait_ns));
    wait_ns = (wait_ns + contended * hold_ns) / 2;
  }
  return (struct calibration_outcome){noisy(model, 1e9 * model->n_threads / (gap_ns + hold_ns + wait_ns)),
                                      noisy(model, contended)};
}

static bool play(void *about, const struct calibration_setting *setting, unsigned n_times,
                 struct calibration_outcome *outcome) {
  struct model *model = about;
  CHECK(n_times >= 3);
  CHECK(setting->hold_scale >= 0.2 && setting->hold_scale <= 5 && setting->gap_scale >= 0.2 && setting->gap_scale <= 5);
  if (++model->n_plays == model->n_until_given_up) return false;
  *outcome = model->is_silent ? (struct calibration_outcome){NAN, NAN} : come_of(model, setting);
  return true;
}

static struct profile_target target_of(struct model *model, struct calibration_setting setting) {
  const double noise = model->noise;
  model->noise = 0;
  const struct calibration_outcome outcome = come_of(model, &setting);
  model->noise = noise;
  return (struct profile_target){.acquisitions_per_s = outcome.acquisitions_per_s, .contended = outcome.contended};
}

/* Within a twentieth of what the program did, for threads, lengths and settings of all sorts. */
static void it_finds_what_the_program_did(void) {
  static const double threads[] = {2, 4, 8}, gaps_ns[] = {300, 3000}, holds_ns[] = {30, 250};
  static const struct calibration_setting settings[] = {{0, 1, 1}, {0, 1.4, 0.8}, {0, 0.7, 1.3}, {4, 0.9, 1.5}};
  for (unsigned i = 0; i < 3 * 2 * 2 * 4 * 2; i++) {
    struct model model = {.n_threads = threads[i % 3],
                          .gap_ns = gaps_ns[i / 3 % 2],
                          .hold_ns = holds_ns[i / 6 % 2],
                          .line_ns = 40,
                          .noise = i / 48 == 0 ? 0 : 0.02,
                          .random = random_seed(i, 0)};
    const struct calibration_setting setting = settings[i / 12 % 4];
    const struct profile_target target = target_of(&model, setting);
    struct calibration found;
    check_about("%g threads, gap %g, hold %g, %u lines, x %g, x %g, noise %g", model.n_threads, model.gap_ns,
                model.hold_ns, setting.cs_lines, setting.hold_scale, setting.gap_scale, model.noise);
    CHECK(calibration_search(&found, &target, play, &model));
    CHECK(found.n_steps <= CALIBRATION_MAX_STEPS && model.n_plays <= found.n_steps + 2);
    check_that(found.misfit < 0.07, __FILE__, __LINE__, "misfit %.3f after %u steps", found.misfit, found.n_steps);
  }
}

static void what_fits_is_left_alone(void) {
  struct model model = {.n_threads = 4, .gap_ns = 1000, .hold_ns = 100};
  const struct profile_target target = target_of(&model, (struct calibration_setting){0, 1, 1});
  struct calibration found;
  check_about("fits");
  CHECK(calibration_search(&found, &target, play, &model));
  CHECK_EQ(1, found.n_steps);
  CHECK(found.best.cs_lines == 0 && found.best.hold_scale == 1 && found.best.gap_scale == 1);
  CHECK(found.misfit < 1e-9);
}

/* On a machine that is not quiet, no setting is taken for what chance has made. */
static void what_chance_makes_fit_is_not_taken(void) {
  struct model model = {.n_threads = 4, .gap_ns = 3000, .hold_ns = 100, .noise = 0.4, .random = random_seed(1, 0)};
  const struct profile_target target = target_of(&model, (struct calibration_setting){0, 1, 1});
  for (unsigned i = 0; i < 100; i++) {
    struct calibration found;
    check_about("noisy search %u", i);
    CHECK(calibration_search(&found, &target, play, &model));
    CHECK(found.best.hold_scale > 0.5 && found.best.hold_scale < 2);
    CHECK(found.best.gap_scale > 0.6 && found.best.gap_scale < 1.7);
  }
}

/* One thread waits for nobody: how long its sections are cannot be told, and is left as recorded. */
static void without_contention_only_gaps_are_fitted(void) {
  struct model model = {.n_threads = 1, .gap_ns = 1000, .hold_ns = 100};
  const struct profile_target target = target_of(&model, (struct calibration_setting){0, 1, 1.8});
  struct calibration found;
  check_about("alone");
  CHECK(calibration_search(&found, &target, play, &model));
  CHECK(found.best.hold_scale == 1);
  CHECK(found.misfit < 0.05);
}

/* Longer sections are met less often: then they are not to blame, and the rate is met all the same. */
static void what_leads_away_is_left(void) {
  struct model model = {.n_threads = 2, .gap_ns = 250, .hold_ns = 50, .sleep_ns = 40000};
  struct profile_target target = target_of(&model, (struct calibration_setting){0, 1, 1});
  struct calibration found;
  check_about("sleepers");
  target.acquisitions_per_s *= 1.3;
  target.contended += 0.05;
  CHECK(calibration_search(&found, &target, play, &model));
  CHECK(found.best.hold_scale == 1);
  CHECK(found.misfit < 0.07); /* the share's, which no setting has */
  CHECK_NEAR(1, found.outcome.acquisitions_per_s / target.acquisitions_per_s, 0.05);
}

/* A lock that is contended in each acquisition at a rate of one in a second: no setting does that. */
static void what_cannot_be_is_told_by_its_misfit(void) {
  struct model model = {.n_threads = 2, .gap_ns = 1000, .hold_ns = 100};
  const struct profile_target target = {.acquisitions_per_s = 1, .contended = 0.9};
  struct calibration found;
  check_about("impossible");
  CHECK(calibration_search(&found, &target, play, &model));
  CHECK(found.misfit > 0.5);
  CHECK(found.n_steps <= CALIBRATION_MAX_STEPS);
}

static void it_stops_when_it_is_told_to_or_sees_nothing(void) {
  struct model model = {.n_threads = 2, .gap_ns = 1000, .hold_ns = 100, .n_until_given_up = 2};
  const struct profile_target target = target_of(&model, (struct calibration_setting){0, 2, 2});
  struct calibration found;
  check_about("stop");
  CHECK(!calibration_search(&found, &target, play, &model));
  CHECK_EQ(2, model.n_plays);
  CHECK(isnan(found.misfit));
  struct model silent = {.n_threads = 2, .gap_ns = 1000, .hold_ns = 100, .is_silent = true};
  CHECK(!calibration_search(&found, &target, play, &silent));
  CHECK(silent.n_plays <= 3);
}

static void the_misfit_is_the_worse_of_two(void) {
  const struct profile_target target = {.acquisitions_per_s = 1000, .contended = 0.3};
  check_about("misfit");
  CHECK_NEAR(0.25, calibration_misfit(&target, &(struct calibration_outcome){1250, 0.3}), 1e-9);
  CHECK_NEAR(0.25, calibration_misfit(&target, &(struct calibration_outcome){800, 0.3}), 1e-9);
  CHECK_NEAR(0.1, calibration_misfit(&target, &(struct calibration_outcome){1050, 0.4}), 1e-9);
}

int main(void) {
  it_finds_what_the_program_did();
  what_fits_is_left_alone();
  what_chance_makes_fit_is_not_taken();
  without_contention_only_gaps_are_fitted();
  what_leads_away_is_left();
  what_cannot_be_is_told_by_its_misfit();
  it_stops_when_it_is_told_to_or_sees_nothing();
  the_misfit_is_the_worse_of_two();
  return check_result();
}
