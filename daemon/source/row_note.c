/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "source/row_note.h"

#include <stdio.h>
#include <string.h>

/* A telephone number has 11 digits, an identity number 15 or 18, a date without dashes 8. */
enum { MASK_FROM = 10, MASK_DIGITS_LEAST = 7 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Shows the first and last quarter of a run, at most four characters each. */
static void mask_run(char *run, size_t length)
{
    size_t shown = length / 4 < 4 ? length / 4 : 4;
    memset(run + shown, '*', length - 2 * shown);
}

/* Runs of digits, letters and blanks that are long enough for a number of somebody's. */
static void mask_numbers(char *text)
{
    for (char *at = text; *at;) {
        size_t run = 0, digits = 0;
        for (; is_digit(at[run]) || is_letter(at[run]) || at[run] == ' '; run++)
            digits += is_digit(at[run]);
        if (run >= MASK_FROM && digits >= MASK_DIGITS_LEAST)
            mask_run(at, run);
        at += run ? run : 1;
    }
}

/* What stood in the place of an identity number or a certificate: whatever it is made of, its middle is not shown. */
static void mask_middle(char *text)
{
    enum { SHOWN = 4 };
    char out[NOTE_FOUND_MAX];
    size_t length = strlen(text), characters = 0, made = 0, number = 0;
    for (size_t at = 0; at < length; at += utf8_char_length(text + at, length - at))
        characters++;
    if (characters < MASK_FROM)
        return;
    for (size_t at = 0; at < length; number++) {
        size_t step = utf8_char_length(text + at, length - at);
        if (number < SHOWN || number >= characters - SHOWN) {
            memcpy(out + made, text + at, step);
            made += step;
        } else {
            out[made++] = '*';
        }
        at += step;
    }
    memcpy(text, out, made);
    text[made] = '\0';
}

void row_note_set(struct row_note *note, uint64_t line, const char *column, const char *reason,
                  struct slice found, const char *expected, bool kept)
{
    enum { SHOWN = 40 };
    note->line = line;
    note->reason = reason;
    note->kept = kept;
    snprintf(note->column, sizeof note->column, "%s", column);
    snprintf(note->expected, sizeof note->expected, "%s", expected);
    size_t length = utf8_cut(found.bytes, found.length, SHOWN);
    for (size_t i = 0; i < length; i++)
        note->found[i] = (unsigned char)found.bytes[i] < ' ' || found.bytes[i] == 0x7F ? ' ' : found.bytes[i];
    snprintf(note->found + length, sizeof note->found - length, "%s", length < found.length ? "…" : "");
    if (strncmp(reason, "id.", 3) == 0 || strncmp(reason, "certificate.", 12) == 0)
        mask_middle(note->found);
    else
        mask_numbers(note->found);
}
