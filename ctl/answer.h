/* SPDX-License-Identifier: PostgreSQL */
/* Reading the documents that the daemon answers with (docs/control.md). Of members that are not there nothing is assumed. */
#ifndef SHOUWANG_CTL_ANSWER_H
#define SHOUWANG_CTL_ANSWER_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* 0 for what is no number. */
int64_t answer_number(const json_t *object, const char *key);
/* "-" for what is no text, or empty. Borrowed from the document. */
const char *answer_text(const json_t *object, const char *key);
/* "red 1, orange 2, …" */
void answer_levels(const json_t *levels, FILE *out);

#endif
