/* SPDX-License-Identifier: PostgreSQL */
/*
 * Settings: everything that configuration says, read, checked and ready for use: the conf file, the townships with their
 * secrets, the feeds, the dictionary of facts, the compiled policy.
 *
 * Invariants
 * 1. Settings are immutable once they are built. A reload builds new ones whole; any mistake keeps the old ones whole.
 * 2. They are counted: whoever works with them on a worker holds them (settings_hold) until its job's done function.
 *    Counting belongs to the loop's thread, reading to any.
 * 3. Values that need a restart (OPTION_FIXED) are those of the start for as long as the process lives.
 */
#ifndef SHOUWANG_APP_SETTINGS_H
#define SHOUWANG_APP_SETTINGS_H

#include "app/mistakes.h"
#include "app/options.h"
#include "app/supply.h"
#include "app/townships.h"
#include "base/status.h"
#include "domain/fact.h"
#include "io/crypto.h"
#include "policy/policy.h"
#include "round/round.h"
#include "source/feed_config.h"

#include <stddef.h>
#include <stdint.h>

/* A file that was read beside the conf file: by its hash a reload tells whether it changed. */
struct settings_source {
    const char *path;
    char sha256[CRYPTO_SHA256_HEX_SIZE];
};

struct settings {
    struct options_file file;
    const struct options *options; /* = &file.values */
    struct townships townships;
    struct dictionary *dictionary;
    struct policy *policy;
    struct supply_findings findings;          /* of the policy: what is no mistake but hardly meant */
    char policy_hash[CRYPTO_SHA256_HEX_SIZE]; /* of its text */
    struct feed_config **feeds;               /* those that have a file of their own, by name */
    size_t feed_count;
    struct source_name *county_sources; /* feeds with numbers of the county's own */
    size_t county_source_count;
    int64_t *named_townships; /* disclosure = named, ascending */
    size_t named_count;
    struct settings_source *sources; /* files read besides, in the order of reading */
    size_t source_count;
    const char *unused
        [OPTIONS_MAX]; /* fixed options: what the file says now, where that waits for a restart; else NULL */
    /* private */
    struct arena *arena;
    unsigned holders;
};

/*
 * Builds settings held once. All mistakes are collected; STATUS_CONFIG then, and *settings is NULL. err tells the first.
 */
enum status settings_load(const char *path, struct settings **settings, struct mistakes *mistakes,
                          struct error *err) WARN_UNUSED;
/* The same for a reload: the fixed options keep the values that they have in `before`. */
enum status settings_load_again(const struct settings *before, struct settings **settings,
                                struct mistakes *mistakes, struct error *err) WARN_UNUSED;

void settings_hold(struct settings *settings);
void settings_release(struct settings *settings); /* frees after the last holder; NULL is allowed */

#endif
