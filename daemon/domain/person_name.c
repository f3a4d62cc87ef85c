/* SPDX-License-Identifier: PostgreSQL */
#include "domain/person_name.h"

#include <stdint.h>
#include <string.h>

#define DOT     UINT32_C(0xB7)
#define UNKNOWN UINT32_C(0xFFFD)

struct folded {
    uint32_t character[PERSON_NAME_MAX_BYTES];
    int count;
    int first_unknown; /* count when there is none */
    int last_unknown;  /* -1 when there is none */
};

static bool is_blank(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xA0 || c == 0x3000;
}

static bool is_dot(uint32_t c)
{
    return c == DOT || c == 0x30FB || c == 0x2022 || c == 0x2027 || c == 0xFF65;
}

/* Marks that stand where a character was lost or hidden, and characters that only the sender's fonts knew. */
static bool is_unknown(uint32_t c)
{
    switch (c) {
    case '?':
    case '*':
    case 0x25A0: /* black box */
    case 0x25A1: /* box */
    case 0x25AF: /* upright box */
    case 0x3013: /* geta mark */
    case UNKNOWN:
        return true;
    default:
        return (c >= 0xE000 && c <= 0xF8FF) || c >= 0xF0000;
    }
}

/* They choose a glyph or are not seen at all; they are no characters of the name. */
static bool is_invisible(uint32_t c)
{
    return (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0xE0100 && c <= 0xE01EF) || (c >= 0x200B && c <= 0x200D) ||
           c == 0xFEFF;
}

/* One character; bytes that are no UTF-8 count as one unknown character each. */
static size_t next_character(struct slice text, size_t at, uint32_t *c)
{
    size_t step = utf8_char_length(text.bytes + at, text.length - at);
    *c = step ? utf8_decode(text.bytes + at, step) : UNKNOWN;
    return step ? step : 1;
}

static uint32_t fold_character(uint32_t c)
{
    if (c >= 0xFF01 && c <= 0xFF5E)
        c -= 0xFF01 - '!';
    return c >= 'a' && c <= 'z' ? c - 0x20 : is_dot(c) ? DOT : is_unknown(c) ? UNKNOWN : c;
}

static void fold(struct slice text, struct folded *out)
{
    size_t length = utf8_cut(text.bytes, text.length, PERSON_NAME_MAX_BYTES);
    out->count = 0;
    out->first_unknown = -1;
    out->last_unknown = -1;
    for (size_t at = 0; at < length;) {
        uint32_t c;
        at += next_character((struct slice){text.bytes, length}, at, &c);
        if (is_blank(c) || is_invisible(c))
            continue;
        c = fold_character(c);
        if (c == UNKNOWN) {
            out->last_unknown = out->count;
            if (out->first_unknown < 0)
                out->first_unknown = out->count;
        }
        out->character[out->count++] = c;
    }
    if (out->first_unknown < 0)
        out->first_unknown = out->count;
}

/* The known characters before the first mark and after the last must agree as far as both have them. */
static bool ends_agree(const struct folded *a, const struct folded *b)
{
    for (int i = 0; i < a->first_unknown && i < b->first_unknown; i++)
        if (a->character[i] != b->character[i])
            return false;
    for (int i = 1; a->count - i > a->last_unknown && b->count - i > b->last_unknown; i++)
        if (a->character[a->count - i] != b->character[b->count - i])
            return false;
    return true;
}

/* Does `known`, which has no marks, fit `marked`, in which each mark stands for any characters or none? One lost
 * character may have left one mark or several (one for each byte), so marks are not counted. */
static bool fits(const struct folded *marked, const struct folded *known)
{
    int m = 0, k = 0, mark = -1, resume = 0;
    while (k < known->count) {
        if (m < marked->count && marked->character[m] == UNKNOWN) {
            mark = m++;
            resume = k;
        } else if (m < marked->count && marked->character[m] == known->character[k]) {
            m++;
            k++;
        } else if (mark >= 0) {
            m = mark + 1;
            k = ++resume;
        } else {
            return false;
        }
    }
    while (m < marked->count && marked->character[m] == UNKNOWN)
        m++;
    return m == marked->count;
}

enum name_match person_name_compare(struct slice a, struct slice b)
{
    struct folded fa, fb;
    fold(a, &fa);
    fold(b, &fb);
    if (fa.count == 0 || fb.count == 0)
        return NAME_COMPATIBLE;
    bool a_marked = fa.last_unknown >= 0, b_marked = fb.last_unknown >= 0;
    if (!a_marked && !b_marked) {
        bool same = fa.count == fb.count &&
                    memcmp(fa.character, fb.character, (size_t)fa.count * sizeof fa.character[0]) == 0;
        return same ? NAME_SAME : NAME_DIFFERENT;
    }
    /* Two names with marks fit when their ends agree: what lies between, each mark can stand for. */
    bool compatible = a_marked && b_marked ? ends_agree(&fa, &fb)
                      : a_marked           ? fits(&fa, &fb)
                                           : fits(&fb, &fa);
    return compatible ? NAME_COMPATIBLE : NAME_DIFFERENT;
}

void person_name_mask(struct slice name, struct text *out)
{
    bool shown = false;
    struct slice trimmed = slice_trim(name);
    for (size_t at = 0; at < trimmed.length;) {
        uint32_t c;
        size_t step = next_character(trimmed, at, &c);
        const char *bytes = trimmed.bytes + at;
        at += step;
        if (is_invisible(c))
            continue;
        if (is_dot(c) || is_blank(c) || (!shown && utf8_valid(bytes, step)))
            text_add(out, bytes, step);
        else
            text_add_char(out, '*');
        shown = shown || !(is_dot(c) || is_blank(c));
    }
}
