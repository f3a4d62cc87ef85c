/* SPDX-License-Identifier: PostgreSQL */
/*
 * Names of persons: folded for comparison, masked for disclosure. The original is always kept elsewhere.
 *
 * The dot in names is U+00B7; U+30FB, U+2022, U+2027 and U+FF65 fold to it. Full-width letters fold to ASCII, letters to
 * upper case; blanks and variation selectors do not count. A '?', a '*' (a masked name), a box (U+25A0, U+25A1, U+25AF,
 * U+3013, U+FFFD), a private-use character or a byte that is no UTF-8 means "unknown" and never "differs": it stands for
 * any characters or none, because one lost character may leave several marks. Names only ever confirm; they never link.
 * What lies beyond PERSON_NAME_MAX_BYTES is not compared.
 */
#ifndef SHOUWANG_DOMAIN_PERSON_NAME_H
#define SHOUWANG_DOMAIN_PERSON_NAME_H

#include "base/text.h"

#include <stdbool.h>

enum { PERSON_NAME_MAX_BYTES = 200 };

enum name_match { NAME_SAME, NAME_COMPATIBLE /* unknown marks, or one is empty */, NAME_DIFFERENT };
enum name_match person_name_compare(struct slice a, struct slice b);

/* The first character, then one '*' for each further one ("王*", "阿**·***"): dots stay. Adds to out. */
void person_name_mask(struct slice name, struct text *out);

#endif
