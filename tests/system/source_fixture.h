/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the tests of feeds and imports share, beside store_fixture.h: folders of their own, files with their manifests,
 * a small register, and the state of the database in one value.
 */
#ifndef SHOUWANG_TESTS_SOURCE_FIXTURE_H
#define SHOUWANG_TESTS_SOURCE_FIXTURE_H

#include "source/import.h"
#include "source/ingest.h"
#include "store_fixture.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sound identity numbers (all invented): the first three are on the register, the fourth is not. */
#define ID_A "610922198001010014"
#define ID_B "610922199002020024"
#define ID_C "610922198505051047"
#define ID_X "440524188001010014"

/* The columns of a file; a code that it may carry; one such row of A, whose reference is D9. */
#define HEADER "id_number,household_no,name,code,value,from,to,ref\n"
#define PAID   "expense.medical_self_paid"
#define GOOD   HEADER ID_A ",,," PAID ",10.00,2021-06-01,2021-06-20,D9\n"

extern char root[64];          /* removed with all that is in it */
extern char drop_root[256];    /* root/drop */
extern char archive_root[128]; /* root/archive */
extern struct ingest_settings settings;

/* Check fixtures: a migrated database and folders; the same with a register of H1 (A 王小明, B 李四), H2 (C 阿依古丽). */
void source_fixture_empty(void);
void source_fixture_register(void);
void source_fixture_drop(void);

void write_file(const char *path, const void *bytes, size_t length);
void write_text(const char *path, const char *text);
bool file_is_there(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What a manifest says where it does not follow from the file. Empty fields: delta, June 2021, sent on 2021-07-05. */
struct given {
    const char *feed;
    const char *batch; /* default: the file's name without .csv */
    const char *mode;
    const char *period_from, *period_to;
    const char *sent_at;
    int64_t rows; /* 0: as counted; -1: zero */
    const char *sha256;
};
#define AUGUST "2021-08-05T08:00:00+08:00" /* a later sent_at */
/* Writes <drop>/<feed>/<name>.csv and then its manifest. Rows are counted by line ends. */
void put_bytes(const char *feed, const char *name, const void *bytes, size_t length,
               const struct given *given);
void put_feed(const char *feed, const char *name, const char *csv, const struct given *given);

/* Scans once; the outcome of the file (its name without .csv) is kept below. */
void scan(void);
#define SCANNED_MAX 512
extern struct ingest_result scanned[SCANNED_MAX];
extern size_t scanned_count;
const struct ingest_result *outcome_of(const char *name);

/* A folder root/register with these files. NULL = not written. */
const char *put_register(const char *households, const char *persons, const char *facts);
/* Imports root/register as of a day. */
enum status import_as_of(const char *day, bool allow_shrink, struct import_result *result);

/* With the keys of the whole register, or with those that a file speaks of: it must be the same. */
enum { WAYS = 2 };
void take_way(int way);

/* What stands about persons, one fact after another: the person's order of birth, code, value, days, reference. */
const char *facts(void);
/* Of persons, households and strangers. */
int64_t fact_count(void);

/* One value for everything that a refused file must leave as it is: all but refused batches and audit. */
const char *state(char out[64]);

#endif
