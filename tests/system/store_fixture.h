/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the store's tests share: a database of its own for each test, on the cluster that TEST_CONNINFO names (without
 * dbname, as a superuser), and short ways to run SQL.
 */
#ifndef SHOUWANG_TESTS_STORE_FIXTURE_H
#define SHOUWANG_TESTS_STORE_FIXTURE_H

#include "domain/fact.h"
#include "io/pg.h"

#include <check.h>
#include <stdint.h>

/* Every call fails the test with the error's text. */
#define must(call)                                                                                           \
    do {                                                                                                     \
        enum status must_status = (call);                                                                    \
        ck_assert_msg(must_status == STATUS_OK, "%s: %s: %s", #call, status_name(must_status), err.text);    \
    } while (0)

/* How long a test waits for what must come, and what it asks of the database may take: the end of one that waits in vain,
 * not a property of anything. Where others work, seconds are soon gone. */
enum { PATIENCE_MS = 60000 };

extern struct error err;              /* of the last call */
extern struct pg *db;                 /* the owner's connection to the test's database */
extern struct dictionary *dictionary; /* the base dictionary */

/* Checked fixtures: an empty database; a migrated one. The latter is a copy of a template, which an unchecked fixture
 * makes once for all tests of a case. */
void fixture_empty(void);
void fixture_migrated(void);
void fixture_drop(void);
void fixture_template(void);
void fixture_template_drop(void);

/* Another connection to the test's database. user NULL = the superuser. */
struct pg *fixture_connect(const char *user);
const char *fixture_conninfo(const char *user, char out[512]);
/* A login role, made once per cluster, with membership in another role (NULL = none). */
void fixture_role(const char *name, const char *member_of, const char *attributes);

/* One value of a query as an integer; its rows and columns joined by ',' and ';' as text (static buffer, 4 KiB). */
int64_t fixture_int(const char *sql);
const char *fixture_text(const char *sql);
void fixture_sql(const char *sql);
int fixture_code(const char *name); /* a code's number */

int fixture_main(Suite *suite);

#endif
