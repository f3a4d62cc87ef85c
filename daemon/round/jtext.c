/* SPDX-License-Identifier: PostgreSQL */
#include "round/jtext.h"

#include "base/money.h"

#include <string.h>

/* A value or key needs a comma before it unless it comes first, or right after its key. */
static void separate(struct text *out)
{
    char last = out->length > 0 ? out->bytes[out->length - 1] : '\0';
    if (last != '\0' && last != '{' && last != '[' && last != ':' && last != '\n')
        text_add_char(out, ',');
}

void jtext_open(struct text *out, char bracket)
{
    separate(out);
    text_add_char(out, bracket);
}

void jtext_close(struct text *out, char bracket)
{
    text_add_char(out, bracket);
}

/* RFC 8259, section 7: quotation mark, reverse solidus and control characters must be escaped; all else is UTF-8. */
static void add_quoted(struct text *out, const char *bytes, size_t length)
{
    text_add_char(out, '"');
    size_t from = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        text_add(out, bytes + from, i - from);
        if (c == '"' || c == '\\') {
            text_add_char(out, '\\');
            text_add_char(out, (char)c);
        } else {
            text_printf(out, "\\u%04x", c);
        }
        from = i + 1;
    }
    text_add(out, bytes + from, length - from);
    text_add_char(out, '"');
}

void jtext_key(struct text *out, const char *key)
{
    separate(out);
    text_add_char(out, '"');
    text_add_str(out, key);
    text_add(out, "\":", 2);
}

void jtext_slice(struct text *out, struct slice text)
{
    separate(out);
    if (text.bytes == NULL)
        text_add_str(out, "null");
    else
        add_quoted(out, text.bytes, text.length);
}

void jtext_text(struct text *out, const char *text)
{
    jtext_slice(out, text == NULL ? (struct slice){NULL, 0} : slice_of(text));
}

void jtext_int(struct text *out, int64_t number)
{
    separate(out);
    text_add_int(out, number);
}

void jtext_bool(struct text *out, bool value)
{
    separate(out);
    text_add_str(out, value ? "true" : "false");
}

void jtext_null(struct text *out)
{
    jtext_text(out, NULL);
}

static void jtext_day(struct text *out, day_t day)
{
    char buffer[CIVIL_TEXT_SIZE];
    jtext_text(out, day == DAY_NONE ? NULL : civil_format(day, buffer));
}

static void jtext_int_text(struct text *out, int64_t number)
{
    separate(out);
    text_add_char(out, '"');
    text_add_int(out, number);
    text_add_char(out, '"');
}

static void jtext_yuan(struct text *out, int64_t fen)
{
    char buffer[MONEY_TEXT_SIZE];
    jtext_text(out, money_format(fen, buffer));
}

void jtext_put_text(struct text *out, const char *key, const char *text)
{
    jtext_key(out, key);
    jtext_text(out, text);
}

void jtext_put_int(struct text *out, const char *key, int64_t number)
{
    jtext_key(out, key);
    jtext_int(out, number);
}

void jtext_put_bool(struct text *out, const char *key, bool value)
{
    jtext_key(out, key);
    jtext_bool(out, value);
}

void jtext_put_null(struct text *out, const char *key)
{
    jtext_key(out, key);
    jtext_null(out);
}

void jtext_put_day(struct text *out, const char *key, day_t day)
{
    jtext_key(out, key);
    jtext_day(out, day);
}

void jtext_put_int_text(struct text *out, const char *key, int64_t number)
{
    jtext_key(out, key);
    jtext_int_text(out, number);
}

void jtext_put_yuan(struct text *out, const char *key, int64_t fen)
{
    jtext_key(out, key);
    jtext_yuan(out, fen);
}
