/* SPDX-License-Identifier: PostgreSQL */
/*
 * shouwang-county: writes a sample county, the same bytes for the same arguments.
 *
 * Purpose: material for the demonstration, the tests and the benchmarks. Nobody in it exists: names are put
 * together from lists, resident IDs from counters, the county and its townships are invented.
 *
 * Shape: one household at a time is made and written (streaming), so memory does not grow with the county.
 * All chance comes from one seeded generator. First come the planted households, each with an outcome that
 * was worked out by hand from the scheme of 004 篇五 (county_cases.c); then as many ordinary ones as asked
 * for.
 *
 * Units: amounts in fen, dates civil days. A failure ends the program with a message and a sysexits code: it
 * has no state worth saving. Threading: none.
 */
#ifndef SHOUWANG_SAMPLE_COUNTY_H
#define SHOUWANG_SAMPLE_COUNTY_H

#include "base/civil.h"
#include "base/random.h"

#include <iconv.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum county_encoding {
    COUNTY_UTF8,
    COUNTY_UTF8_BOM,
    COUNTY_GB18030,
    COUNTY_MIXED, /* by feed: what a real county gets */
};

/* Two batches at least, so that a later one can supersede; two years at most, as far as the scheme looks
 * back. */
enum { COUNTY_MONTHS_MIN = 2, COUNTY_MONTHS_MAX = 24 };

struct county_options {
    uint64_t seed;
    uint64_t households;
    day_t date;
    int months;
    enum county_encoding encoding;
    const char *out;
    bool native;
    bool damage;
};

_Noreturn void county_fail(int exit_code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- files (county_files.c) -------------------------------------------------------------------------------------- */

enum {
    COUNTY_FIELDS_MAX = 16,
    COUNTY_FIELD_BYTES_MAX = 512,
    COUNTY_PATH_MAX = 1024,
    COUNTY_SHA256_HEX_SIZE = 65
};

/* A CSV file (RFC 4180, CRLF) that is hashed while it is written. */
struct county_file {
    FILE *stream;
    EVP_MD_CTX *digest;
    enum county_encoding encoding;
    iconv_t converter; /* for COUNTY_GB18030 */
    uint64_t rows;     /* without the header */
};

void county_file_open(struct county_file *file, const char *path, enum county_encoding encoding,
                      const char *const *columns, size_t count);
void county_file_row(struct county_file *file, const char *const *fields, size_t count);
void county_file_close(struct county_file *file, char sha256[COUNTY_SHA256_HEX_SIZE]);

void county_path(char out[COUNTY_PATH_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));
void county_make_folder(const char *path); /* with its parents */
void county_require_empty(const char *path);
void county_write_file(const char *path, const void *bytes, size_t length);

/* What a manifest says. */
struct county_manifest {
    const char *feed;
    const char *batch;
    day_t period_from, period_to;
    const char *mode; /* "full" "delta" */
    uint64_t rows;
    const char *sha256;
    const char *sent_at;
};
void county_manifest_write(const char *csv_path, const struct county_manifest *manifest);

/* --- sources and facts (county_facts.c) -------------------------------------------------------------------------- */

enum county_source {
    COUNTY_REGISTER,
    COUNTY_MEDICAL,
    COUNTY_DISABLED,
    COUNTY_EDUCATION,
    COUNTY_HR,
    COUNTY_HOUSING,
    COUNTY_EMERGENCY,
    COUNTY_REVITALISATION,
    COUNTY_SOURCES,
};

enum county_batch {
    COUNTY_BATCH_BY_DATE, /* the month in which it became known; full feeds repeat it from then on */
    COUNTY_BATCH_FIRST,
    COUNTY_BATCH_LAST,
};

/* One row of a register's fact.csv or of a feed; texts are borrowed and written as they are. */
struct county_fact {
    enum county_source source;
    enum county_batch batch;
    const char *household_no; /* or NULL */
    const char *id_number;    /* or NULL */
    const char *name;         /* or NULL */
    const char *code;
    const char *value;
    const char *from;
    const char *to;
    const char *ref;
    day_t known_on;    /* DAY_NONE: the evaluation date */
    const char *fault; /* why this row will be listed or refused (expected_rows.tsv), or NULL */
};

struct county_feed {
    struct county_file batches[COUNTY_MONTHS_MAX];
    struct county_file native[COUNTY_MONTHS_MAX];
};

struct county {
    struct county_options options;
    struct random random;
    struct county_file household, person, fact;
    struct county_feed feeds[COUNTY_SOURCES]; /* [COUNTY_REGISTER] is not used */
    FILE *expected, *expected_rows;
    uint16_t (*births)[2]; /* per day from DAY_MIN and sex: how many IDs were given out */
    uint64_t next_ref;
    uint64_t persons;
};

const char *county_feed_name(enum county_source source);
/* "housing-2021-06"; index 0 is the oldest batch. */
void county_batch_name(const struct county_options *options, enum county_source source, int index,
                       char out[64]);
void county_feeds_open(struct county *county);
void county_feeds_close(struct county *county);
void county_fact_put(struct county *county, const struct county_fact *fact);
void county_expect_row(struct county *county, const char *file, uint64_t row, const char *fault);

bool county_native_has(enum county_source source);
void county_native_open(struct county_file *file, const char *path, enum county_source source);
void county_native_put(struct county_file *file, const struct county_fact *fact);

/* --- people and places (county_people.c) ------------------------------------------------------------------------- */

enum { COUNTY_ID_SIZE = 64, COUNTY_NAME_SIZE = 64, COUNTY_NO_SIZE = 32, COUNTY_PERSONS_MAX = 10 };

struct county_person {
    char id[COUNTY_ID_SIZE]; /* 18 characters, or what became of them */
    char name[COUNTY_NAME_SIZE];
    day_t birth;
    bool male;
    const char *kinship; /* GB/T 4761 */
    const char *labour;
};

struct county_place {
    char township[16]; /* 9 digits */
    char village[16];  /* 12 digits */
    bool urban;
    char address[256];
};

uint64_t county_draw(struct county *county, uint64_t low, uint64_t high);   /* low..high, both included */
bool county_chance(struct county *county, unsigned parts, unsigned in_all); /* parts out of in_all */
char county_id_check_character(const char digits[17]);
/* A new ID that no other person of this county has, a name, and labour by age. Kinship is the caller's. */
void county_person_make(struct county *county, struct county_person *person, bool male, day_t birth);
/* A birthday at which the person has completed exactly `age` years on the evaluation date, well away from the
 * edge. */
day_t county_birth_of_age(struct county *county, int age);
void county_name_make(struct county *county, char out[COUNTY_NAME_SIZE], const char *surname);
void county_place_draw(struct county *county, struct county_place *place, bool urban);
bool county_place_is_urban_draw(struct county *county);

void county_household_put(struct county *county, const char *household_no, const struct county_place *place);
void county_person_put(struct county *county, const char *household_no, const struct county_person *person);

/* --- the two kinds of households --------------------------------------------------------------------------------- */

/* county_cases.c: the table; county_planted.c: what turns a line of it into rows. */
struct county_case {
    const char *what;
    const char *household;
    const char *facts;
    const char *level;
    const char *rules;
    const char *checks;
    const char *undecided;
    const char *suggestions;
};
extern const struct county_case county_cases[];
extern const size_t county_case_count;
void county_planted_write(struct county *county);

void county_ordinary_write(struct county *county, uint64_t number);

void county_damaged_write(const struct county *county);

#endif
