/* SPDX-License-Identifier: PostgreSQL */
/*
 * Resident identity numbers (GB 11643): 17 digits and a check character.
 *
 * Weights 7 9 10 5 8 4 2 1 6 3 7 9 10 5 8 4 2; the sum mod 11 indexes "10X98765432". A 15-digit legacy number
 * becomes 18 digits by "19" after the sixth digit and a computed check character. Lower-case x, full-width
 * digits and blanks around the number are accepted. Spreadsheets keep 15 significant digits, so damaged
 * numbers arrive as "5.1E+17" or with zeros at the end and a check character that does not fit: each has its
 * own verdict, and none is guessed at. The first six digits tell where a number was issued, never where
 * somebody lives.
 *
 * A usable number packs into 61 bits: the 17 digits × 11 + the value of the check character (X is 10). 0 is
 * never a packed ID.
 */
#ifndef SHOUWANG_DOMAIN_RESIDENT_ID_H
#define SHOUWANG_DOMAIN_RESIDENT_ID_H

#include "base/civil.h"
#include "base/text.h"

#include <stdint.h>

enum resident_id_verdict {
    RESIDENT_ID_OK,
    RESIDENT_ID_EMPTY,
    RESIDENT_ID_SCIENTIFIC, /* 5.1E+17: a spreadsheet made a number of it */
    RESIDENT_ID_LENGTH,     /* neither 15 nor 18 characters */
    RESIDENT_ID_CHARACTER,  /* something that is no digit (or no X at the end) */
    RESIDENT_ID_BIRTH_DATE, /* the digits of the birth date are no date, or lie in the future of `today` */
    RESIDENT_ID_CHECK,      /* the check character does not fit */
    RESIDENT_ID_CHECK_ZEROS, /* the same, and the tail is of zeros (000, 00X, 000 and a digit): a spreadsheet's */
};

enum { RESIDENT_ID_TEXT_SIZE = 19 };

/* On RESIDENT_ID_OK sets *packed. Reads at most 64 bytes; longer text has the wrong length. `today` bounds birth dates
 * from above (DAY_NONE = no bound); DAY_MIN bounds them from below. */
enum resident_id_verdict resident_id_parse(struct slice text, day_t today, uint64_t *packed);
/* "damaged by a spreadsheet (5.1E+17)" …: our own words, without the number. */

const char *resident_id_format(uint64_t packed, char out[RESIDENT_ID_TEXT_SIZE]);
day_t resident_id_birth(uint64_t packed);
/* "6109**********003X": first four and last four characters kept. */
const char *resident_id_mask(uint64_t packed, char out[RESIDENT_ID_TEXT_SIZE]);
/* The same in any text, in place: of runs of 15 digits or more, which may be somebody's number, old or new, the middle becomes '*'. */
void resident_id_hide(char *text);

#endif
