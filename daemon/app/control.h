/* SPDX-License-Identifier: PostgreSQL */
/*
 * The control socket: how operators give the daemon orders (docs/control.md). One JSON object per line:
 *
 *     → {"verb":"round","args":{"dry_run":true,"wait":true}}
 *     ← {"progress":{"stage":"scan"}}
 *     ← {"ok":true,"result":{…}}            or   {"ok":false,"exit":75,"error":"…"}
 *
 * Verbs are a table of the caller's: name, arguments, and the function that begins the work. The work answers through its
 * request, at once or later. `exit` is the sysexits code that shouwangctl ends with.
 *
 * Invariants
 * 1. A peer has one request at a time; each gets exactly one final line, unless the peer has gone.
 * 2. Arguments that the table does not know, of the wrong type, or missing, are refused (64) before the work begins.
 * 3. Who asks is what the kernel says (SO_PEERCRED), not what the peer says.
 *
 * Threading: the loop's thread.
 */
#ifndef SHOUWANG_APP_CONTROL_H
#define SHOUWANG_APP_CONTROL_H

#include "base/civil.h"
#include "base/status.h"
#include "io/loop.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct control;
struct control_request;

/* An answer is one line of at most so many bytes: a dry run that would change every household of a large county. */
enum { CONTROL_ANSWER_MAX_BYTES = 64 << 20 };

enum control_type {
    CONTROL_TEXT,   /* a string that is not empty */
    CONTROL_NUMBER, /* an integer above 0, also written as a string */
    CONTROL_FLAG,   /* true or false; absent = false */
    CONTROL_DATE,   /* "YYYY-MM-DD" */
};

struct control_argument {
    const char *name; /* NULL ends the list */
    enum control_type type;
    bool required;
};

enum { CONTROL_ARGUMENTS_MAX = 6 };

struct control_verb {
    const char *name; /* NULL ends the table */
    struct control_argument arguments[CONTROL_ARGUMENTS_MAX + 1];
    void (*begin)(void *ctx, struct control_request *request);
};

/* verbs and ctx outlive the control. STATUS_CONFIG: another daemon listens there. */
enum status control_new(struct control **control, struct loop *loop, const char *path,
                        const struct control_verb *verbs, void *ctx, struct error *err) WARN_UNUSED;
/* Peers are closed; unanswered requests are told by their leave function. NULL is allowed. */
void control_free(struct control *control);
unsigned control_peers(const struct control *control);

/* The request's arguments, checked. */
const char *control_text(const struct control_request *request, const char *name); /* NULL when absent */
int64_t control_number(const struct control_request *request, const char *name);   /* 0 when absent */
bool control_flag(const struct control_request *request, const char *name);
day_t control_date(const struct control_request *request, const char *name); /* DAY_NONE when absent */
/* The operator's account by its user id. */
const char *control_actor(const struct control_request *request);

/* Tells the work's owner that the peer has gone before the end; the request is not valid after that. */
void control_on_leave(struct control_request *request, void (*leave)(void *ctx), void *ctx);

/* A progress line; lost when the peer does not read. */
void control_progress(struct control_request *request, const char *stage);
/* The final line; the request is not valid afterwards. Takes the result; NULL = out of memory. */
void control_succeed(struct control_request *request, json_t *result);
/* The same with a JSON text of one line. NULL = out of memory. */
void control_succeed_text(struct control_request *request, const char *result);
void control_fail(struct control_request *request, int exit_code, const char *text);
void control_fail_error(struct control_request *request, const struct error *err); /* by its status */

#endif
