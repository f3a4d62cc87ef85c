/* SPDX-License-Identifier: PostgreSQL */
/*
 * The schema: applies the migrations that are compiled into the program (sql/migrations, in the order of
 * their numbers, forward only), then enters the dictionary's codes and the sources.
 *
 * Invariants
 * 1. Each migration is one transaction, recorded in shouwang.migration with the SHA-256 of its text. One that was
 *    recorded is never applied again; if its text here differs from what was recorded, nothing is done
 *    (STATUS_CONFIG). The next is always the first that was not recorded, whether or not a later one was.
 * 2. Nothing is done to a database that is newer than this program (STATUS_CONFIG).
 * 3. Two may run at once: each step locks shouwang.migration in its own transaction. No session advisory locks.
 * 4. A code never changes its number, name or kind, a source never its number or name (STATUS_CONFIG).
 *
 * The account that migrates owns the tables. Where it may create roles, they are made and privileges divided.
 */
#ifndef SHOUWANG_STORE_MIGRATE_H
#define SHOUWANG_STORE_MIGRATE_H

#include "base/embedded.h"
#include "base/status.h"
#include "domain/fact.h"

#include <stdbool.h>
#include <stddef.h>

struct pg;

extern const struct embedded_file migrations_embedded[];

/* One thing that was done: "migration 0001_register.sql applied", "code 1003 water.safe defined". Not called
 * for what was there. */
typedef void (*migrate_report)(void *context, const char *line);

/* county_sources: the county's own feeds (numbers 100–255), besides source_names[]; may be NULL with a count
 * of 0. */
enum status migrate_run(struct pg *pg, const struct dictionary *dictionary,
                        const struct source_name *county_sources, size_t county_source_count,
                        migrate_report report, void *context, struct error *err) WARN_UNUSED;

struct migrate_state {
    int database; /* number of the last migration that was applied; 0 = none, no schema */
    int program;  /* number of the last one that this program brings */
};
enum status migrate_status(struct pg *pg, struct migrate_state *state, struct error *err) WARN_UNUSED;

/* STATUS_CONFIG, naming `shouwangctl migrate`, unless the schema is exactly this program's. What it holds of codes and
 * sources is not asked: an operator may look while one is missing. */
enum status migrate_check_schema(struct pg *pg, struct error *err) WARN_UNUSED;

/* For start-up and /readyz: STATUS_CONFIG, naming what is missing and `shouwangctl migrate`, unless the
 * schema is exactly this program's and holds every code and source. */
enum status migrate_check(struct pg *pg, const struct dictionary *dictionary,
                          const struct source_name *county_sources, size_t county_source_count,
                          struct error *err) WARN_UNUSED;

/* The first step of migrate_run with other files: for tests of upgrades. */
enum status migrate_apply(struct pg *pg, const struct embedded_file *files, migrate_report report,
                          void *context, struct error *err) WARN_UNUSED;

#endif
