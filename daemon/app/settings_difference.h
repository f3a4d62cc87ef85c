/* SPDX-License-Identifier: PostgreSQL */
/* What a reload changes, told to the log key by key; a secret's value never. Threading: none shared. */
#ifndef SHOUWANG_APP_SETTINGS_DIFFERENCE_H
#define SHOUWANG_APP_SETTINGS_DIFFERENCE_H

#include "app/settings.h"

#include <stddef.h>

/* After new settings were taken into use: a line for each key, township and file that changed, a warning for each key that
 * needs a restart. Returns how many things changed. */
size_t settings_difference_log(const struct settings *before, const struct settings *after);

#endif
