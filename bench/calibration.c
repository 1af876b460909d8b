// SPDX-License-Identifier: MIT
#include "calibration.h"

#include <math.h>

/*
 * Lines are tried only as long as sections and gaps of other lengths do not do: what a line costs depends on who had it
 * last, and a section that is longer in any case is the simpler reason.
 */
static const unsigned LINES[] = {0, 4, 16};
enum { N_LINES = sizeof LINES / sizeof *LINES, STEPS_EACH = 7, N_TIMES = 3, N_TIMES_ANEW = 7 };
_Static_assert(N_LINES *STEPS_EACH <= CALIBRATION_MAX_STEPS, "raise CALIBRATION_MAX_STEPS");

/* What fits so well is not looked at any further. */
static const double GOOD = 0.03;

/* What was observed is not longer or shorter than that. */
static const double MIN_SCALE = 0.2, MAX_SCALE = 5;

/* Of two settings that fit about as well, the one nearer to the recording is the more likely: chance, on a machine that
   is not quiet, makes many fit. So much misfit is being longer or shorter by a factor of e. */
static const double PER_FACTOR = 0.03;

/* Where so few acquisitions are contended, their share tells nothing of how long sections are. */
static const double LEAST_CONTENDED = 0.005;

/* Sections that are so much longer or shorter tell which way the contended share goes, and this is the wrong one. */
static const double TELLING_MOVE = 0.2, WRONG_SLOPE = -0.2;

/* A step goes less far than a straight line tells, since lengths, rate and contention depend on each other. */
static const double MAX_FACTOR = 2, CAUTION = 0.7;

double calibration_misfit(const struct profile_target *target, const struct calibration_outcome *outcome) {
  const double rate = fabs(log(outcome->acquisitions_per_s / target->acquisitions_per_s));
  return fmax(expm1(rate), fabs(outcome->contended - target->contended)); /* NaN: only if neither is known */
}

static bool is_measured(const struct calibration_outcome *outcome) {
  return outcome->acquisitions_per_s > 0 && outcome->contended >= 0;
}

static double within(double low, double x, double high) { return fmin(fmax(x, low), high); }

/* Three digits: more are not known, and they stand in each row. */
static double next_scale(double scale, double factor) {
  const double next = scale * within(1 / MAX_FACTOR, factor, MAX_FACTOR);
  return round(1000 * within(MIN_SCALE, next, MAX_SCALE)) / 1000;
}

/* By how many per cent the rate falls where gaps grow by one, as the last two steps tell; a guess where they do not. */
static double slope(const struct calibration_step *before, const struct calibration_step *step) {
  const double usual = 0.7, least_move = 0.05;
  if (before == NULL) return usual;
  const double move = log(step->setting.gap_scale / before->setting.gap_scale);
  if (fabs(move) < least_move) return usual;
  return within(0.4, -log(step->outcome.acquisitions_per_s / before->outcome.acquisitions_per_s) / move, 1);
}

/*
 * Sections that are longer are met more often, and gaps that are longer make each thread slower. What sections of
 * another length do to the rate is not made up for twice.
 */
static struct calibration_setting next_setting(const struct profile_target *target,
                                               const struct calibration_step *before,
                                               const struct calibration_step *step, bool fits_holds) {
  struct calibration_setting next = step->setting;
  const double contended = fmax(step->outcome.contended, LEAST_CONTENDED);
  if (fits_holds && target->contended > LEAST_CONTENDED)
    next.hold_scale = next_scale(step->setting.hold_scale, pow(target->contended / contended, CAUTION));
  const double too_fast = step->outcome.acquisitions_per_s / target->acquisitions_per_s;
  const double of_holds = pow(next.hold_scale / step->setting.hold_scale, target->contended);
  next.gap_scale = next_scale(step->setting.gap_scale, pow(too_fast / of_holds, CAUTION / slope(before, step)));
  return next;
}

/*
 * Sections that are longer are met less often where who meets one is the sooner put to sleep, while the others go round
 * alone. Then lengths do not bring the share nearer, and what they do to the rate only leads away from it.
 */
