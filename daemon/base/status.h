/* SPDX-License-Identifier: PostgreSQL */
/*
 * The outcome of everything that can fail, and the words that explain it.
 *
 * A function that can fail returns `enum status` and takes a `struct error *` last. The text is composed
 * once, where the failure is detected; callers may put their context in front of it (error_wrap); it is
 * logged once, where it is handled. The classes name what follows for the operator, not what went wrong
 * inside.
 *
 * Texts never hold a person's name, ID, telephone number, a secret or a payload.
 *
 * Threading: a struct error belongs to its caller; nothing here is shared.
 */
#ifndef SHOUWANG_BASE_STATUS_H
#define SHOUWANG_BASE_STATUS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Long enough for file, line, key, what was found and what was expected; longer texts are cut at a whole
 * UTF-8 character. */
enum { ERROR_TEXT_MAX = 512 };

enum status {
    STATUS_OK = 0,
    STATUS_RETRY,  /* a passing fault (network, database, disk): the same call may succeed later */
    STATUS_REJECT, /* this item (row, file, request) is refused; the rest goes on */
    STATUS_CONFIG, /* configuration, policy or schema must be changed by somebody */
    STATUS_FATAL,  /* the process cannot go on (memory, broken invariant) */
};

struct error {
    enum status status;
    char text[ERROR_TEXT_MAX];
};

#define WARN_UNUSED                          __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_arg) __attribute__((format(printf, format_index, first_arg)))

/* Sets status and text; returns the status, so that a failure is one line: return error_set(err,
 * STATUS_REJECT, "…"). err may be NULL where nobody reads the text. An argument may point into the old text.
 */
enum status error_set(struct error *err, enum status status, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "context: " in front of the text; keeps and returns the status (STATUS_FATAL when err is NULL). */
enum status error_wrap(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* "retry", "reject", "config", "fatal", "ok". */
const char *status_name(enum status status);

/* The sysexits code a program ends with: 0, 75, 65, 78, 70. */
int status_exit_code(enum status status);

#endif
