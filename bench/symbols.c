// SPDX-License-Identifier: MIT
#include "symbols.h"

#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "elf_file.h"
#include "wrappers.h"

extern char **environ;
/* Of the C++ library, which Google Benchmark needs anyway. */
extern char *__cxa_demangle(const char *name, char *buffer, size_t *n_bytes, int *status);

/* One address of the program's. */
struct symbol {
  uint64_t address; /* a return address */
  uint32_t image;
  const struct recording_module *module; /* NULL: in none */
  uint64_t in_file;                      /* the address before it, as the module's file counts */
  bool is_wrapper;
  char *text;
};

struct symbols {
  struct symbol *all;
  size_t n, n_room;
};

static int by_address(const void *a, const void *b) {
  const struct symbol *const one = a, *const other = b;
  if (one->image != other->image) return one->image < other->image ? -1 : 1;
  return one->address < other->address ? -1 : one->address > other->address;
}

static int by_file(const void *a, const void *b) {
  const struct symbol *const one = a, *const other = b;
  if (one->module == NULL || other->module == NULL) return (one->module == NULL) - (other->module == NULL);
  const int order = strcmp(one->module->path, other->module->path);
  return order != 0 ? order : by_address(a, b);
}

static void add(struct symbols *symbols, uint32_t image, uint64_t address) {
  if (address == 0) return;
  if (symbols->n == symbols->n_room) {
    symbols->n_room = 2 * symbols->n_room + 1024;
    struct symbol *const more = realloc(symbols->all, symbols->n_room * sizeof *more);
    if (more == NULL) {
      symbols->n_room = symbols->n;
      return;
    }
    symbols->all = more;
  }
  symbols->all[symbols->n++] = (struct symbol){.address = address, .image = image};
}

static void add_all(struct symbols *symbols, const struct recording *recording, uint32_t n_locks, uint32_t n_records) {
  for (uint32_t i = 1; i <= n_locks; i++)
    for (int k = 0; k < RECORDING_N_CALLERS; k++)
      add(symbols, recording->locks[i].image, recording->locks[i].callers[k]);
  for (uint32_t i = 1; i <= n_records; i++)
    for (int k = 0; k < RECORDING_N_SITES; k++)
      add(symbols, recording->locks[recording->records[i].lock].image, recording->records[i].sites[k].address);
  const uint32_t n_paths = recording_n_paths(recording);
  for (uint32_t i = 1; i <= n_paths; i++)
    for (int k = 0; k < RECORDING_N_FRAMES; k++)
      add(symbols, recording->locks[recording->paths[i].lock % RECORDING_MAX_LOCKS].image,
          recording->paths[i].callers[k]);
  qsort(symbols->all, symbols->n, sizeof *symbols->all, by_address);
  size_t n = 0;
  for (size_t i = 0; i < symbols->n; i++)
    if (n == 0 || by_address(&symbols->all[n - 1], &symbols->all[i]) != 0) symbols->all[n++] = symbols->all[i];
  symbols->n = n;
}

/* The newest module that has it: a library may have been unloaded and another be where it was. */
static const struct recording_module *find_module(const struct recording *recording, const struct symbol *symbol) {
  uint32_t n_modules = atomic_load_explicit(&recording->n_modules, memory_order_relaxed); /* a bound */
  if (n_modules > RECORDING_MAX_MODULES) n_modules = RECORDING_MAX_MODULES;
  for (uint32_t i = n_modules; i-- > 0;) {
    const struct recording_module *const module = &recording->modules[i];
    /* Acquire: pairs with the release in modules.c. */
    if (atomic_load_explicit(&module->is_ready, memory_order_acquire) && module->image == symbol->image &&
        symbol->address >= module->start && symbol->address < module->end)
      return module;
  }
  return NULL;
}

