/* SPDX-License-Identifier: PostgreSQL */
/*
 * Options: one table row for each, from which come the parser, the defaults, the sample configuration, the manual page
 * and the difference that a reload logs.
 *
 * A table describes the sections and keys of one kind of file; the values go into a struct of the caller's at the
 * row's offset, as the row's type says. Beside it the text of every value is kept, so that two sets can be compared
 * and shown.
 *
 * Threading: tables are immutable; a set belongs to one thread until it is complete, then anybody may read it.
 */
#ifndef SHOUWANG_APP_OPTION_H
#define SHOUWANG_APP_OPTION_H

#include "app/mistakes.h"
#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OPTIONS_MAX = 64 }; /* rows of one table */

enum option_flag {
    OPTION_REQUIRED = 1, /* has no default: the file must give it */
    OPTION_FIXED = 2,    /* taken up at the start only; a reload keeps the old value and says so */
    OPTION_SECRET = 4,   /* its value is never shown */
};

struct option_type;

struct option_row {
    const char *section, *key;
    const struct option_type *type;
    size_t offset;        /* of the value in the caller's struct */
    const char *standard; /* the default as it would be written; NULL = none (the value stays zero) */
    const char *example;  /* shown in the sample where there is no default */
    int64_t least, most;  /* of numbers and durations (in ms); both 0 = unbounded */
    unsigned flags;
    const char *help; /* one line */
};

struct option_section {
    const char *name;
    const char *help;
};

struct option_table {
    const struct option_row *options; /* by section, in the order of the sample */
    size_t count;
    const struct option_section *sections; /* ended by an entry without a name */
};

/* One file's values. */
struct option_set {
    const struct option_table *table;
    const char *file; /* as it was named; relative paths in it begin at its folder */
    struct arena *arena;
    void *values;                   /* the caller's struct */
    bool without_credentials;       /* conninfo = credential:NAME stays NULL */
    const char *texts[OPTIONS_MAX]; /* as written, or the default; NULL = not given */
    int lines[OPTIONS_MAX];         /* 0 = default */
};

/*
 * Reads the text of set->file into set->values (zeroed before), then fills in defaults. Every mistake is added to
 * mistakes; what was right is there all the same.
 */
void option_set_read(struct option_set *set, struct slice text, struct mistakes *mistakes);
/* The row's place in the table; the row must exist. */
size_t option_index(const struct option_table *table, const char *section, const char *key);
/* Line of a value, for mistakes that show only later; 0 for a default. */
int option_line(const struct option_set *set, const char *section, const char *key);

/* Whether the value is written differently in the two sets. */
bool option_changed(const struct option_set *before, const struct option_set *after, size_t index);
/* For log and sample: the text, "-" when there is none, "(secret)" when it is one. */
const char *option_shown(const struct option_set *set, size_t index);
/* Gives the OPTION_FIXED values of before to after, which gets them as its own. False without memory. */
bool option_keep_fixed(const struct option_set *before, struct option_set *after) WARN_UNUSED;

/* A complete file with every option, its help and its default; those with a default are commented out. */
void option_print_sample(const struct option_table *table, const char *heading, struct text *out);
/* The options as mdoc list items, for the manual page. */
void option_print_manual(const struct option_table *table, struct text *out);

/* --- types ---------------------------------------------------------------------------------------------------- */

struct option_type {
    const char *expected; /* "a duration such as 30s, 10min, 12h, 35d" */
    size_t size;          /* of the value */
    bool is_text;         /* the value is a const char * in the set's arena */
    /* Writes the value; STATUS_CONFIG with what is wrong ("expected …" may be left out: the type's words follow). */
    enum status (*parse)(const struct option_set *set, const struct option_row *option, struct slice text,
                         void *value, struct error *err);
};

extern const struct option_type option_text; /* const char *: any text */
extern const struct option_type option_path; /* const char *: absolute, or relative to the file's folder;
                                                    credential:NAME = $CREDENTIALS_DIRECTORY/NAME */
extern const struct option_type
    option_conninfo; /* const char *: for libpq; credential:NAME = that file's content */
extern const struct option_type option_count;    /* int64_t */
extern const struct option_type option_duration; /* int64_t, ms: a number with ms, s, min, h or d */
extern const struct option_type option_yesno;    /* bool */
extern const struct option_type option_level;    /* int64_t: enum log_level */
extern const struct option_type option_county;   /* int64_t: 6 digits */
extern const struct option_type option_schedule; /* struct option_schedule */
extern const struct option_type option_limit;    /* struct option_limit */
extern const struct option_type option_networks; /* struct option_networks */
extern const struct option_type option_listen;   /* const char *: ADDRESS:PORT, or "off" as NULL */
extern const struct option_type option_url;      /* const char * */
extern const struct option_type option_named;    /* bool: masked = false, named = true */

#endif
