/* SPDX-License-Identifier: PostgreSQL */
#include "county.h"
bool county_native_has(enum county_source source)
{
    (void)source;
    return false;
}
void county_native_open(struct county_file *file, const char *path, enum county_source source)
{
    (void)file, (void)path, (void)source;
}
void county_native_put(struct county_file *file, const struct county_fact *fact)
{
    (void)file, (void)fact;
}
