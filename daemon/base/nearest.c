/* SPDX-License-Identifier: PostgreSQL */
#include "base/nearest.h"

#include <stdint.h>
#include <stdlib.h>

/* Bytes that are no character count as one each. */
static size_t decode(struct slice text, uint32_t chars[NEAREST_CHARS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < text.length && count < NEAREST_CHARS_MAX; count++) {
        size_t length = utf8_char_length(text.bytes + i, text.length - i);
        chars[count] = length ? utf8_decode(text.bytes + i, length) : (unsigned char)text.bytes[i];
        i += length ? length : 1;
    }
    return count;
}

/* How many characters must change to make one of the other; limit + 1 when they are more than the limit. */
static int nearest_distance(struct slice a, struct slice b, int limit)
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

struct nearest nearest_to(struct slice wanted)
{
    uint32_t chars[NEAREST_CHARS_MAX];
    size_t count = decode(wanted, chars);
    return (struct nearest){wanted, count, count <= 2 ? 1 : (int)(count / 3) + 1, {0}};
}

void nearest_consider(struct nearest *nearest, struct slice name)
{
    int distance = nearest_distance(nearest->wanted, name, nearest->limit);
    if (distance > nearest->limit || (size_t)distance >= nearest->wanted_chars)
        return;
    nearest->name = name;
    nearest->limit = distance - 1;
}
