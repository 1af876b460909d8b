// SPDX-License-Identifier: MIT
#include "elf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int elf_file_open(struct elf_file *file, const char *path) {
  struct stat status;
  *file = (struct elf_file){NULL, 0};
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  void *bytes = MAP_FAILED;
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
    bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (bytes == MAP_FAILED) return ENOEXEC;
  *file = (struct elf_file){bytes, (size_t)status.st_size};
  return 0;
}

void elf_file_close(struct elf_file *file) {
  if (file->bytes != NULL) munmap((void *)file->bytes, file->n_bytes);
}

const void *elf_file_part(const struct elf_file *file, uint64_t offset, uint64_t n_bytes) {
  return offset <= file->n_bytes && n_bytes <= file->n_bytes - offset ? file->bytes + offset : NULL;
}

const ElfW(Shdr) * elf_file_section(const struct elf_file *file, const ElfW(Ehdr) * header, unsigned i) {
  if (i >= header->e_shnum) return NULL;
  return elf_file_part(file, header->e_shoff + i * (uint64_t)sizeof(ElfW(Shdr)), sizeof(ElfW(Shdr)));
}

const ElfW(Phdr) * elf_file_segment(const struct elf_file *file, const ElfW(Ehdr) * header, unsigned i) {
  if (i >= header->e_phnum) return NULL;
  return elf_file_part(file, header->e_phoff + i * (uint64_t)sizeof(ElfW(Phdr)), sizeof(ElfW(Phdr)));
}
