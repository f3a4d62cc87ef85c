/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "source/encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

const char encoding_utf8_bom[3] = {'\xEF', '\xBB', '\xBF'};

static const char *const names[] = {
    [ENCODING_AUTO] = "auto",
    [ENCODING_UTF8] = "utf-8",
    [ENCODING_GB18030] = "gb18030",
};

const char *encoding_name(enum encoding encoding)
{
    return names[encoding];
}

bool encoding_parse(struct slice text, enum encoding *encoding)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!slice_is(text, names[i]))
            continue;
        *encoding = (enum encoding)i;
        return true;
    }
    return false;
}

/* --- is it UTF-8? ------------------------------------------------------------------------------------------- */

void encoding_scan_init(struct encoding_scan *scan)
{
    *scan = (struct encoding_scan){0};
}

static void found_invalid(struct encoding_scan *scan, uint64_t offset)
{
    scan->invalid = true;
    scan->invalid_offset = offset;
}

/* Completes the character that the piece before cut off; returns how many bytes of this piece belong to it. */
static size_t complete_held(struct encoding_scan *scan, const char *bytes, size_t length)
{
    size_t before = scan->held;
    size_t more = sizeof scan->hold - before < length ? sizeof scan->hold - before : length;
    memcpy(scan->hold + before, bytes, more);
    scan->held += more;
    size_t whole = utf8_char_length(scan->hold, scan->held);
    if (whole > before) {
        scan->held = 0;
        return whole - before;
    }
    if (scan->held == sizeof scan->hold)
        found_invalid(scan, scan->offset - before);
    return more;
}

/* Where the first character begins that is not well-formed or not complete; length if there is none. */
static size_t well_formed(const char *bytes, size_t length)
{
    size_t at = 0;
    while (at < length) {
        uint64_t eight;
        if (length - at >= sizeof eight) {
            memcpy(&eight, bytes + at, sizeof eight);
            if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof eight;
                continue;
            }
        }
        size_t step = utf8_char_length(bytes + at, length - at);
        if (step == 0)
            return at;
        at += step;
    }
    return length;
}

void encoding_scan_add(struct encoding_scan *scan, const char *bytes, size_t length)
{
    size_t at = 0;
    if (scan->held > 0 && length > 0 && !scan->invalid)
        at = complete_held(scan, bytes, length);
    if (!scan->invalid && scan->held == 0) {
        at += well_formed(bytes + at, length - at);
        if (length - at >= sizeof scan->hold) {
            found_invalid(scan, scan->offset + at);
        } else {
            scan->held = length - at;
            memcpy(scan->hold, bytes + at, scan->held);
        }
    }
    scan->offset += length;
}

void encoding_scan_end(struct encoding_scan *scan)
{
    if (!scan->invalid && scan->held > 0)
        found_invalid(scan, scan->offset - scan->held);
}

/* --- GB18030 ------------------------------------------------------------------------------------------------ */

struct encoding_gb18030 {
    iconv_t converter;
    bool began;
};

enum status encoding_gb18030_new(struct encoding_gb18030 **decoder, struct error *err)
{
    *decoder = calloc(1, sizeof **decoder);
    if (!*decoder)
        return error_set(err, STATUS_FATAL, "out of memory");
    (*decoder)->converter = iconv_open("UTF-8", "GB18030");
    if ((*decoder)->converter != (iconv_t)-1)
        return STATUS_OK;
    free(*decoder);
    *decoder = NULL;
    return error_set(err, STATUS_FATAL,
                     "the C library cannot decode GB18030 (is its gconv module installed?)");
}

void encoding_gb18030_free(struct encoding_gb18030 *decoder)
{
    if (!decoder)
        return;
    iconv_close(decoder->converter);
    free(decoder);
}

bool encoding_gb18030_decode(struct encoding_gb18030 *decoder, const char *bytes, size_t length, size_t *used,
                             char *out, size_t out_size, size_t *made)
{
    char *from = (char *)(uintptr_t)bytes; /* iconv does not write there, its type is older than const */
    char *to = out;
    size_t from_left = length, to_left = out_size;
    size_t result = iconv(decoder->converter, &from, &from_left, &to, &to_left);
    bool invalid = result == (size_t)-1 && errno == EILSEQ;
    *used = length - from_left;
    *made = out_size - to_left;
    if (!decoder->began && *made > 0) {
        decoder->began = true;
        if (*made >= sizeof encoding_utf8_bom &&
            memcmp(out, encoding_utf8_bom, sizeof encoding_utf8_bom) == 0) {
            *made -= sizeof encoding_utf8_bom;
            memmove(out, out + sizeof encoding_utf8_bom, *made);
        }
    }
    return !invalid;
}
