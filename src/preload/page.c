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

void *page_map_file(const char *variable, size_t n_bytes, uint32_t magic) {
  const char *const path = find_variable(variable);
  const int file = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return NULL;
  struct page_head *head = NULL;
  if (lseek(file, 0, SEEK_END) == (off_t)n_bytes)
    head = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (head == NULL || head == MAP_FAILED) return NULL;
  if (head->magic == magic && head->n_bytes == n_bytes) return head;
  munmap(head, n_bytes);
  return NULL;
}

struct page *page_map(void) {
  struct page *page = page_map_file(PAGE_VARIABLE, sizeof *page, PAGE_MAGIC);
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
