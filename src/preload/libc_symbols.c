// SPDX-License-Identifier: MIT
#include "libc_symbols.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Before glibc 2.34 threads and dlopen were in libraries of their own. */
static const char *const libraries[] = {"libc.so.6", "libpthread.so.0", "libdl.so.2"};
enum { N_LIBRARIES = sizeof libraries / sizeof *libraries };

struct tables {
  const ElfW(Sym) * symbols;
  const char *strings;
  const uint32_t *hashes;
  const uint16_t *versions;
};

/* Not strcmp, which a sanitizer has in its own place, and not ready when it asks for the first symbol. */
static bool is_equal(const char *a, const char *b) {
  while (*a != '\0' && *a == *b) a++, b++;
  return *a == *b;
}

static bool is_called(const struct link_map *library, const char *name) {
  const char *file = library->l_name;
  for (const char *c = file; *c != '\0'; c++)
    if (*c == '/') file = c + 1;
  return is_equal(file, name);
}

/* glibc's loader has relocated these pointers in place; others leave them relative to the library. */
static const void *table_at(const struct link_map *library, ElfW(Addr) address) {
  return (const void *)(address < library->l_addr ? address + library->l_addr : address);
}

static bool read_tables(const struct link_map *library, struct tables *tables) {
  *tables = (struct tables){.symbols = NULL};
  for (const ElfW(Dyn) *entry = library->l_ld; entry->d_tag != DT_NULL; entry++) {
    const void *const table = table_at(library, entry->d_un.d_ptr);
    if (entry->d_tag == DT_SYMTAB) tables->symbols = table;
    if (entry->d_tag == DT_STRTAB) tables->strings = table;
    if (entry->d_tag == DT_GNU_HASH) tables->hashes = table;
    if (entry->d_tag == DT_VERSYM) tables->versions = table;
  }
  return tables->symbols != NULL && tables->strings != NULL && tables->hashes != NULL && tables->versions != NULL;
}

static uint32_t gnu_hash(const char *name) {
  uint32_t hash = 5381;
  for (; *name != '\0'; name++) hash = hash * 33 + (unsigned char)*name;
  return hash;
}

/* By the table DT_GNU_HASH: buckets of symbols with equal hashes, whose last entry has the lowest bit set. */
static void *find(const struct link_map *library, const char *name) {
  enum { HIDDEN_VERSION = 0x8000 };
  struct tables tables;
  if (!read_tables(library, &tables)) return NULL;
  const uint32_t n_buckets = tables.hashes[0], first_symbol = tables.hashes[1], n_bloom = tables.hashes[2];
  const uint32_t *const buckets = (const uint32_t *)((const ElfW(Addr) *)(tables.hashes + 4) + n_bloom);
  const uint32_t *const chains = buckets + n_buckets;
  const uint32_t hash = gnu_hash(name);
  uint32_t i = buckets[hash % n_buckets];
  if (i < first_symbol) return NULL;
  for (;; i++) {
    const uint32_t found = chains[i - first_symbol];
    const ElfW(Sym) *const symbol = &tables.symbols[i];
    if ((found | 1) == (hash | 1) && !(tables.versions[i] & HIDDEN_VERSION) && symbol->st_shndx != SHN_UNDEF &&
        is_equal(tables.strings + symbol->st_name, name))
      return (void *)(library->l_addr + symbol->st_value);
    if (found & 1) return NULL;
  }
}

void *libc_symbol(const char *name) {
  for (int i = 0; i < N_LIBRARIES; i++)
    for (const struct link_map *library = _r_debug.r_map; library != NULL; library = library->l_next) {
      void *const symbol = is_called(library, libraries[i]) ? find(library, name) : NULL;
      if (symbol != NULL) return symbol;
    }
  return NULL;
}
