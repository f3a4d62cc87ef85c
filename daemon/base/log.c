/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "base/log.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where lines go. `path` belongs to the loop thread; a reopened file takes over the same descriptor number
 * (dup2), so that other threads never see a closed one. */
static struct {
    atomic_int fd;
    atomic_int least;
    atomic_bool journal;
    atomic_llong lost; /* lines that could not be written since the last that could */
    char path[PATH_MAX];
} sink = {.fd = STDERR_FILENO, .least = LOG_LEVEL_INFO};

static const struct log_event_info events[] = {
#define LOG_EVENT(id, name, level, meaning) [id] = {name, level, meaning},
#include "base/log_events.def"
#undef LOG_EVENT
};

static const struct {
    const char *name;
    int priority; /* syslog(3) */
} levels[] = {
    [LOG_LEVEL_DEBUG] = {"debug", 7}, [LOG_LEVEL_INFO] = {"info", 6},   [LOG_LEVEL_NOTICE] = {"notice", 5},
    [LOG_LEVEL_WARN] = {"warn", 4},   [LOG_LEVEL_ERROR] = {"error", 3}, [LOG_LEVEL_ALERT] = {"alert", 1},
};

struct log_field log_int(const char *key, int64_t number)
{
    return (struct log_field){LOG_FIELD_INT, key, number, NULL};
}

struct log_field log_text(const char *key, const char *our_own_words)
{
    return (struct log_field){LOG_FIELD_TEXT, key, 0, our_own_words};
}

struct log_field log_day(const char *key, day_t day)
{
    return (struct log_field){LOG_FIELD_DAY, key, day, NULL};
}

struct log_field log_error(const struct error *err)
{
    return (struct log_field){LOG_FIELD_TEXT, "err", 0, err->text};
}

const struct log_event_info *log_event_info(enum log_event_id id)
{
    return &events[id];
}

/* --- composing a line -------------------------------------------------------------------------------------------- */

/* Room is kept for the end of a cut line, so that it is still logfmt. */
static const char cut_mark[] = " cut=yes";
enum { LINE_ROOM = LOG_LINE_MAX - (int)sizeof cut_mark - 1 /* a closing quote */ };

struct line {
    char bytes[LOG_LINE_MAX];
    size_t length;
    bool cut;
};

/* All of the bytes or none. */
static bool add(struct line *line, const char *bytes, size_t length)
{
    if (line->cut || line->length + length > LINE_ROOM) {
        line->cut = true;
        return false;
    }
    memcpy(line->bytes + line->length, bytes, length);
    line->length += length;
    return true;
}

static void add_number(struct line *line, int64_t number)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRId64, number);
    add(line, digits, (size_t)length);
}

static bool needs_quotes(const char *text)
{
    if (!*text)
        return true;
    for (; *text; text++)
        if (*text <= ' ' || *text > '~' || *text == '"' || *text == '=' || *text == '\\')
            return true;
    return false;
}

/* Escapes one character as JSON does, so that any reader of logfmt can undo it; returns the bytes consumed.
 */
static size_t escape(const char *text, size_t left, char out[8], size_t *out_length)
{
    size_t length = utf8_char_length(text, left);
    uint32_t c = length ? utf8_decode(text, length) : 0xFFFD;
    const char *short_form = c == '"'    ? "\\\""
                             : c == '\\' ? "\\\\"
                             : c == '\n' ? "\\n"
                             : c == '\r' ? "\\r"
                             : c == '\t' ? "\\t"
                                         : NULL;
    if (short_form)
        *out_length = (size_t)snprintf(out, 8, "%s", short_form);
    else if (length == 0 || utf8_is_deceptive(c))
        *out_length = (size_t)snprintf(out, 8, "\\u%04x", (unsigned)c & 0xFFFF);
    else
        memcpy(out, text, *out_length = length);
    return length ? length : 1;
}

static void add_text(struct line *line, const char *text)
{
    if (!needs_quotes(text)) {
        add(line, text, strlen(text));
        return;
    }
    if (!add(line, "\"", 1))
        return;
    size_t left = strlen(text);
    while (left) {
        char escaped[8];
        size_t length;
        size_t consumed = escape(text, left, escaped, &length);
        if (!add(line, escaped, length))
            break;
        text += consumed;
        left -= consumed;
    }
    line->bytes[line->length++] = '"';
}

