/* SPDX-License-Identifier: PostgreSQL */
#include "base/text.h"

#include "base/arena.h"
#include "base/digits.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_FIRST_CAPACITY = 64 };

struct slice slice_of(const char *text)
{
    return (struct slice){text, text ? strlen(text) : 0};
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

bool slice_is(struct slice a, const char *text)
{
    return slice_equal(a, slice_of(text));
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct slice slice_trim(struct slice a)
{
    while (a.length && is_blank(a.bytes[0])) {
        a.bytes++;
        a.length--;
    }
    while (a.length && is_blank(a.bytes[a.length - 1]))
        a.length--;
    return a;
}

void text_init(struct text *text)
{
    *text = (struct text){0};
}

void text_fini(struct text *text)
{
    free(text->bytes);
    text_init(text);
}

void text_clear(struct text *text)
{
    text->length = 0;
    text->failed = false;
    if (text->bytes)
        text->bytes[0] = '\0';
}

/* Makes room for `more` bytes and the terminator. */
static bool reserve(struct text *text, size_t more)
{
    if (text->failed)
        return false;
    if (text->capacity > text->length && text->capacity - text->length > more)
        return true;
    size_t needed;
    if (__builtin_add_overflow(text->length, more, &needed) || needed > SIZE_MAX / 2 - 1) {
        text->failed = true;
        return false;
    }
    size_t capacity = text->capacity ? text->capacity : TEXT_FIRST_CAPACITY;
    while (capacity <= needed)
        capacity *= 2;
    char *bytes = realloc(text->bytes, capacity);
    if (!bytes) {
        text->failed = true;
        return false;
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

void text_add(struct text *text, const char *bytes, size_t length)
{
    if (!reserve(text, length))
        return;
    if (length)
        memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void text_add_str(struct text *text, const char *str)
{
    text_add(text, str, strlen(str));
}

void text_add_char(struct text *text, char c)
{
    if (!reserve(text, 1))
        return;
    text->bytes[text->length++] = c;
    text->bytes[text->length] = '\0';
}

void text_add_int(struct text *text, int64_t number)
{
    char out[1 + DIGITS_MAX] = "-";
    size_t sign = number < 0;
    text_add(text, out, sign + digits_put(sign ? 0 - (uint64_t)number : (uint64_t)number, out + sign));
}

void text_add_html(struct text *text, struct slice plain)
{
    for (size_t i = 0; i < plain.length; i++) {
        const unsigned char byte = (unsigned char)plain.bytes[i];
        switch (byte) {
        case '&':
            text_add_str(text, "&amp;");
            break;
        case '<':
            text_add_str(text, "&lt;");
            break;
        case '>':
            text_add_str(text, "&gt;");
            break;
        case '"':
            text_add_str(text, "&quot;");
            break;
        case '\'':
            text_add_str(text, "&#39;");
            break;
        default:
            text_add_char(text, byte < ' ' || byte == 0x7F ? ' ' : plain.bytes[i]);
        }
    }
}

void text_add_visible(struct text *text, struct slice plain)
{
    size_t at = 0;
    while (at < plain.length) {
        const char *bytes = plain.bytes + at;
        const size_t length = utf8_char_length(bytes, plain.length - at);
        const uint32_t c = length > 0 ? utf8_decode(bytes, length) : 0xFFFD;
        if (length == 0 || utf8_is_deceptive(c))
            text_printf(text, "\\u%04x", (unsigned)c & 0xFFFF);
        else
            text_add(text, bytes, length);
        at += length > 0 ? length : 1;
    }
}

void text_add_csv(struct text *text, struct slice cell)
{
    const bool computed = cell.length > 0 && memchr("=+-@\t\r\n", cell.bytes[0], 7) != NULL;
    bool quoted = false;
    for (size_t i = 0; i < cell.length; i++)
        quoted |= memchr(",\"\r\n", cell.bytes[i], 4) != NULL;
    if (quoted)
        text_add_char(text, '"');
    if (computed)
        text_add_char(text, '\'');
    for (size_t i = 0; i < cell.length; i++) {
        if (cell.bytes[i] == '"')
            text_add_char(text, '"');
        text_add_char(text, cell.bytes[i]);
    }
    if (quoted)
        text_add_char(text, '"');
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) {
        text->failed = true;
        return;
    }
    if (!reserve(text, (size_t)length))
        return;
    va_start(args, format);
    vsnprintf(text->bytes + text->length, (size_t)length + 1, format, args);
    va_end(args);
    text->length += (size_t)length;
}

struct slice text_slice(const struct text *text)
{
    return (struct slice){text->bytes ? text->bytes : "", text->length};
}

char *text_keep(const struct text *text, struct arena *arena)
{
    return text->failed ? NULL : arena_copy(arena, text->bytes, text->length);
}

char *text_take(struct text *text)
{
    text_add(text, "", 0); /* an empty text is still a text */
    char *bytes = text->bytes;
    if (text->failed) {
        free(bytes);
        bytes = NULL;
    }
    text_init(text);
    return bytes;
}
