// SPDX-License-Identifier: MIT
/* fake_root.h: a folder with a /proc and a /sys of a machine that we do not have, for what reads those. */
#ifndef FAKE_ROOT_H
#define FAKE_ROOT_H

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static char fake_root[] = "/tmp/lockbench-root-XXXXXX";

static inline void fake_root_make(void) { CHECK(mkdtemp(fake_root) != NULL); }

/* Writes a file below the root, and the folders on the way. */
static inline void fake_root_write(const char *path, const char *text) {
  char whole[512];
  const int n_root = snprintf(whole, sizeof whole, "%s", fake_root);
  snprintf(whole + n_root, sizeof whole - (size_t)n_root, "%s", path);
  for (char *slash = whole + n_root + 1; (slash = strchr(slash, '/')) != NULL; *slash++ = '/') {
    *slash = '\0';
    CHECK(mkdir(whole, 0777) == 0 || errno == EEXIST);
  }
  FILE *file = fopen(whole, "w");
  if (!CHECK(file != NULL)) return;
  CHECK(fputs(text, file) >= 0);
  CHECK_EQ(0, fclose(file));
}

static int fake_root_remove_one(const char *path, const struct stat *status, int type, struct FTW *at) {
  (void)status, (void)type, (void)at;
  return remove(path);
}

static inline void fake_root_remove(void) {
  CHECK_EQ(0, nftw(fake_root, fake_root_remove_one, 16, FTW_DEPTH | FTW_PHYS));
}

#endif
