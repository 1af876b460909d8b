// SPDX-License-Identifier: MIT
/*
 * parameters.h: the numbers of the cost model that are not transfers between cores: what a value stands for, where it
 * comes from, and in which range it may lie for all we know. A profile gives its machine's own where they are known;
 * what it does not give is as in parameters.c. All times are in nanoseconds.
 */
#ifndef PARAMETERS_H
#define PARAMETERS_H

#include <stddef.h>

#include "random.h"

struct parameters {
  /* What the processor does by itself. */
  double access_ns; /* an instruction that loads or stores, without the cache */
  double hit_ns;    /* a load from the own cache */
  double store_ns;  /* a store to a line that is the core's own */
  double rmw_ns;    /* an atomic read-modify-write, or a full fence, on such a line */
  double pause_ns;  /* lk_pause() */
  double memory_ns; /* a line that no cache has */
  double clock_ns;  /* reading the clock */
  double buffer;    /* stores that may wait for their lines: entries of the store buffer */
  double smt_busy;  /* by how much a running sibling slows the rest down: 1 is to half the speed */
  double smt_pause; /* the same of a sibling in lk_pause() */
  /* The coherence protocol, beside the profile's transfers between cores. */
  double read_share;    /* of a transfer, that a load of a line takes which another core has */
  double occupancy;     /* of such a load's time, that it keeps others from a line that is shared */
  double bypass;        /* of the loads that are waiting for a line, that one who wants it alone passes */
  double contention;    /* by how much longer a transfer takes that had to queue */
  double invalidate_ns; /* for each copy that is taken away */
  double broadcast_ns;  /* the least that it takes to take copies away */
  double from_writer;   /* 1: a shared line comes from who wrote it last (MOESI); 0: from the nearest copy (MESIF) */
  double noise;         /* each transfer is longer or shorter by up to this share */
  /* The operating system. */
  double syscall_ns;     /* into the kernel and back */
  double switch_ns;      /* from one thread to another */
  double slice_ns;       /* of a thread that shares its CPU */
  double wake_ns;        /* until a thread that was woken runs on an idle CPU */
  double wake_call_ns;   /* what waking costs the caller, for each thread */
  double futex_check_ns; /* from entering a futex wait to the look at its word */
};

/* What is known of a parameter. */
struct parameter {
  const char *name;
  size_t offset; /* in struct parameters, of a double */
  double usual, low, high;
  double least, most; /* that a profile may say */
  const char *source;
};

/* All of them; a row without a name ends it. */
extern const struct parameter parameter_table[];

/* The row of that name, or NULL. */
const struct parameter *parameter_find(const char *name);

static inline double *parameter_value(struct parameters *parameters, const struct parameter *parameter) {
  return (double *)(void *)((char *)parameters + parameter->offset);
}

#endif
