// SPDX-License-Identifier: MIT
/* built_in.h: the profiles of the folder machines/, as text in the program. */
#ifndef BUILT_IN_H
#define BUILT_IN_H

struct built_in_profile {
  const char *name, *text; /* of a file in JSON: see machine_profile.h */
};

extern const struct built_in_profile built_in_profiles[]; /* a row without a name ends it */

#endif
