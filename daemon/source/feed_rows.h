/* SPDX-License-Identifier: PostgreSQL */
/*
 * From a row of text to facts: the part of the way that needs no database. Canonical columns, a partner's own
 * (feed_config.h) and the register's fact.csv go through the same checks.
 *
 * Each fact of a row is decided for itself:
 *   stored       it is right
 *   quarantined  it is refused, and listed with line, column, a stable reason, what was found, what was expected
 *   kept         it is stored, and listed all the same: an amount that cannot be read is stored as unknown, one that nobody
 *                would believe as it is
 * Whom it is about is known by number only; who that is, is looked up later (subjects.h, ingest.c).
 *
 * Reasons: row.* (csv.h), id.* (domain/resident_id.h), subject.both, subject.none, household.unknown, code.missing,
 * code.unknown, code.not_allowed, value.missing, value.unknown, value.too_long, certificate.form, certificate.person,
 * amount.unreadable, amount.negative, amount.too_long, amount.enormous, date.ahead, date.ancient (these six are kept),
 * date.missing, date.unreadable, date.order, ref.too_long, fact.repeat, fact.outdated, name.differs (kept), person.unknown
 * (the register's own facts). docs/feeds.md lists them for partners.
 *
 * Threading: one thread at a time.
 */
#ifndef SHOUWANG_SOURCE_FEED_ROWS_H
#define SHOUWANG_SOURCE_FEED_ROWS_H

#include "base/civil.h"
#include "base/status.h"
#include "domain/fact.h"
#include "domain/resident_id.h"
#include "source/csv.h"
#include "source/feed_config.h"
#include "source/row_note.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FACT_REF_MAX = 128,                  /* bytes; document numbers have at most about 40 */
    FACT_DETAIL_MAX = 200,               /* bytes; a certificate with its suffix, an illness code */
    HOUSEHOLD_NO_MAX = 64,               /* bytes */
    NAME_BYTES_MAX = 200,                /* longer ones are cut: names only confirm */
    FEED_NOTES_MAX = FEED_FACTS_MAX * 2, /* a fact that is kept has at most two, one that is refused one */
};
/* Above the range that the policies declare (5,000,000.00 yuan), an amount is more likely a mistake. */
#define AMOUNT_ENORMOUS_FEN INT64_C(500000000)

/* "id.scientific" …; "" when nothing is wrong. */
const char *feed_id_reason(enum resident_id_verdict verdict);

struct feed_fact {
    uint64_t line;
    const struct fact_code *code;
    uint64_t id_packed;        /* 0 when household_no says whom it is about */
    struct slice household_no; /* borrowed from the row */
    struct slice name;         /* as given, trimmed; may be empty */
    int64_t value;
    day_t from_day, to_day, as_of;
    struct slice ref;
    struct slice detail; /* the value's text where the number does not hold all of it, else empty */
};

/* Of whom a fact was refused, so that it is not known what it says; it was not left out. */
struct feed_spoiled {
    uint64_t id_packed;        /* as in feed_fact */
    struct slice household_no; /* borrowed */
    int code;                  /* its number; 0 = it cannot be told which */
};

struct feed_row {
    size_t fact_count, note_count, spoiled_count,
        refused; /* refused: facts quarantined (a damaged row counts as one) */
    struct feed_fact facts[FEED_FACTS_MAX];
    struct row_note notes[FEED_NOTES_MAX];
    struct feed_spoiled spoiled[FEED_FACTS_MAX];
};

struct feed_rows;
/*
 * Binds columns to the header of `csv`, which it borrows, as it does the others. today bounds birth dates.
 * STATUS_REJECT when a column is missing that the canonical form or the configuration needs. config NULL: the
 * register's fact.csv (canonical, with as_of).
 */
enum status feed_rows_new(struct feed_rows **rows, const struct dictionary *dictionary,
                          const struct feed_config *config, const struct csv *csv, day_t today,
                          struct error *err) WARN_UNUSED;
/* The columns' names as the file has them; "" where it has none. */
const char *feed_rows_id_column(const struct feed_rows *rows);
const char *feed_rows_household_column(const struct feed_rows *rows);
const char *feed_rows_name_column(const struct feed_rows *rows);
void feed_rows_free(struct feed_rows *rows); /* NULL is allowed */
/* Reads csv's current row (after CSV_ROW, or CSV_BAD_ROW, which makes one note). */
void feed_rows_read(struct feed_rows *rows, bool bad_row, struct feed_row *out);

#endif
