// SPDX-License-Identifier: MIT
/*
 * libc_symbols.h: the C library's own functions behind those that we put in their place.
 *
 * They are read from the library's symbol table. dlsym(RTLD_NEXT) would allocate memory, and so would deadlock or
 * recurse in an allocator that locks its first mutex; before glibc 2.36 it also answers with the oldest version of
 * pthread_cond_*, which works on another layout.
 */
#ifndef PRELOAD_LIBC_SYMBOLS_H
#define PRELOAD_LIBC_SYMBOLS_H

/* The function's default version, or NULL. Allocates nothing and takes no lock; works as soon as libraries are
   relocated, so before any constructor. */
void *libc_symbol(const char *name);

#endif
