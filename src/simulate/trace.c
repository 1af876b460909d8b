// SPDX-License-Identifier: MIT
#include "trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "arena.h"
#include "places.h"

enum { N_ROWS = 8, WIDTH = 1200, LEFT = 230, ROW_HEIGHT = 34, BAR_HEIGHT = 20, TOP = 40, N_HUES = 360, HUE_STEP = 137 };

struct trace trace;

bool trace_begin(unsigned n_events) {
  trace = (struct trace){.capacity = n_events, .events = calloc(n_events, sizeof *trace.events)};
  if (trace.events == NULL) trace.capacity = 0;
  return trace.events != NULL;
}

static void name_line(const struct crew *crew, const struct line *line, char *text, size_t n_bytes) {
  const size_t index = (size_t)(line - arena.lines), n_in_arena = ARENA_BYTES / ARENA_LINE_BYTES;
  const uintptr_t address = index < n_in_arena ? ARENA_BASE + index * ARENA_LINE_BYTES
                                               : arena.shared + (index - n_in_arena) * ARENA_LINE_BYTES;
  place_name(crew, (const void *)address, text, n_bytes);
}

static void write_text(const struct crew *crew, const char *machine, FILE *file) {
  static const char *const kinds[N_MISS_KINDS] = {"load", "store", "read-modify-write"};
  fprintf(file, "simulated: %s; %s, %u threads\n", machine, crew->trial->lock->name, crew->n_members);
  fprintf(file, "%10s %10s  %6s %5s  %-17s %-34s %s\n", "asked, ns", "had, ns", "thread", "core", "for a",
          "of the line at", "which was");
  for (unsigned i = 0; i < trace.n; i++) {
    const struct trace_event *event = &trace.events[i];
    char where[64], owner[48];
    name_line(crew, event->line, where, sizeof where);
    if (event->owner != 0)
      snprintf(owner, sizeof owner, "owned by core %u", event->owner - 1u);
    else
      snprintf(owner, sizeof owner, event->sharers > 0 ? "in %u caches" : "in no cache", event->sharers);
    fprintf(file, "%10.1f %10.1f  %6u %5u  %-17s %-34s %s\n", (double)(event->at_ps - trace.events[0].at_ps) / 1000,
            (double)(event->done_ps - trace.events[0].at_ps) / 1000, event->thread, event->core, kinds[event->kind],
            where, owner);
  }
}

/* The lines that were asked for most, at most N_ROWS; returns how many. */
static unsigned find_busiest(const struct line *rows[N_ROWS]) {
  unsigned n_rows = 0;
  for (; n_rows < N_ROWS; n_rows++) {
    const struct line *best = NULL;
    unsigned n_best = 0;
    for (unsigned i = 0; i < trace.n; i++) {
      const struct line *line = trace.events[i].line;
      bool is_taken = false;
      unsigned n = 0;
      for (unsigned r = 0; r < n_rows; r++) is_taken |= rows[r] == line;
      for (unsigned j = i; !is_taken && j < trace.n; j++) n += trace.events[j].line == line;
      if (n <= n_best) continue;
      n_best = n;
      best = line;
    }
    if (best == NULL) break;
    rows[n_rows] = best;
  }
  return n_rows;
}

/* A bar for each time that one core had the line alone; a tick for each load of a copy. */
static void draw_row(FILE *file, const struct line *line, unsigned row, double ns_wide) {
  const double y = TOP + row * ROW_HEIGHT, per_ns = (WIDTH - LEFT - 10) / ns_wide;
  for (unsigned i = 0; i < trace.n; i++) {
    const struct trace_event *event = &trace.events[i];
    if (event->line != line) continue;
    const double x = LEFT + (double)(event->done_ps - trace.events[0].at_ps) / 1000 * per_ns;
    double end = WIDTH - 10;
    for (unsigned j = i + 1; j < trace.n; j++)
      if (trace.events[j].line == line && trace.events[j].done_ps > event->done_ps) {
        end = LEFT + (double)(trace.events[j].done_ps - trace.events[0].at_ps) / 1000 * per_ns;
        break;
      }
    const unsigned hue = event->core * HUE_STEP % N_HUES;
    if (x > WIDTH - 10) continue;
    if (end > WIDTH - 10) end = WIDTH - 10;
    if (event->kind == MISS_LOAD)
      fprintf(file,
              "<rect x='%.1f' y='%.1f' width='2' height='%d' fill='hsl(%u,70%%,45%%)'><title>core %u loads a "
              "copy</title></rect>\n",
              x, y, BAR_HEIGHT, hue, event->core);
    else
      fprintf(file,
              "<rect x='%.1f' y='%.1f' width='%.1f' height='%d' fill='hsl(%u,60%%,60%%)'><title>core %u has it, thread "
              "%u</title></rect>\n",
              x, y, end - x, BAR_HEIGHT, hue, event->core, event->thread);
  }
}

static void write_picture(const struct crew *crew, const char *machine, FILE *file) {
  const struct line *rows[N_ROWS];
  const unsigned n_rows = find_busiest(rows);
  double ns_wide = 1;
  for (unsigned i = 0; i < trace.n; i++) {
    const double ns = (double)(trace.events[i].done_ps - trace.events[0].at_ps) / 1000;
    if (ns > ns_wide) ns_wide = ns;
  }
  fprintf(file,
          "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%u' font-family='sans-serif' font-size='12'>\n"
          "<rect width='100%%' height='100%%' fill='white'/>\n<text x='10' y='20'>simulated: %s; %s, %u threads; who "
          "has which "
          "line, a color for each core, in %.0f ns</text>\n",
          WIDTH, TOP + n_rows * ROW_HEIGHT + 20, machine, crew->trial->lock->name, crew->n_members, ns_wide);
  for (unsigned row = 0; row < n_rows; row++) {
    char where[64];
    name_line(crew, rows[row], where, sizeof where);
    fprintf(file, "<text x='10' y='%u'>%s</text>\n", TOP + row * ROW_HEIGHT + 15, where);
    draw_row(file, rows[row], row, ns_wide);
  }
  fputs("</svg>\n", file);
}

static int write_file(const struct crew *crew, const char *machine, const char *path, const char *end,
                      void (*write)(const struct crew *, const char *, FILE *)) {
  char name[1200];
  snprintf(name, sizeof name, "%s%s", path, end);
  FILE *file = fopen(name, "wxe");
  if (file == NULL) return errno;
  write(crew, machine, file);
  return fclose(file) == 0 ? 0 : errno;
}

int trace_write(const struct crew *crew, const char *machine, const char *path) {
  const int error = write_file(crew, machine, path, ".txt", write_text);
  return error != 0 ? error : write_file(crew, machine, path, ".svg", write_picture);
}
