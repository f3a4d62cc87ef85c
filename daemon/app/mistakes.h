/* SPDX-License-Identifier: PostgreSQL */
/*
 * Everything that is wrong with a configuration, collected: an operator mends all of it at once. One mistake is one line
 * "file:line: what was found, what was expected". Threading: none shared.
 */
#ifndef SHOUWANG_APP_MISTAKES_H
#define SHOUWANG_APP_MISTAKES_H

#include "base/status.h"
#include "base/text.h"

#include <stddef.h>

enum { MISTAKES_MAX = 100 }; /* the list says how many more there are */

struct mistakes {
    struct text lines; /* each ends with '\n' */
    size_t count;      /* more than MISTAKES_MAX are counted, not kept */
    enum status other; /* STATUS_OK, or the gravest of what was told to mistakes_weigh */
};

void mistakes_init(struct mistakes *mistakes);
void mistakes_fini(struct mistakes *mistakes);
/* line 0: the whole file. */
void mistakes_add(struct mistakes *mistakes, const char *file, int line, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* A text that names its file and line already. */
void mistakes_add_text(struct mistakes *mistakes, const char *text);
/*
 * What was added came from an error of this class. A disk that fails (STATUS_RETRY) and memory that runs out
 * (STATUS_FATAL) are nobody's mistake: with them, the verdict is theirs, so that a service manager starts us again.
 */
void mistakes_weigh(struct mistakes *mistakes, enum status status);
/* STATUS_OK without mistakes, else STATUS_CONFIG (or what was weighed) with the first one and the number of the others. */
enum status mistakes_verdict(const struct mistakes *mistakes, struct error *err) WARN_UNUSED;

#endif
