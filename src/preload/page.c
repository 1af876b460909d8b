// SPDX-License-Identifier: MIT
#include "page.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stop.h"

extern char **environ;

/* Not getenv: a lock may be taken before libc has set itself up, and a program may have a getenv of its own. */
static const char *find_variable(const char *name) {
  const size_t length = strlen(name);
  for (char **entry = environ; entry != NULL && *entry != NULL; entry++)
    if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') return *entry + length + 1;
  return NULL;
}

static struct page *map_file(const char *path) {
  const int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return NULL;
  struct page *page = NULL;
  if (lseek(file, 0, SEEK_END) == (off_t)sizeof *page)
    page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (page == NULL || page == MAP_FAILED) return NULL;
  if (page->magic == PAGE_MAGIC && page->n_bytes == sizeof *page) return page;
  munmap(page, sizeof *page);
  return NULL;
}

struct page *page_map(void) {
  const char *const path = find_variable(PAGE_VARIABLE);
  struct page *page = path != NULL ? map_file(path) : NULL;
  if (page == NULL)
    page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (page == MAP_FAILED) stop("there is no memory for its counts");
  return page;
}

struct page_slot *page_take_slot(struct page *page) {
  /* Relaxed: it only hands out distinct numbers. */
  uint32_t n = atomic_fetch_add_explicit(&page->n_slots, 1, memory_order_relaxed);
  if (n >= PAGE_MAX_SLOTS) n = PAGE_MAX_SLOTS - 1;
  page->slots[n].process = getpid();
  return &page->slots[n];
}
