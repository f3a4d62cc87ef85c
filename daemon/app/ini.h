/* SPDX-License-Identifier: PostgreSQL */
/*
 * INI text, read strictly: every line is a section, a key with a value, a comment or empty; what is neither is a
 * mistake with its line, and reading goes on, so that all mistakes of a file are found at once.
 *
 *     [section]
 *     key = value            ; a comment after a blank and a semicolon
 *     # a comment
 *
 * A value ends with its line; it is trimmed; nothing is unquoted. Unlike inih it has no bound of 200 bytes per line (a
 * connection string needs more), joins no indented lines, and refuses what is given twice.
 *
 * Threading: none shared.
 */
#ifndef SHOUWANG_APP_INI_H
#define SHOUWANG_APP_INI_H

#include "base/text.h"

enum { INI_FILE_MAX_BYTES = 256 * 1024 }; /* fifty times what a county writes */

struct ini_events {
    /* The section's name; false: its keys are passed over (the caller has said why). */
    bool (*section)(void *ctx, int line, struct slice name);
    void (*entry)(void *ctx, int line, struct slice section, struct slice key, struct slice value);
    void (*mistake)(void *ctx, int line, const char *text);
};

/* Slices point into text. */
void ini_read(struct slice text, const struct ini_events *events, void *ctx);

#endif
