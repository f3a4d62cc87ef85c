/* SPDX-License-Identifier: PostgreSQL */
/*
 * What is told of a row that was refused, or kept although something is wrong with it: one entry of the quarantine list.
 * Senders and operators read it, so nothing in it may tell a number of somebody's: what was found is cut short, and masked.
 *
 * A note owns its texts but for the reason, which is static. Threading: one thread at a time.
 */
#ifndef SHOUWANG_SOURCE_ROW_NOTE_H
#define SHOUWANG_SOURCE_ROW_NOTE_H

#include "base/text.h"
#include "source/csv.h"

#include <stdbool.h>
#include <stdint.h>

enum { NOTE_FOUND_MAX = 96, NOTE_EXPECTED_MAX = 160 }; /* bytes with the terminator */

struct row_note {
    uint64_t line;
    char column[CSV_COLUMN_NAME_MAX]; /* as the file names it; "" = the whole row */
    const char *reason;
    char found[NOTE_FOUND_MAX];
    char expected[NOTE_EXPECTED_MAX];
    bool kept;
};

/* Cuts `found` short at a whole character, makes control characters blanks, and masks runs that are long enough for somebody's
 * number: ten digits, letters and blanks with seven digits among them. Of what stood in the place of an identity number or a
 * certificate the middle is masked, whatever it is made of. */
void row_note_set(struct row_note *note, uint64_t line, const char *column, const char *reason,
                  struct slice found, const char *expected, bool kept);

#endif
