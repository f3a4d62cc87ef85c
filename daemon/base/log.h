/* SPDX-License-Identifier: PostgreSQL */
/*
 * The log: one event per line, logfmt, escaped, bounded, to stderr (with a "<N>" syslog prefix under systemd)
 * or a file.
 *
 * Every event stands in log_events.def, with its level and its meaning; docs/log.md is made from that table.
 * A field's value passes through a typed function: there is none that takes a name, an ID, a telephone
 * number, a secret or a payload, so these cannot be logged by mistake. `log_text` is for our own words and
 * identifiers alone.
 *
 *     log_event(LOG_ROUND_COMMITTED, log_int("round", id), log_int("raised", n));
 *     level=info event=round.committed round=812 raised=6
 *
 * A line has at most LOG_LINE_MAX bytes with its newline; what does not fit is left out at a whole character,
 * and the line ends with cut=yes. Texts that hold anything but plain ASCII words are quoted and escaped as in
 * JSON. Without the journal, which keeps times of its own, a line begins with time=. Lines that could not be
 * written are counted and reported by log.lost when writing works again.
 *
 * Threading: one line is one write(2); any thread may log; log_open and log_reopen belong to one thread. The
 * log is the only mutable state at file scope.
 */
#ifndef SHOUWANG_BASE_LOG_H
#define SHOUWANG_BASE_LOG_H

#include "base/civil.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level {
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_INFO,
    LOG_LEVEL_NOTICE,
    LOG_LEVEL_WARN,
    LOG_LEVEL_ERROR,
    LOG_LEVEL_ALERT
};

enum log_event_id {
#define LOG_EVENT(id, name, level, meaning) id,
#include "base/log_events.def"
#undef LOG_EVENT
    LOG_EVENT_COUNT
};

enum log_field_kind { LOG_FIELD_END, LOG_FIELD_INT, LOG_FIELD_TEXT, LOG_FIELD_DAY };

enum { LOG_LINE_MAX = 2048 }; /* two lines fit one page of a pipe's atomic write (PIPE_BUF 4096) */

struct log_field {
    enum log_field_kind kind;
    const char *key;
    int64_t number;
    const char *text;
};

struct log_field log_int(const char *key, int64_t number);
struct log_field log_text(const char *key, const char *our_own_words); /* NULL is logged as an empty text */
struct log_field log_day(const char *key, day_t day);
struct log_field log_error(const struct error *err); /* err="…" */

/* log_event(LOG_X, fields…): any number of fields, none included. */
#define log_event(id, ...)                                                                                   \
    log_write((id), (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){LOG_FIELD_END, 0, 0, 0}})
void log_write(enum log_event_id id, const struct log_field *fields);

struct log_event_info {
    const char *name; /* "round.committed" */
    enum log_level level;
    const char *meaning;
};
const struct log_event_info *log_event_info(enum log_event_id id);

/* Where lines go. path NULL = stderr. journal = true puts "<N>" in front (set when stderr is the journal's).
 */
enum status log_open(const char *path, bool journal, struct error *err) WARN_UNUSED;
enum status log_reopen(struct error *err) WARN_UNUSED; /* after a rotation: SIGUSR1 */
void log_set_level(enum log_level least);

#endif
