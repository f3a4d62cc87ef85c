/* SPDX-License-Identifier: PostgreSQL */
/*
 * Names of persons: folded for comparison, masked for disclosure. The original is always kept elsewhere.
 *
 * The dot in names is U+00B7; U+30FB, U+2022, U+2027 and U+FF65 fold to it. A '?', a box (U+25A1, U+FFFD) or
 * a private-use character means "unknown" and never "differs". Names only ever confirm; they never link.
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
