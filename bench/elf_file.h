// SPDX-License-Identifier: MIT
/* elf_file.h: a file, mapped, and what it says of itself as an ELF file of this machine's word. */
#ifndef ELF_FILE_H
#define ELF_FILE_H

#include <link.h>
#include <stdint.h>

struct elf_file {
  const unsigned char *bytes;
  size_t n_bytes;
};

/* Any file that can be read and is not empty. Returns 0 or an errno. */
int elf_file_open(struct elf_file *file, const char *path);
void elf_file_close(struct elf_file *file);

/* That many bytes at an offset, or NULL: the file says more than it has. */
const void *elf_file_part(const struct elf_file *file, uint64_t offset, uint64_t n_bytes);

/* The i-th section or segment that it says it has, or NULL. */
const ElfW(Shdr) * elf_file_section(const struct elf_file *file, const ElfW(Ehdr) * header, unsigned i);
const ElfW(Phdr) * elf_file_segment(const struct elf_file *file, const ElfW(Ehdr) * header, unsigned i);

#endif
