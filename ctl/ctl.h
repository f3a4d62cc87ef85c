/* SPDX-License-Identifier: PostgreSQL */
/*
 * shouwangctl: what an operator does with Shouwang, one verb a function.
 *
 * Verbs stand in one table (verbs.c) with their arguments, options, help and examples; the command line is read by that
 * table, so a verb never sees an option that it does not know. A verb returns a sysexits code; it prints its result to
 * stdout (one JSON document with --json) and its troubles to stderr.
 *
 * Threading: one thread.
 */
#ifndef SHOUWANG_CTL_CTL_H
#define SHOUWANG_CTL_CTL_H

#include "base/civil.h"
#include "base/status.h"
#include "base/text.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dictionary;
struct options;
struct pg;

enum { CTL_OPTIONS_MAX = 10, CTL_WORDS_MAX = 16 };

enum { EXIT_NO = 1 }; /* the answer is no; the other codes are those of sysexits.h */

/* What a verb needs of the configuration file. CTL_SOCKET: where the daemon listens, so that it works where conninfo is a
 * credential, which systemd shows to the daemon alone. */
enum ctl_settings { CTL_ALL, CTL_SOCKET, CTL_NOTHING };

struct ctl_option {
    const char *name;     /* "--as-of" */
    const char *argument; /* "DATE"; NULL for a switch */
    const char *help;
};

struct ctl;

struct ctl_verb {
    const char *name;      /* "feed show" */
    const char *arguments; /* "BATCH" */
    const char *summary;
    int words_min, words_max;
    enum ctl_settings settings;
    struct ctl_option options[CTL_OPTIONS_MAX];
    const char *examples; /* lines without "shouwangctl " in front */
    int (*run)(struct ctl *ctl);
};

extern const struct ctl_verb ctl_verbs[]; /* ended by one without a name */

/* What the command line said, and what was opened for it. */
struct ctl {
    const char *conf_path;
    bool conf_given; /* -c */
    bool json;
    const struct ctl_verb *verb;
    const char
        *values[CTL_OPTIONS_MAX]; /* by the verb's options; "" for a switch that was given, NULL if not */
    const char *words[CTL_WORDS_MAX];
    int word_count;
    const struct options *options; /* NULL for verbs of CTL_NOTHING */
    struct pg *pg;                 /* NULL until ctl_database */
    struct dictionary *dictionary; /* NULL until ctl_dictionary */
};

/* The value of an option of this verb, NULL when it was not given. */
const char *ctl_value(const struct ctl *ctl, const char *option);
bool ctl_given(const struct ctl *ctl, const char *option);
/* A township's code; `where` stands before it in a message ("--township: "). False after one. */
bool ctl_township(const struct ctl *ctl, const char *where, const char *value, int64_t *code);
/* The same of who receives events: a township, or the county itself by its 6 digits. */
bool ctl_receiver(const struct ctl *ctl, const char *where, const char *value, int64_t *code);
/* False after a message when both are given; "--json" is known too. */
bool ctl_apart(const struct ctl *ctl, const char *option, const char *other);
/* Whether we may do that (access(2)) with the file; else EX_NOPERM after a message that says who may. Also true of one that is not there. */
int ctl_permitted(const char *path, int mode, const char *message);
/* Reads a number option from 0 up to 1,000,000. False after a message; *number stays as it was when it was not given. */
bool ctl_number(const struct ctl *ctl, const char *option, int64_t *number);
/* Reads a date option. False (and a message) when it is no date; *day stays as it was when it was not given. */
bool ctl_date(const struct ctl *ctl, const char *option, day_t *day);

/* What goes into the audit and stands in lists: some words, in one line that a terminal shows as it is. 0, or EX_USAGE after a message. */
int ctl_reason(const struct ctl *ctl, const char *reason);
/* What the database is asked for. 0, or EX_USAGE after a message; the word is not repeated, it may be about a person. */
int ctl_utf8(const struct ctl *ctl, const char *word);

/* Prints "shouwangctl: text" to stderr and returns the exit code. */
int ctl_fail(int exit_code, const char *format, ...) PRINTF_LIKE(2, 3);
int ctl_fail_error(const struct error *err);
int ctl_usage(const struct ctl *ctl, const char *format, ...) PRINTF_LIKE(2, 3);

/* Who acts, for the audit: the account of the operating system. */
const char *ctl_account(void);

/* Connects to the database of the settings; 0, or an exit code after a message. */
int ctl_database(struct ctl *ctl);
/* The same, and the schema must be this program's: for every verb but migrate. */
int ctl_store(struct ctl *ctl);
/* The base dictionary, with the county's additions when there are settings; 0, or an exit code after a message. */
int ctl_dictionary(struct ctl *ctl);
/* What others wrote (household numbers, names, what stood in a file): no such text moves the cursor or makes a line. */
void ctl_print_visible(struct slice text);
/* Prints the document and releases it; 0, or EX_OSERR when memory or the pipe failed. */
int ctl_print_json(json_t *document);
json_t *ctl_json_slice(struct slice text); /* "" for an empty one */
json_t *ctl_json_day(day_t day);           /* null for DAY_NONE */
json_t *ctl_json_time(int64_t unix_ms);    /* RFC 3339; null for INT64_MIN */

/* Sends one request to the daemon and waits for its answer: progress lines go to `progress` (NULL: ignored). *result is
 * the answer's result, to be released. Returns 0, or an exit code after a message. */
int ctl_request(struct ctl *ctl, const char *verb, json_t *args, int64_t timeout_ms,
                void (*progress)(const json_t *line), json_t **result);

/* --- the verbs -------------------------------------------------------------------------------------------------- */

int verb_status(struct ctl *ctl);
int verb_migrate(struct ctl *ctl);
int verb_import(struct ctl *ctl);
int verb_feeds(struct ctl *ctl);
int verb_feed_show(struct ctl *ctl);
int verb_feed_trust(struct ctl *ctl);
int verb_round(struct ctl *ctl);
int verb_round_accept(struct ctl *ctl);
int verb_rounds(struct ctl *ctl);
int verb_warnings(struct ctl *ctl);
int verb_leads(struct ctl *ctl);
int verb_explain(struct ctl *ctl);
int verb_policy_check(struct ctl *ctl);
int verb_policy_test(struct ctl *ctl);
int verb_policy_show(struct ctl *ctl);
int verb_simulate(struct ctl *ctl);
int verb_policy_fmt(struct ctl *ctl);
int verb_policy_diff(struct ctl *ctl);
int verb_queue(struct ctl *ctl);
int verb_queue_shape(struct ctl *ctl);
int verb_queue_release(struct ctl *ctl);
int verb_queue_requeue(struct ctl *ctl);
int verb_endpoint_test(struct ctl *ctl);
int verb_reload(struct ctl *ctl);

#endif
