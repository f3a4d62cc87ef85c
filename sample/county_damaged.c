/* SPDX-License-Identifier: PostgreSQL */
#include "county.h"
void county_damaged_write(const struct county *county)
{
    (void)county;
}
