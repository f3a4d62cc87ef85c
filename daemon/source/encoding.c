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

void encoding_scan_add(struct encoding_scan *scan, const char *bytes, size_t length)
{
    size_t at = 0;
    if (scan->held > 0 && length > 0 && !scan->invalid)
        at = complete_held(scan, bytes, length);
    if (!scan->invalid && scan->held == 0) {
        at += utf8_well_formed(bytes + at, length - at);
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

/* Bytes below 0x80 where a character begins are themselves: files are mostly that. */
static size_t ascii_run(const char *bytes, size_t length)
{
    size_t at = 0;
    for (uint64_t eight; length - at >= sizeof eight; at += sizeof eight) {
        memcpy(&eight, bytes + at, sizeof eight);
        if (eight & UINT64_C(0x8080808080808080))
            break;
    }
    while (at < length && (unsigned char)bytes[at] < 0x80)
        at++;
    return at;
}

/* Characters of two and four bytes up to the next of one; a digit in the second place tells four (GB 18030, clause 5). */
static size_t wide_run(const char *bytes, size_t length)
{
    size_t at = 0;
    while (at < length && (unsigned char)bytes[at] >= 0x80) {
        bool four = at + 1 < length && bytes[at + 1] >= '0' && bytes[at + 1] <= '9';
        at += four ? 4 : 2;
    }
    return at < length ? at : length;
}

/* False: the byte at *used belongs to no character. */
static bool convert(struct encoding_gb18030 *decoder, const char *bytes, size_t length, size_t *used,
                    char *out, size_t out_size, size_t *made)
{
    char *from = (char *)(uintptr_t)bytes; /* iconv does not write there, its type is older than const */
    char *to = out;
    size_t from_left = length, to_left = out_size;
    size_t result = iconv(decoder->converter, &from, &from_left, &to, &to_left);
    bool invalid = result == (size_t)-1 && errno == EILSEQ;
    *used = length - from_left;
    *made = out_size - to_left;
    return !invalid;
}

/* The first thing that came out: without the BOM. */
static void begin(struct encoding_gb18030 *decoder, char *out, size_t *made)
{
    decoder->began = true;
    if (*made < sizeof encoding_utf8_bom || memcmp(out, encoding_utf8_bom, sizeof encoding_utf8_bom) != 0)
        return;
    *made -= sizeof encoding_utf8_bom;
    memmove(out, out + sizeof encoding_utf8_bom, *made);
}

bool encoding_gb18030_decode(struct encoding_gb18030 *decoder, const char *bytes, size_t length, size_t *used,
                             char *out, size_t out_size, size_t *made)
{
    bool valid = true;
    *used = *made = 0;
    while (valid) {
        size_t room = out_size - *made;
        size_t plain = ascii_run(bytes + *used, length - *used < room ? length - *used : room);
        memcpy(out + *made, bytes + *used, plain);
        *used += plain;
        *made += plain;
        size_t wide = wide_run(bytes + *used, length - *used), taken, given;
        if (wide == 0)
            break;
        valid = convert(decoder, bytes + *used, wide, &taken, out + *made, out_size - *made, &given);
        *used += taken;
        *made += given;
        if (taken < wide)
            break; /* no more room, or a character that is not complete */
    }
    if (!decoder->began && *made > 0)
        begin(decoder, out, made);
    return valid;
}
