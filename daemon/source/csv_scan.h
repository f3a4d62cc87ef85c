/* SPDX-License-Identifier: PostgreSQL */
/*
 * Where the marks of a CSV text stand. In a text as it should be, marks are the commas and line ends that end a field: those
 * outside quotes. To them come those bytes at which somebody must look more closely:
 *   a line end within quotes
 *   a quote that opens within a field, be it only the second of two
 *   what follows a closing quote, but for a comma, LF, and CR before LF
 *   NUL
 * So fields between marks that are commas and at the end a LF are plain, or quoted as a whole with no quote inside, if only
 * each that begins with a quote ends with one. (The CR at the very end of a piece is looked at more closely, too: its LF is not
 * in sight.)
 *
 * There is one scan for any processor, and one of 64 bytes at a time; they answer alike, and a test holds them against each
 * other.
 */
#ifndef SHOUWANG_SOURCE_CSV_SCAN_H
#define SHOUWANG_SOURCE_CSV_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* marks must have room for this many more than there are bytes: the scan writes ahead of what it has found. */
enum { CSV_SCAN_SLACK = 8 };

/* Where in a row a piece of text begins. */
struct csv_phase {
    bool inside; /* within quotes */
    bool fresh;  /* at the begin of a field */
    bool closed; /* behind a closing quote */
    bool quotes; /* is set where a piece has quotes, or may have; never cleared */
};
/* At the begin of a row. */
static inline struct csv_phase csv_phase_begin(void)
{
    return (struct csv_phase){.fresh = true};
}

/* Writes the place of each mark, counted from `base`, in order; returns how many. *phase goes on to the next piece. */
typedef size_t csv_scan(const char *bytes, size_t length, uint32_t base, struct csv_phase *phase,
                        uint32_t *marks);

/* The next comma, quote, LF or NUL; end when there is none. */
const char *csv_scan_next(const char *at, const char *end);

csv_scan csv_scan_portable;
/* The fastest that this processor can do. */
csv_scan *csv_scan_best(void);

#endif
