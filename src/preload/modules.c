// SPDX-License-Identifier: MIT
#include "modules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lk.h"
#include "process.h"

enum { BUFFER_BYTES = 4096, MAX_UNNAMED = 32 };

/* Pages of addresses in no file: code that a program made for itself. Each is looked up once; when there are too many,
   no further file is looked for. */
static uint64_t unnamed[MAX_UNNAMED];
static uint32_t n_unnamed;

static bool is_known(const struct recording *recording, uint32_t image, uint64_t address) {
  uint32_t n_modules = atomic_load_explicit(&recording->n_modules, memory_order_relaxed); /* only a bound */
  if (n_modules > RECORDING_MAX_MODULES) n_modules = RECORDING_MAX_MODULES;
  for (uint32_t i = n_modules; i-- > 0;) {
    const struct recording_module *const module = &recording->modules[i];
    /* Acquire: pairs with the release in add. */
    if (atomic_load_explicit(&module->is_ready, memory_order_acquire) && module->image == image &&
        address >= module->start && address < module->end)
      return true;
  }
  for (uint32_t i = 0; i < n_unnamed; i++)
    if (unnamed[i] == address >> 12) return true;
  return n_unnamed == MAX_UNNAMED;
}

static void add(struct recording *recording, uint32_t image, const struct recording_module *found) {
  if (is_known(recording, image, found->start)) return;
  /* Relaxed: it only hands out distinct places. */
  const uint32_t i = atomic_fetch_add_explicit(&recording->n_modules, 1, memory_order_relaxed);
  if (i >= RECORDING_MAX_MODULES) return;
  struct recording_module *const module = &recording->modules[i];
  *module = *found;
  module->image = image;
  /* Release: pairs with the acquire of who reads it. */
  atomic_store_explicit(&module->is_ready, 1, memory_order_release);
}

static uint64_t read_hex(const char **at) {
  uint64_t number = 0;
  for (;; (*at)++) {
    const char c = **at;
    if (c >= '0' && c <= '9')
      number = number * 16 + (uint64_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
      number = number * 16 + (uint64_t)(c - 'a' + 10);
    else
      return number;
  }
}

/* "start-end rwxp offset device inode   path" of a file that may be run; false: another line. */
static bool read_line(const char *line, struct recording_module *module) {
  memset(module, 0, sizeof *module);
  module->start = read_hex(&line);
  if (*line++ != '-') return false;
  module->end = read_hex(&line);
  if (strlen(line) < 7 || line[3] != 'x') return false;
  line += 6;
  module->offset = read_hex(&line);
  while (*line != '\0' && *line != '/') line++;
  const size_t length = strlen(line);
  if (length == 0 || length >= sizeof module->path) return false;
  memcpy(module->path, line, length + 1);
  return true;
}

/* With system calls of its own: open(2) as libc has it is a place where threads are cancelled, and taking a lock is
   not. */
static void read_maps(struct recording *recording, uint32_t image) {
  static char buffer[BUFFER_BYTES]; /* under the guard */
  struct recording_module module;
  size_t n = 0;
  long n_read;
  const long file = syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  while (n < sizeof buffer - 1 && (n_read = syscall(SYS_read, file, buffer + n, sizeof buffer - 1 - n)) > 0) {
    n += (size_t)n_read;
    buffer[n] = '\0';
    char *line = buffer, *end;
    for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
      *end = '\0';
      if (read_line(line, &module)) add(recording, image, &module);
    }
    n = (size_t)(buffer + n - line);
    memmove(buffer, line, n);
  }
  syscall(SYS_close, file);
}

void modules_note(struct recording *recording, uint32_t image, uint64_t address) {
  if (LK_LIKELY(is_known(recording, image, address))) return;
  const int caller_errno = errno;
  struct process *const process = process_ready();
  sigset_t signals;
  process_enter(process, &signals);
  read_maps(recording, image);
  if (!is_known(recording, image, address)) unnamed[n_unnamed++] = address >> 12;
  process_leave(process, &signals);
  errno = caller_errno;
}