static bool goes_astray(const struct calibration_step *before, const struct calibration_step *step) {
  const double move = log(step->setting.hold_scale / before->setting.hold_scale);
  const double share =
      log(fmax(step->outcome.contended, LEAST_CONTENDED) / fmax(before->outcome.contended, LEAST_CONTENDED));
  return fabs(move) >= TELLING_MOVE && share / move <= WRONG_SLOPE;
}

static bool is_same(const struct calibration_setting *a, const struct calibration_setting *b) {
  return a->cs_lines == b->cs_lines && a->hold_scale == b->hold_scale && a->gap_scale == b->gap_scale;
}

static double unlikeliness(double misfit, const struct calibration_setting *setting) {
  return misfit + PER_FACTOR * (fabs(log(setting->hold_scale)) + fabs(log(setting->gap_scale)));
}

/* What the best setting so far has. */
struct best {
  double misfit, unlikeliness;
};

/* Goes from one setting to the next with so many lines. False: given up. */
static bool search_with(struct calibration *calibration, unsigned n_lines, struct best *best,
                        const struct profile_target *target, calibration_play *play, void *about) {
  struct calibration_setting setting = {.cs_lines = n_lines, .hold_scale = 1, .gap_scale = 1};
  bool fits_holds = true;
  for (unsigned i = 0; i < STEPS_EACH && best->misfit > GOOD; i++) {
    struct calibration_step *const played = &calibration->steps[calibration->n_steps++];
    const struct calibration_step *step = played;
    played->setting = setting;
    if (!play(about, &setting, N_TIMES, &played->outcome)) return false;
    if (!is_measured(&step->outcome)) return true;
    const double misfit = calibration_misfit(target, &step->outcome);
    if (unlikeliness(misfit, &setting) < best->unlikeliness) {
      *best = (struct best){misfit, unlikeliness(misfit, &setting)};
      calibration->best = setting;
    }
    const struct calibration_step *before = i > 0 ? played - 1 : NULL;
    if (fits_holds && before != NULL && goes_astray(before, step)) {
      fits_holds = false;
      step = before; /* on from there, by gaps alone */
      before = NULL;
    }
    const struct calibration_setting next = next_setting(target, before, step, fits_holds);
    if (is_same(&setting, &next)) break;
    setting = next;
  }
  return true;
}

/* Takes a setting if, measured anew, it fits better than what there is. False: given up. */
static bool hold_against(struct calibration *calibration, const struct calibration_setting *setting,
                         const struct profile_target *target, calibration_play *play, void *about) {
  struct calibration_outcome outcome;
  if (!play(about, setting, N_TIMES_ANEW, &outcome)) return false;
  const double misfit = calibration_misfit(target, &outcome);
  if (!is_measured(&outcome) || unlikeliness(misfit, setting) >= unlikeliness(calibration->misfit, &calibration->best))
    return true;
  calibration->best = *setting;
  calibration->outcome = outcome;
  calibration->misfit = misfit;
  return true;
}

bool calibration_search(struct calibration *calibration, const struct profile_target *target, calibration_play *play,
                        void *about) {
  static const struct calibration_setting as_recorded = {.cs_lines = 0, .hold_scale = 1, .gap_scale = 1};
  *calibration = (struct calibration){.misfit = NAN};
  struct best best = {INFINITY, INFINITY};
  for (unsigned i = 0; i < N_LINES && best.misfit > GOOD; i++)
    if (!search_with(calibration, LINES[i], &best, target, play, about)) return false;
  if (best.misfit == INFINITY || !play(about, &calibration->best, N_TIMES_ANEW, &calibration->outcome) ||
      !is_measured(&calibration->outcome))
    return false;
  calibration->misfit = calibration_misfit(target, &calibration->outcome);
  if (is_same(&calibration->best, &as_recorded)) return true;
  return hold_against(calibration, &as_recorded, target, play, about);
}