static void add_value(struct line *line, const struct log_field *field)
{
    char date[CIVIL_TEXT_SIZE];
    switch (field->kind) {
    case LOG_FIELD_INT:
        add_number(line, field->number);
        break;
    case LOG_FIELD_TEXT:
        add_text(line, field->text ? field->text : "");
        break;
    case LOG_FIELD_DAY:
        add_text(line, civil_format((day_t)field->number, date));
        break;
    case LOG_FIELD_END:
        break;
    }
}

static void add_field(struct line *line, const struct log_field *field)
{
    size_t before = line->length;
    if (add(line, " ", 1) && add(line, field->key, strlen(field->key)) && add(line, "=", 1))
        add_value(line, field);
    /* Half a number or key would mislead; a text that was begun is kept, for it shows its end by the quote.
     */
    if (line->cut && (line->length == before || line->bytes[line->length - 1] != '"'))
        line->length = before;
}

static void compose(struct line *line, const struct log_event_info *event, const struct log_field *fields)
{
    char head[160], time[CLOCK_RFC3339_SIZE];
    int length;
    line->length = 0;
    line->cut = false;
    if (atomic_load(&sink.journal))
        length = snprintf(head, sizeof head, "<%d>level=%s event=%s", levels[event->level].priority,
                          levels[event->level].name, event->name);
    else
        length = snprintf(head, sizeof head, "time=%s level=%s event=%s",
                          clock_rfc3339(clock_unix_ms(), time), levels[event->level].name, event->name);
    add(line, head, (size_t)length);
    for (const struct log_field *field = fields; field->kind != LOG_FIELD_END && !line->cut; field++)
        add_field(line, field);
    if (line->cut) {
        memcpy(line->bytes + line->length, cut_mark, sizeof cut_mark - 1);
        line->length += sizeof cut_mark - 1;
    }
    line->bytes[line->length++] = '\n';
}

/* --- writing it -------------------------------------------------------------------------------------------------- */

/* One line is one write; the rest of a short one (a full disk, a signal) is tried once more and then given
 * up. */
static bool put(const struct line *line)
{
    size_t done = 0;
    for (int attempt = 0; attempt < 2 && done < line->length;) {
        ssize_t wrote = write(atomic_load(&sink.fd), line->bytes + done, line->length - done);
        if (wrote > 0)
            done += (size_t)wrote;
        if (wrote >= 0 || errno != EINTR)
            attempt++;
    }
    return done == line->length;
}

void log_write(enum log_event_id id, const struct log_field *fields)
{
    const struct log_event_info *event = &events[id];
    if ((int)event->level < atomic_load(&sink.least))
        return;
    struct line line;
    long long lost = atomic_exchange(&sink.lost, 0);
    if (lost) {
        compose(&line, &events[LOG_LOG_LOST],
                (const struct log_field[]){log_int("lines", lost), {LOG_FIELD_END, 0, 0, 0}});
        if (!put(&line)) {
            atomic_fetch_add(&sink.lost, lost + 1);
            return;
        }
    }
    compose(&line, event, fields);
    if (!put(&line))
        atomic_fetch_add(&sink.lost, 1);
}

static enum status open_path(const char *path, struct error *err)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    if (fd < 0)
        return error_set(err, STATUS_CONFIG, "log file %s: cannot be opened for writing: %s", path,
                         strerror(errno));
    int in_use = atomic_load(&sink.fd);
    if (in_use == STDERR_FILENO) {
        atomic_store(&sink.fd, fd);
        return STATUS_OK;
    }
    int taken = dup3(fd, in_use, O_CLOEXEC);
    int reason = errno;
    close(fd);
    if (taken < 0)
        return error_set(err, STATUS_RETRY, "log file %s: cannot be taken into use: %s", path,
                         strerror(reason));
    return STATUS_OK;
}

enum status log_open(const char *path, bool journal, struct error *err)
{
    if (path && strlen(path) >= sizeof sink.path)
        return error_set(err, STATUS_CONFIG, "log file: the path has %zu bytes, at most %zu are allowed",
                         strlen(path), sizeof sink.path - 1);
    enum status status = path ? open_path(path, err) : STATUS_OK;
    if (status != STATUS_OK)
        return status;
    if (!path) {
        int in_use = atomic_exchange(&sink.fd, STDERR_FILENO);
        if (in_use != STDERR_FILENO)
            close(in_use);
    }
    snprintf(sink.path, sizeof sink.path, "%s", path ? path : "");
    atomic_store(&sink.journal, journal);
    return STATUS_OK;
}

enum status log_reopen(struct error *err)
{
    return sink.path[0] ? open_path(sink.path, err) : STATUS_OK;
}

void log_set_level(enum log_level least)
{
    atomic_store(&sink.least, (int)least);
}
