/* SPDX-License-Identifier: PostgreSQL */
/*
 * Text: slices that borrow bytes, and a buffer that grows. All text is UTF-8 unless a function says
 * otherwise.
 *
 * A buffer remembers the first failed allocation (`failed`) and ignores what follows, so that a long
 * composition is checked once at its end. Threading: none shared.
 */
#ifndef SHOUWANG_BASE_TEXT_H
#define SHOUWANG_BASE_TEXT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* Borrows `length` bytes; not terminated. */
struct slice {
    const char *bytes;
    size_t length;
};

struct slice slice_of(const char *text);
bool slice_equal(struct slice a, struct slice b);
bool slice_is(struct slice a, const char *text);
struct slice slice_trim(struct slice a); /* without ASCII blanks at both ends */

/* A growing buffer; `bytes` is always terminated once anything was added. */
struct text {
    char *bytes;
    size_t length;
    size_t capacity;
    bool failed;
};

void text_init(struct text *text);
void text_fini(struct text *text);
void text_clear(struct text *text); /* keeps the memory */
void text_add(struct text *text, const char *bytes, size_t length);
void text_add_str(struct text *text, const char *str);
void text_add_char(struct text *text, char c);
/* As text of HTML, also within quotes; a control character, which no HTML may hold, becomes a blank. */
void text_add_html(struct text *text, struct slice plain);
/* As it may stand in one line on a terminal: what could move the cursor, end the line or reorder it (utf8_is_deceptive)
 * becomes \u001b …, bytes that are no UTF-8 \ufffd, as in the log. */
void text_add_visible(struct text *text, struct slice plain);
/* As one cell of CSV (RFC 4180, rules 5 to 7). One that a spreadsheet would compute instead of show, since it begins with
 * = + - @, a tab or a line end, has an apostrophe in front: the cell is then seen as it is. */
void text_add_csv(struct text *text, struct slice cell);
void text_add_int(struct text *text, int64_t number); /* "-812" */
void text_printf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
/* What it holds; never without bytes. */
struct slice text_slice(const struct text *text);
/* A copy in the arena; NULL when the buffer has failed or memory has run out. */
char *text_keep(const struct text *text, struct arena *arena);
/* Gives the bytes away (free() them); the buffer is empty afterwards. NULL when it failed. */
char *text_take(struct text *text);

/* Length in bytes of the well-formed UTF-8 character at the start (1–4), 0 if it is not one. No surrogates,
 * no overlongs. */
size_t utf8_char_length(const char *bytes, size_t available);
bool utf8_valid(const char *bytes, size_t length);
/* Where the first character begins that is not well-formed or not complete; length when there is none. */
size_t utf8_well_formed(const char *bytes, size_t length);
/* Decodes one character that utf8_char_length accepted. */
uint32_t utf8_decode(const char *bytes, size_t length);
/* Control characters, and those that reorder the text on a terminal: they could make one line look like another. */
bool utf8_is_deceptive(uint32_t c);
/* Whether none of C0, DEL and C1 is in it: what CloudEvents 1.0 (section 3.1, String) forbids in attributes. */
bool utf8_has_no_control(const char *bytes, size_t length);
/* The greatest length ≤ max_bytes that ends at a character's end. */
size_t utf8_cut(const char *bytes, size_t length, size_t max_bytes);

#endif
