// SPDX-License-Identifier: MIT
/*
 * export.h: what a program sees of the library: functions in the place of libc's. They have no version: the loader then
 * takes them for any version that is asked for, on every architecture.
 */
#ifndef PRELOAD_EXPORT_H
#define PRELOAD_EXPORT_H

#define EXPORT __attribute__((visibility("default")))

#endif
