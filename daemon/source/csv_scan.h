/* SPDX-License-Identifier: PostgreSQL */
/*
 * Where the marks of a CSV text stand: the bytes that can end or change anything, which are comma, quote, LF and NUL.
 *
 * There is one scan for any processor, and one of 64 bytes at a time; they answer alike, and a test holds them against each
 * other.
 */
#ifndef SHOUWANG_SOURCE_CSV_SCAN_H
#define SHOUWANG_SOURCE_CSV_SCAN_H

#include <stddef.h>
#include <stdint.h>

/* marks must have room for this many more than there are bytes: the scan writes ahead of what it has found. */
enum { CSV_SCAN_SLACK = 8 };

/* Writes the place of each mark, counted from `base`, in order; returns how many. */
typedef size_t csv_scan(const char *bytes, size_t length, uint32_t base, uint32_t *marks);

csv_scan csv_scan_portable;
/* The fastest that this processor can do. */
csv_scan *csv_scan_best(void);

#endif
