// SPDX-License-Identifier: MIT
#include "executable.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "elf_file.h"

enum { MAX_INTERPRETERS = 4 };

#if defined(__x86_64__)
enum { OWN_MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { OWN_MACHINE = EM_AARCH64 };
#else
enum { OWN_MACHINE = EM_RISCV };
#endif

static int refuse(char *why, size_t why_bytes, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int refuse(char *why, size_t why_bytes, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why, why_bytes, format, arguments);
  va_end(arguments);
  return EINVAL;
}

static bool is_file(const char *path) {
  struct stat file;
  return stat(path, &file) == 0 && S_ISREG(file.st_mode);
}

/* As execvp does, but what is not executable is found too, to be told apart. */
static bool look_for(const char *name, char *path, size_t path_bytes) {
  if (strchr(name, '/') != NULL) return (size_t)snprintf(path, path_bytes, "%s", name) < path_bytes && is_file(path);
  const char *folders = getenv("PATH");
  for (const char *folder = folders != NULL ? folders : "/bin:/usr/bin";; folder++) {
    const size_t length = strcspn(folder, ":");
    const int n = snprintf(path, path_bytes, "%.*s%s%s", (int)length, folder, length > 0 ? "/" : "", name);
    if ((size_t)n < path_bytes && is_file(path) && access(path, X_OK) == 0) return true;
    folder += length;
    if (*folder == '\0') return false;
  }
}

/* The name of the loader that it asks for, or NULL: it is not dynamically linked. */
static const char *loader_of(const struct elf_file *file, const ElfW(Ehdr) * header) {
  for (unsigned i = 0; i < header->e_phnum; i++) {
    const ElfW(Phdr) *const segment = elf_file_segment(file, header, i);
    if (segment == NULL || segment->p_type != PT_INTERP) continue;
    const char *const name = elf_file_part(file, segment->p_offset, segment->p_filesz);
    return name != NULL && segment->p_filesz > 0 && name[segment->p_filesz - 1] == '\0' ? name : NULL;
  }
  return NULL;
}

/* A section by its name: false if there is none, or it has no such text in it (NULL: any). */
static bool has_section(const struct elf_file *file, const ElfW(Ehdr) * header, const char *name, const char *text) {
  const ElfW(Shdr) *const names = elf_file_section(file, header, header->e_shstrndx);
  for (unsigned i = 0; names != NULL && i < header->e_shnum; i++) {
    const ElfW(Shdr) *const section = elf_file_section(file, header, i);
    if (section == NULL) return false;
    const size_t name_bytes = strlen(name) + 1;
    const char *const own = elf_file_part(file, names->sh_offset + section->sh_name, name_bytes);
    if (own == NULL || memcmp(own, name, name_bytes) != 0) continue;
    const void *const content = elf_file_part(file, section->sh_offset, section->sh_size);
    return text == NULL || (content != NULL && memmem(content, section->sh_size, text, strlen(text)) != NULL);
  }
  return false;
}

/* The loader takes no library from the environment into a program that has more rights than its user. */
static bool has_more_rights(const char *path) {
  struct stat file;
  if (stat(path, &file) != 0) return false;
  if ((file.st_mode & S_ISUID && file.st_uid != geteuid()) || (file.st_mode & S_ISGID && file.st_gid != getegid()))
    return true;
  return geteuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0;
}

static bool is_preloaded(const char *library) {
  const char *const libraries = getenv("LD_PRELOAD");
  return libraries != NULL && strstr(libraries, library) != NULL;
}

static int check_elf(struct executable *executable, const struct elf_file *file, char *why, size_t why_bytes) {
  const char *const path = executable->path;
  const ElfW(Ehdr) *const header = elf_file_part(file, 0, sizeof *header);
  if (header == NULL || header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != OWN_MACHINE)
    return refuse(why, why_bytes, "'%s' is for another kind of machine than lockbench", path);
  const char *const loader = loader_of(file, header);
  if (loader == NULL)
    return refuse(why, why_bytes, "'%s' is statically linked: its locks are inside of it and cannot be replaced", path);
  if (strstr(loader, "musl") != NULL)
    return refuse(why, why_bytes, "'%s' uses musl; lockbench replaces the locks of glibc", path);
  if (has_more_rights(path))
    return refuse(why, why_bytes,
                  "'%s' has more rights than its user (set-user-ID, set-group-ID or capabilities): the system "
                  "lets nobody replace its locks",
                  path);
  if (has_section(file, header, ".dynstr", "libasan.so") && !is_preloaded("libasan.so"))
    return refuse(why, why_bytes,
                  "'%s' has gcc's address sanitizer in it, which must come before every other library: name it in "
                  "LD_PRELOAD (gcc -print-file-name=libasan.so), then lockbench's come behind it",
                  path);
  if (has_section(file, header, ".note.go.buildid", NULL)) executable->own_locks = "Go's runtime";
  if (has_section(file, header, ".comment", "rustc")) executable->own_locks = "Rust's standard library";
  return 0;
}

/* The program of a script's first line, into `path`; false: it has none. */
static bool read_interpreter(const struct elf_file *file, char *path, size_t path_bytes) {
  const char *const text = (const char *)file->bytes;
  if (file->n_bytes < 3 || memcmp(text, "#!", 2) != 0) return false;
  size_t at = 2, length = 0;
  while (at < file->n_bytes && (text[at] == ' ' || text[at] == '\t')) at++;
  while (at + length < file->n_bytes && strchr(" \t\n", text[at + length]) == NULL) length++;
  return length > 0 && (size_t)snprintf(path, path_bytes, "%.*s", (int)length, text + at) < path_bytes;
}

static int check(struct executable *executable, int depth, char *why, size_t why_bytes) {
  char *const path = executable->path;
  struct elf_file file;
  if (access(path, X_OK) != 0) return refuse(why, why_bytes, "'%s' is not executable", path);
  const int error = elf_file_open(&file, path);
  if (error == EACCES) return 0; /* may be run, but not read */
  if (error != 0) return refuse(why, why_bytes, "cannot read '%s': %s", path, strerror(error));
  int result;
  if (file.n_bytes >= SELFMAG && memcmp(file.bytes, ELFMAG, SELFMAG) == 0) {
    result = check_elf(executable, &file, why, why_bytes);
  } else if (depth < MAX_INTERPRETERS && read_interpreter(&file, path, sizeof executable->path)) {
    result = check(executable, depth + 1, why, why_bytes);
  } else {
    result = refuse(why, why_bytes, "'%s' is neither a program nor a script that names its interpreter", path);
  }
  elf_file_close(&file);
  return result;
}

int executable_find(struct executable *executable, const char *name, char *why, size_t why_bytes) {
  executable->own_locks = NULL;
  char path[sizeof executable->path];
  if (!look_for(name, path, sizeof path)) return refuse(why, why_bytes, "there is no program '%s'", name);
  struct executable interpreter;
  interpreter.own_locks = NULL;
  memcpy(interpreter.path, path, sizeof path);
  const int error = check(&interpreter, 0, why, why_bytes);
  memcpy(executable->path, path, sizeof path);
  executable->own_locks = interpreter.own_locks;
  return error;
}
