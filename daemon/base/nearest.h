/* SPDX-License-Identifier: PostgreSQL */
/*
 * "Did you mean …?": of the names that exist the one nearest to what was written, by edit distance (Levenshtein) over
 * characters, so that a Chinese word counts as an English one does.
 *
 *     struct nearest nearest = nearest_to(written);
 *     for each name: nearest_consider(&nearest, name);
 *     if (nearest.name.length > 0) …
 *
 * Near enough is what differs in a third of its characters and one more, in one of at most two; but something must agree,
 * or the hint misleads. Of equally near ones the first. Names count with their first NEAREST_CHARS_MAX characters.
 *
 * Ownership: borrows all names. Threading: as any value.
 */
#ifndef SHOUWANG_BASE_NEAREST_H
#define SHOUWANG_BASE_NEAREST_H

#include "base/text.h"

enum { NEAREST_CHARS_MAX = 48 };

struct nearest {
    struct slice wanted;
    size_t wanted_chars;
    int limit;         /* what a better name may differ in */
    struct slice name; /* empty: none is near enough */
};

struct nearest nearest_to(struct slice wanted);
void nearest_consider(struct nearest *nearest, struct slice name);

#endif
