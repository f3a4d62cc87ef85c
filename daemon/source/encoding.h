/* SPDX-License-Identifier: PostgreSQL */
/*
 * Character encodings of files: UTF-8, with or without BOM, and GB18030 (which partners also call GBK or GB2312; both
 * are parts of it).
 *
 * `auto` means: UTF-8 if the whole file is well-formed UTF-8, else GB18030. To know that, the file is scanned once
 * (encoding_scan, beside its hash). UTF-8 then is used as it is; GB18030 is decoded piece by piece
 * (encoding_gb18030). Its table is the C library's (iconv). Neither guesses: a byte that belongs to no character
 * refuses the file.
 *
 * Threading: one thread at a time each.
 */
#ifndef SHOUWANG_SOURCE_ENCODING_H
#define SHOUWANG_SOURCE_ENCODING_H

#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum encoding { ENCODING_AUTO, ENCODING_UTF8, ENCODING_GB18030 };
const char *encoding_name(enum encoding encoding); /* "auto" "utf-8" "gb18030" */
bool encoding_parse(struct slice text, enum encoding *encoding);

/* Is it UTF-8? Bytes come in any pieces; after the first that belongs to no character the rest is not looked at. */
struct encoding_scan {
    bool invalid;
    uint64_t invalid_offset; /* how many bytes stand before it */
    /* private */
    uint64_t offset;
    size_t held;
    char hold[4];
};
void encoding_scan_init(struct encoding_scan *scan);
void encoding_scan_add(struct encoding_scan *scan, const char *bytes, size_t length);
void encoding_scan_end(struct encoding_scan *scan); /* a character cut off by the end is invalid, too */

extern const char encoding_utf8_bom[3];

struct encoding_gb18030;
/* STATUS_FATAL when the C library has no such table or memory has run out. */
enum status encoding_gb18030_new(struct encoding_gb18030 **decoder, struct error *err) WARN_UNUSED;
void encoding_gb18030_free(struct encoding_gb18030 *decoder); /* NULL is allowed */
/*
 * Decodes from bytes into out until everything is used, out is full, or a character is not complete yet; *used and
 * *made say how far it came. False: the byte at *used belongs to no character. A BOM at the very beginning is left
 * out. out_size must be at least 16.
 */
bool encoding_gb18030_decode(struct encoding_gb18030 *decoder, const char *bytes, size_t length, size_t *used,
                             char *out, size_t out_size, size_t *made);

#endif
