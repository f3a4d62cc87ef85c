/* SPDX-License-Identifier: PostgreSQL */
/*
 * JSON written straight into a text: compact, keys in the order in which they are put: the same input gives the same bytes.
 *
 * A round composes one event and one evidence per changed household; going straight into the buffer costs a tenth of
 * building a tree for jansson, which reads the documents again (evidence.c) and proves in the tests that they are JSON.
 *
 *     jtext_open(out, '{'); jtext_key(out, "round"); jtext_int(out, 812); jtext_close(out, '}');
 */
#ifndef SHOUWANG_ROUND_JTEXT_H
#define SHOUWANG_ROUND_JTEXT_H

#include "base/civil.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

/* Commas are put by looking at the last byte. */
void jtext_open(struct text *out, char bracket); /* '{' or '[' */
void jtext_close(struct text *out, char bracket);
void jtext_key(struct text *out, const char *key); /* plain ASCII */

void jtext_text(struct text *out, const char *text); /* NULL = null */
void jtext_slice(struct text *out, struct slice text);
void jtext_int(struct text *out, int64_t number);
void jtext_bool(struct text *out, bool value);
void jtext_null(struct text *out);

/* Key and value in one. */
void jtext_put_text(struct text *out, const char *key, const char *text);
void jtext_put_int(struct text *out, const char *key, int64_t number);
void jtext_put_bool(struct text *out, const char *key, bool value);
void jtext_put_null(struct text *out, const char *key);
void jtext_put_day(struct text *out, const char *key, day_t day); /* "2021-06-30"; DAY_NONE = null */
void jtext_put_int_text(struct text *out, const char *key,
                        int64_t number);                             /* "812": identifiers are strings */
void jtext_put_yuan(struct text *out, const char *key, int64_t fen); /* "4830.00" */

#endif
