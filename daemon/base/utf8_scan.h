/* SPDX-License-Identifier: PostgreSQL */
/*
 * The two ways in which utf8_well_formed (base/text.h) looks through long text: one for any processor, and one of 32 bytes
 * at a time. They answer alike; they stand here apart so that a test can hold them against each other.
 */
#ifndef SHOUWANG_BASE_UTF8_SCAN_H
#define SHOUWANG_BASE_UTF8_SCAN_H

#include <stdbool.h>
#include <stddef.h>

size_t utf8_scan_portable(const char *bytes, size_t length);

/* Whether this processor (and this build) can scan with AVX2. */
bool utf8_scan_has_avx2(void);
/* Only where utf8_scan_has_avx2() holds. */
size_t utf8_scan_avx2(const char *bytes, size_t length);

#endif
