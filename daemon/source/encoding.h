/* SPDX-License-Identifier: PostgreSQL */
/*
 * Character encodings of files: UTF-8, with or without BOM, and GB18030 (which partners also call GBK or
 * GB2312; both are parts of it).
 *
 * `auto` means: UTF-8 if the whole file is well-formed UTF-8, else GB18030. To know that, the file is scanned
 * once (encoding_scan, beside its hash), then decoded (encoding_decoder). The table for GB18030 is the C
 * library's (iconv). Neither guesses: a byte that belongs to no character refuses the file.
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

/* Is it UTF-8? Bytes come in any pieces. */
struct encoding_scan {
    bool invalid;
    uint64_t invalid_offset; /* bytes before the first that belongs to no character */
    uint64_t invalid_line;   /* from 1 */
    /* private */
    uint64_t offset, lines;
    size_t held;
    char hold[4];
};
void encoding_scan_init(struct encoding_scan *scan);
void encoding_scan_add(struct encoding_scan *scan, const char *bytes, size_t length);
void encoding_scan_end(struct encoding_scan *scan); /* a character cut off by the end is invalid, too */

/* From bytes to UTF-8. UTF-8 must have been scanned before: it is passed through without its BOM. */
struct encoding_decoder;
enum status encoding_decoder_new(struct encoding_decoder **decoder, enum encoding encoding,
                                 struct error *err) WARN_UNUSED;
void encoding_decoder_free(struct encoding_decoder *decoder); /* NULL is allowed */
/*
 * Decodes from bytes into out; *used and *made say how far it came: everything, or until out is full, or
 * until a character that is not complete yet. `last`: an incomplete character is an error. out_size must be
 * at least 16. STATUS_REJECT, with line and offset, for a byte that belongs to no character.
 */
enum status encoding_decode(struct encoding_decoder *decoder, const char *bytes, size_t length, bool last,
                            size_t *used, char *out, size_t out_size, size_t *made,
                            struct error *err) WARN_UNUSED;

#endif
