/* SPDX-License-Identifier: PostgreSQL */
/* Values of options that are more than a number or a text. */
#ifndef SHOUWANG_APP_OPTION_VALUES_H
#define SHOUWANG_APP_OPTION_VALUES_H

#include "base/text.h"
#include "domain/calendar.h"
#include "io/address.h"
#include "round/round.h"

#include <stdbool.h>
#include <stddef.h>

struct option_schedule {
    bool is_set; /* false: off */
    struct calendar calendar;
};

enum { OPTION_NETWORKS_MAX = 64 };
struct option_networks {
    struct address_network *items; /* in the set's arena */
    size_t count;
};

/* The enum log_level of a word, -1 for another word. */
int option_level_parse(struct slice text);

#endif
