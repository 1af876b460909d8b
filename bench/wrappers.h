// SPDX-License-Identifier: MIT
/*
 * wrappers.h: functions that only wrap a lock: who called them says where it is taken. By their names, which are:
 *
 *   std::anything, __gthread..., __gnu_cxx::...            the C++ library
 *   a member of a class that is called something like      rocksdb::port::Mutex::Lock,
 * kyotocabinet::RWLock::lock_reader, a lock, a guard of one, or a condition                 MutexLock::MutexLock,
 * port::CondVar::Wait words for a lock, and then what is done with it        g_mutex_lock, sqlite3_mutex_enter,
 * uv_rwlock_rdlock what is done, and then a word for a lock               SDL_LockMutex, lock_mutex CRYPTO_THREAD_...,
 * PyThread_..._lock                   of OpenSSL and Python
 */
#ifndef WRAPPERS_H
#define WRAPPERS_H

#include <stdbool.h>

/* `function` as a debugger shows it, with or without parameters. */
bool wrappers_have(const char *function);

#endif
