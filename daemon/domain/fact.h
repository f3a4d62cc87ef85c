/* SPDX-License-Identifier: PostgreSQL */
/*
 * Facts: everything that is compared. Subject (person or household), code, value, valid period, source, batch.
 *
 * The dictionary says of each code what its values are. It is data: the base dictionary (conf/facts.conf) is
 * compiled in, a county adds its own file; numbers are permanent, because stored rows carry them. Base codes
 * have numbers below 1000, a county's own 1000–32767.
 *
 * Values on the way through the house are one int64:
 *   amount   fen, 0..; FACT_UNKNOWN when the source gave none that can be read
 *   yesno    1 yes, 0 no (an empty value means yes)
 *   relief   monthly amount in fen; FACT_YES when no amount is given (or 0.00); 0 for `no`: it does not hold
 *   choice   position in the list of choices, from 1
 *   certificate  disability certificate: type (1–7) × 10 + grade (1–4)
 *   text     FACT_YES, or 0 for `no`; the text itself (an illness code) is kept beside
 * Dates are civil days; `to` of DAY_NONE means open.
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
/* Holds, without an amount; also the yes of yesno. A relief of 0.01 yuan reads the same and means the same. */
#define FACT_YES INT64_C(1)

enum fact_kind {
    FACT_AMOUNT,      /* yuan in a period; belongs to the day on which the period ends */
    FACT_YESNO,       /* a state of yes or no */
    FACT_RELIEF,      /* a state with an optional monthly amount */
    FACT_CHOICE,      /* a state that is one of a list */
    FACT_CERTIFICATE, /* disability.certificate */
    FACT_TEXT,        /* a state with a code of the sender's (illness) or yes */
    FACT_EVENT,       /* happens on its `from` day; value yes or no */
};

enum {
    FACT_CODE_NAME_MAX =
        48, /* with the terminator: inih keeps 49 bytes of a section's name, and cuts silently */
    FACT_CHOICES_MAX = 16,
    FACT_CODE_NUMBER_MAX = 32767,
    FACT_CODE_COUNTY_FIRST = 1000, /* below: the base dictionary */
};

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

/* A dictionary is built from the compiled-in base and then from a county's files (INI, see conf/facts.conf). A file
 * is added whole or not at all; it may only add codes, never change one: stored facts carry its number.
 * STATUS_CONFIG names file, line, section, key, what was found and what was expected. */
struct dictionary *dictionary_new(void); /* NULL when memory has run out */
void dictionary_free(struct dictionary *dictionary);
enum status dictionary_add(struct dictionary *dictionary, const char *file_name, const char *text,
                           size_t length, struct error *err) WARN_UNUSED;
enum status dictionary_add_base(struct dictionary *dictionary, struct error *err) WARN_UNUSED;

size_t dictionary_count(const struct dictionary *dictionary);
/* By position, in the order of the numbers. */
const struct fact_code *dictionary_at(const struct dictionary *dictionary, size_t index);
/* NULL where there is none. */
const struct fact_code *dictionary_by_name(const struct dictionary *dictionary, struct slice name);
const struct fact_code *dictionary_by_number(const struct dictionary *dictionary, int number);

enum fact_verdict {
    FACT_OK,
    FACT_AMOUNT_UNREADABLE, /* *value is FACT_UNKNOWN: the fact is kept as unknown, and the row is listed */
    FACT_VALUE_UNKNOWN_CODE,
    FACT_VALUE_MISSING,    /* a state that must have a value has none */
    FACT_CERTIFICATE_FORM, /* not 20 characters, type or grade out of range */
    FACT_CERTIFICATE_ID,   /* the ID inside is damaged or is somebody else's */
};

/* Reads a value as written in the exchange format; on FACT_OK and FACT_AMOUNT_UNREADABLE sets *value.
 *   amount       [0-9]{1,12}(\.[0-9]{1,2})?; empty is FACT_OK with FACT_UNKNOWN
 *   yesno, event yes no y n 1 0 是 否, in any case; empty means yes
 *   relief       yes no y n 是 否, or an amount; empty means yes
 *   choice       one of the choices, as the dictionary writes it; empty is missing
 *   certificate  ID, type and grade, and up to four more letters or digits; blanks around are dropped; empty is missing
 *   text         no or 否, or any text; empty is missing
 * packed_id: the subject's, to compare with a certificate's (0 = not known). */
enum fact_verdict fact_value_parse(const struct fact_code *code, struct slice text, uint64_t packed_id,
                                   int64_t *value);
const char *fact_verdict_text(enum fact_verdict verdict);

/* For officials: "4830.00 元", "每月 610.00 元", "是", "C级", "肢体二级", "未知"; writes at most size bytes, the
 * terminator among them, and cuts at a whole character. Returns out. */
const char *fact_value_format(const struct fact_code *code, int64_t value, char *out, size_t size);

/* --- the dictionary of sources -------------------------------------------------------------------------------- */

/* Feeds have fixed numbers too; the register is 0. Counties' own feeds: 100–255. */
enum { SOURCE_REGISTER = 0, SOURCE_NUMBER_MAX = 255, SOURCE_COUNTY_FIRST = 100 };
struct source_name {
    int number;
    const char *name;  /* "medical_insurance" */
    const char *title; /* 医保局 */
};
/* The feeds that interfaces name, by number from 1; ended by an entry without a name. */
extern const struct source_name source_names[];
/* These know the register, too ("register", 0): who looks for a feed asks for a number above 0. NULL where there is none. */
const struct source_name *source_by_name(struct slice name);

#endif
