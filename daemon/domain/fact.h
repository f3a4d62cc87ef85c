/* SPDX-License-Identifier: PostgreSQL */
/*
 * Facts: everything that is compared. Subject (person or household), code, value, valid period, source,
 * batch.
 *
 * The dictionary says of each code what its values are. It is data: the base dictionary (conf/facts.conf) is
 * compiled in, a county adds its own file; numbers are permanent, because stored rows carry them. Base codes
 * have numbers below 1000, a county's own 1000–32767.
 *
 * Values on the way through the house are one int64:
 *   amount   fen, 0..; FACT_UNKNOWN when the source gave none that can be read
 *   yesno    1 yes, 0 no (an empty value means yes)
 *   relief   monthly amount in fen; FACT_YES (no amount given), or 0 for "no" (a relief of value `no` does
 * not hold) choice   position in the list of choices, from 1 certificate  disability certificate: type (1–7)
 * × 10 + grade (1–4) text     FACT_YES, or 0 for `no`; the text itself (an illness code) is kept beside Dates
 * are civil days; `to` of DAY_NONE means open.
 *
 * Ownership: a dictionary owns its texts and is immutable once built; any thread may read it.
 */
#ifndef SHOUWANG_DOMAIN_FACT_H
#define SHOUWANG_DOMAIN_FACT_H

#include "base/civil.h"
#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

#define FACT_UNKNOWN INT64_MIN
#define FACT_YES                                                                                             \
    INT64_C(1) /* holds, without an amount; also the yes of yesno. A relief of 0.01 yuan reads the same and  \
                  means the same. */

enum fact_kind {
    FACT_AMOUNT,      /* yuan in a period; belongs to the day on which the period ends */
    FACT_YESNO,       /* a state of yes or no */
    FACT_RELIEF,      /* a state with an optional monthly amount */
    FACT_CHOICE,      /* a state that is one of a list */
    FACT_CERTIFICATE, /* disability.certificate */
    FACT_TEXT,        /* a state with a code of the sender's (illness) or yes */
    FACT_EVENT,       /* happens on its `from` day; value yes or no */
};

enum { FACT_CODE_NAME_MAX = 64, FACT_CHOICES_MAX = 16, FACT_CODE_NUMBER_MAX = 32767 };

struct fact_code {
    int number;        /* permanent, 1..FACT_CODE_NUMBER_MAX */
    const char *name;  /* "expense.medical_self_paid" */
    const char *title; /* 自付医疗费 */
    enum fact_kind kind;
    int choice_count;
    const char *choices[FACT_CHOICES_MAX];       /* FACT_CHOICE: "A" "B" "C" "D" */
    const char *choice_titles[FACT_CHOICES_MAX]; /* in Chinese; the choice itself where none is given */
};

struct dictionary;

/* Parses one or more files of dictionary text (INI, see conf/facts.conf); later ones add, and may not change
 * a number. */
struct dictionary *dictionary_new(void);
void dictionary_free(struct dictionary *dictionary);
enum status dictionary_add(struct dictionary *dictionary, const char *file_name, const char *text,
                           size_t length, struct error *err) WARN_UNUSED;
enum status dictionary_add_base(struct dictionary *dictionary,
                                struct error *err) WARN_UNUSED; /* the compiled-in one */

size_t dictionary_count(const struct dictionary *dictionary);
const struct fact_code *dictionary_at(const struct dictionary *dictionary,
                                      size_t index); /* ordered by number */
const struct fact_code *dictionary_by_name(const struct dictionary *dictionary,
                                           struct slice name); /* NULL if none */
const struct fact_code *dictionary_by_number(const struct dictionary *dictionary, int number);

enum fact_verdict {
    FACT_OK,
    FACT_AMOUNT_UNREADABLE, /* *value is FACT_UNKNOWN: the fact is kept as unknown, and the row is listed */
    FACT_VALUE_UNKNOWN_CODE,
    FACT_VALUE_MISSING,    /* a state that must have a value has none */
    FACT_CERTIFICATE_FORM, /* not 20 characters, type or grade out of range */
    FACT_CERTIFICATE_ID,   /* the ID inside is damaged or is somebody else's */
};

/* Reads a value as written in the exchange format. An empty amount is FACT_OK with FACT_UNKNOWN.
 * packed_id: the subject's, to compare with a certificate's (0 = not known). */
enum fact_verdict fact_value_parse(const struct fact_code *code, struct slice text, uint64_t packed_id,
                                   int64_t *value);
const char *fact_verdict_text(enum fact_verdict verdict);

/* For officials: "4830.00 元", "是", "C级", "肢体二级", "未知"; writes at most size bytes. */
const char *fact_value_format(const struct fact_code *code, int64_t value, char *out, size_t size);

/* --- the dictionary of sources
 * ------------------------------------------------------------------------------- */

/* Feeds have fixed numbers too; the register is 0. Counties' own feeds: 100–255. */
enum { SOURCE_REGISTER = 0, SOURCE_NUMBER_MAX = 255, SOURCE_COUNTY_FIRST = 100 };
struct source_name {
    int number;
    const char *name;  /* "medical_insurance" */
    const char *title; /* 医保局 */
};
/* The feeds that interfaces name, by number from 1; ended by an entry without a name. */
extern const struct source_name source_names[];
const struct source_name *source_by_name(struct slice name);
const struct source_name *source_by_number(int number);

#endif
