/* SPDX-License-Identifier: PostgreSQL */
/*
 * Money: int64 fen (1 yuan = 100 fen). No floating point comes near an amount.
 *
 * The exchange format writes yuan as [0-9]{1,12}(\.[0-9]{1,2})?; so a parsed amount lies in
 * 0..MONEY_PARSE_MAX_FEN.
 */
#ifndef SHOUWANG_BASE_MONEY_H
#define SHOUWANG_BASE_MONEY_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

#define MONEY_PARSE_MAX_FEN INT64_C(99999999999999)
enum { MONEY_TEXT_SIZE = 24 }; /* "-92233720368547758.08" and the terminator */

/* False (and *fen untouched) for anything but the exchange format: signs, blanks, commas, exponents, three
 * decimals, 13 digits. */
bool money_parse(struct slice text, int64_t *fen);
/* "4830.00", "-0.01"; returns out. */
const char *money_format(int64_t fen, char out[MONEY_TEXT_SIZE]);

#endif
