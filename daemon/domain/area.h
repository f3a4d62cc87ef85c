/* SPDX-License-Identifier: PostgreSQL */
/*
 * Area codes: 12 digits = 6 (county) + 3 (township: 001–099 subdistrict, 100–199 town, 200–399 township) + 3
 * (village). A township is stored as its 9 digits in an int64, a village as its 12.
 */
#ifndef SHOUWANG_DOMAIN_AREA_H
#define SHOUWANG_DOMAIN_AREA_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

bool area_parse_county(struct slice text, int64_t *code);   /* 6 digits */
bool area_parse_township(struct slice text, int64_t *code); /* 9 digits, township part 001–399 */
bool area_parse_village(struct slice text, int64_t *code);  /* 12 digits */
int64_t area_township_of_village(int64_t village);
int64_t area_county_of_township(int64_t township);

#endif