/* The place in the file of the call, which the return address is behind, as the file's own addresses go. */
static uint64_t address_in(const struct elf_file *file, const struct symbol *symbol) {
  const uint64_t offset = symbol->address - 1 - symbol->module->start + symbol->module->offset;
  const ElfW(Ehdr) *const header = elf_file_part(file, 0, sizeof *header);
  if (header == NULL || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return offset;
  for (unsigned i = 0; i < header->e_phnum; i++) {
    const ElfW(Phdr) *const segment = elf_file_segment(file, header, i);
    if (segment != NULL && segment->p_type == PT_LOAD && offset >= segment->p_offset &&
        offset - segment->p_offset < segment->p_filesz)
      return offset - segment->p_offset + segment->p_vaddr;
  }
  return offset;
}

static const char *file_name(const char *path) {
  const char *const slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

static bool begins_with(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

static bool is_wrapper(const char *function, const char *source) {
  return wrappers_have(function) || strstr(source, "/c++/") != NULL; /* of its headers, which lie in two folders */
}

/* The function in a table of symbols that an address is in; NULL: none. */
static const char *find_function(const struct elf_file *file, unsigned type, uint64_t address, uint64_t *start) {
  const ElfW(Ehdr) *const header = elf_file_part(file, 0, sizeof *header);
  if (header == NULL || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return NULL;
  for (unsigned i = 0; i < header->e_shnum; i++) {
    const ElfW(Shdr) *const table = elf_file_section(file, header, i);
    if (table == NULL || table->sh_type != type) continue;
    const ElfW(Shdr) *const names = elf_file_section(file, header, table->sh_link);
    const ElfW(Sym) *const symbols = elf_file_part(file, table->sh_offset, table->sh_size);
    if (names == NULL || symbols == NULL) continue;
    const char *const text = elf_file_part(file, names->sh_offset, names->sh_size);
    if (text == NULL || names->sh_size == 0 || text[names->sh_size - 1] != '\0') continue;
    for (size_t k = 0; k < table->sh_size / sizeof *symbols; k++)
      if (ELF64_ST_TYPE(symbols[k].st_info) == STT_FUNC && symbols[k].st_shndx != SHN_UNDEF &&
          address >= symbols[k].st_value && address - symbols[k].st_value < symbols[k].st_size &&
          symbols[k].st_name < names->sh_size) {
        *start = symbols[k].st_value;
        return text + symbols[k].st_name;
      }
  }
  return NULL;
}

/* Without debug information. */
static void name_by_symbols(struct symbol *symbol, const struct elf_file *file) {
  const char *const name = file_name(symbol->module->path);
  uint64_t start = 0;
  const char *function = find_function(file, SHT_SYMTAB, symbol->in_file, &start);
  if (function == NULL) function = find_function(file, SHT_DYNSYM, symbol->in_file, &start);
  int n;
  if (function == NULL) {
    n = asprintf(&symbol->text, "%s+0x%" PRIx64, name, symbol->in_file);
  } else {
    char *const clear = __cxa_demangle(function, NULL, NULL, NULL);
    n = asprintf(&symbol->text, "%s+0x%" PRIx64 " (%s)", clear != NULL ? clear : function, symbol->in_file - start,
                 name);
    symbol->is_wrapper = is_wrapper(clear != NULL ? clear : function, "");
    free(clear);
  }
  if (n < 0) symbol->text = NULL;
}

/* addr2line -a: for each address a line with it, then, innermost first, pairs of lines: function, file:line. */
static void read_answers(FILE *answers, struct symbol *symbols, size_t n) {
  char function[4096], source[4096];
  size_t next = 0;
  struct symbol *symbol = NULL;
  while (fgets(function, sizeof function, answers) != NULL) {
    function[strcspn(function, "\n")] = '\0';
    if (begins_with(function, "0x")) {
      symbol = next < n ? &symbols[next++] : NULL;
      continue;
    }
    if (fgets(source, sizeof source, answers) == NULL) return;
    source[strcspn(source, " \n")] = '\0'; /* "file:12 (discriminator 3)" */
    if (symbol == NULL || strcmp(function, "??") == 0 || begins_with(source, "??") || strstr(source, ":?") != NULL)
      continue;
    if (symbol->text != NULL && !symbol->is_wrapper) continue; /* the innermost that is no wrapper */
    free(symbol->text);
    symbol->is_wrapper = is_wrapper(function, source);
    if (asprintf(&symbol->text, "%s (%s)", function, file_name(source)) < 0) symbol->text = NULL;
  }
}

/* A file without a name that has all addresses, for addr2line to read. */
static int write_addresses(const struct symbol *symbols, size_t n) {
  const int fd = memfd_create("addresses", MFD_CLOEXEC);
  if (fd < 0) return -1;
  for (size_t i = 0; i < n; i++) dprintf(fd, "0x%" PRIx64 "\n", symbols[i].in_file);
  lseek(fd, 0, SEEK_SET);
  return fd;
}

static void ask_addr2line(const char *path, struct symbol *symbols, size_t n) {
  char *const arguments[] = {"addr2line", "-a", "-f", "-C", "-i", "-e", (char *)path, NULL};
  posix_spawn_file_actions_t actions;
  int ends[2];
  pid_t process;
  const int addresses = write_addresses(symbols, n);
  if (addresses < 0 || pipe2(ends, O_CLOEXEC) != 0) {
    close(addresses);
    return;
  }
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, addresses, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  const int error = posix_spawnp(&process, "addr2line", &actions, NULL, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(addresses);
  close(ends[1]);
  FILE *const answers = fdopen(ends[0], "r");
  if (answers != NULL) read_answers(answers, symbols, n);
  if (answers != NULL)
    fclose(answers);
  else
    close(ends[0]);
  if (error == 0) waitpid(process, NULL, 0);
}

/* All of one file. */
static void name(struct symbol *symbols, size_t n) {
  const char *const path = symbols[0].module->path;
  struct elf_file file;
  const bool is_open = elf_file_open(&file, path) == 0;
  for (size_t i = 0; i < n; i++) symbols[i].in_file = address_in(&file, &symbols[i]);
  if (is_open) ask_addr2line(path, symbols, n);
  for (size_t i = 0; i < n; i++)
    if (symbols[i].text == NULL) name_by_symbols(&symbols[i], &file);
  elf_file_close(&file);
}

struct symbols *symbols_read(const struct recording *recording) {
  struct symbols *const symbols = calloc(1, sizeof *symbols);
  if (symbols == NULL) return NULL;
  add_all(symbols, recording, recording_n_locks(recording), recording_n_records(recording));
  for (size_t i = 0; i < symbols->n; i++) symbols->all[i].module = find_module(recording, &symbols->all[i]);
  qsort(symbols->all, symbols->n, sizeof *symbols->all, by_file);
  for (size_t i = 0, end; i < symbols->n && symbols->all[i].module != NULL; i = end) {
    for (end = i + 1; end < symbols->n && symbols->all[end].module != NULL; end++)
      if (strcmp(symbols->all[end].module->path, symbols->all[i].module->path) != 0) break;
    name(&symbols->all[i], end - i);
  }
  for (size_t i = 0; i < symbols->n; i++)
    if (symbols->all[i].text == NULL && asprintf(&symbols->all[i].text, "0x%" PRIx64, symbols->all[i].address) < 0)
      symbols->all[i].text = NULL;
  qsort(symbols->all, symbols->n, sizeof *symbols->all, by_address);
  return symbols;
}

void symbols_free(struct symbols *symbols) {
  if (symbols == NULL) return;
  for (size_t i = 0; i < symbols->n; i++) free(symbols->all[i].text);
  free(symbols->all);
  free(symbols);
}

const char *symbols_text(const struct symbols *symbols, uint32_t image, uint64_t address, bool *is_wrapper_of) {
  const struct symbol key = {.address = address, .image = image};
  const struct symbol *const found = bsearch(&key, symbols->all, symbols->n, sizeof key, by_address);
  if (is_wrapper_of != NULL) *is_wrapper_of = found != NULL && found->is_wrapper;
  return found != NULL && found->text != NULL ? found->text : "?";
}
