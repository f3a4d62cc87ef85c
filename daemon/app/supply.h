/* SPDX-License-Identifier: PostgreSQL */
/*
 * What is configured to be sent, beside what the policy reads (policy/compile/supply.h): a feed is configured when it
 * has a NAME.conf in the folder of feeds, or a folder of its own in the drop directory.
 *
 * Everything returned lies in the arena, but the feed configurations.
 */
#ifndef SHOUWANG_APP_SUPPLY_H
#define SHOUWANG_APP_SUPPLY_H

#include "app/options.h"
#include "policy/compile/supply.h"
#include "source/feed_config.h"

/* What is said of a policy that is in use: its own warnings, and those about its feeds. */
struct supply_findings {
    struct policy_diagnostics warnings, notices;
};

/* A folder that cannot be looked at makes less be said, and is no failure. */
enum status supply_check(const struct policy *policy, const struct options *options,
                         struct feed_config *const *feeds, size_t feed_count, struct arena *arena,
                         struct supply_findings *findings, struct error *err) WARN_UNUSED;

/* The paths of the NAME.conf files in the folder of feeds, sorted; none when there is no such folder. */
enum status supply_list_feeds(const struct options *options, struct arena *arena, const char ***paths,
                              size_t *count, struct error *err) WARN_UNUSED;

#endif
