/* SPDX-License-Identifier: PostgreSQL */
/* "Did you mean …?": the nearest of the names that exist, by edit distance over characters. */
#include "policy/compile/compiler.h"

#include <stdlib.h>

enum { NEAREST_CHARS_MAX = 40 };

static size_t decode(struct slice text, uint32_t chars[NEAREST_CHARS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < text.length && count < NEAREST_CHARS_MAX;) {
        size_t length = utf8_char_length(text.bytes + i, text.length - i);
        chars[count++] = utf8_decode(text.bytes + i, length);
        i += length;
    }
    return count;
}

int nearest_distance(struct slice a, struct slice b, int limit)
{
    uint32_t left[NEAREST_CHARS_MAX], right[NEAREST_CHARS_MAX];
    size_t left_count = decode(a, left), right_count = decode(b, right);
    if (abs((int)left_count - (int)right_count) > limit)
        return limit + 1;
    int row[NEAREST_CHARS_MAX + 1];
    for (size_t j = 0; j <= right_count; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= left_count; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= right_count; j++) {
            int above = row[j];
            int best = diagonal + (left[i - 1] != right[j - 1]);
            best = best < above + 1 ? best : above + 1;
            best = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[right_count] <= limit ? row[right_count] : limit + 1;
}

const char *compiler_nearest(struct compiler *compiler, struct slice name,
                             struct slice (*candidate)(const void *, size_t), const void *from, size_t count)
{
    uint32_t chars[NEAREST_CHARS_MAX];
    size_t length = decode(name, chars);
    int limit = length <= 2 ? 1 : (int)(length / 3) + 1;
    struct slice best = {0};
    for (size_t i = 0; i < count; i++) {
        struct slice other = candidate(from, i);
        int distance = nearest_distance(name, other, limit);
        /* Half of the characters must agree, or the hint misleads. */
        if (distance <= limit && (size_t)distance < length) {
            limit = distance - 1;
            best = other;
        }
    }
    if (best.length == 0)
        return "";
    const char *shown = diagnose_slice(compiler->diagnoser, best);
    return compiler_keep(
        compiler,
        arena_printf(compiler->scratch,
                     compiler->language == LANGUAGE_CHINESE ? ";是不是“%s”?" : "; did you mean \"%s\"?",
                     compiler_keep(compiler, shown)));
}
