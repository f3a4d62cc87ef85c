/* SPDX-License-Identifier: PostgreSQL */
/* What policy_format checks before it hands anything out. */
#ifndef SHOUWANG_POLICY_FORMAT_H
#define SHOUWANG_POLICY_FORMAT_H

#include "base/arena.h"
#include "policy/syntax/keywords.h"

/* Whether the parser sees the same in both: tokens, which of them begin a line, what is glued to a number, what stands below 某. False
 * also when memory has run out. */
bool format_keeps_meaning(struct slice before, struct slice after, enum language language,
                          struct arena *arena);

#endif
