// SPDX-License-Identifier: MIT
/* option_table.h: the one table of all options of all commands. options.h reads command lines by it. */
#ifndef OPTION_TABLE_H
#define OPTION_TABLE_H

#include <stddef.h>

#include "options.h"

enum option_kind {
  OPTION_TEXT,  /* const char * */
  OPTION_LIST,  /* struct options_list of whole numbers */
  OPTION_REALS, /* struct options_list */
  OPTION_REAL,  /* double */
  OPTION_COUNT, /* unsigned */
  OPTION_SEED,  /* uint64_t; has_seed says that it was given */
  OPTION_WORDS, /* bool[]: which of the words that `value` lists */
  OPTION_FLAG,  /* bool, takes no value */
};

struct option {
  const char *name;
  unsigned commands; /* of enum command: which take it. A name that two rows have means something else to each */
  enum option_kind kind;
  size_t offset;        /* in struct options */
  double min, max;      /* of numbers, inclusive */
  const char *value;    /* as the help calls it */
  const char *fallback; /* the value where it is not given; NULL: none */
  const char *help;
};

enum { OPTION_MAX_ROWS = 64 };

/* In the order of the help; a row without a name ends it. */
extern const struct option option_table[];

/* What the help says about a command before and after its options. */
struct option_command {
  enum command command;
  const char *name, *before, *after;
};

/* A row without a name ends it. */
extern const struct option_command option_commands[];

#endif
