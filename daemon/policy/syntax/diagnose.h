/* SPDX-License-Identifier: PostgreSQL */
/*
 * Diagnostics in the file's language. messages.def holds every text in both languages with {1} {2} {3} for
 * its arguments; so a translation never meets a format string.
 *
 * Ownership: texts live in the caller's arena. At most POLICY_DIAGNOSTICS_MAX are kept, ordered by place at
 * the end.
 */
#ifndef SHOUWANG_POLICY_DIAGNOSE_H
#define SHOUWANG_POLICY_DIAGNOSE_H

#include "base/arena.h"
#include "policy/policy.h"
#include "policy/syntax/keywords.h"

enum message {
#define MESSAGE(id, chinese, english) MESSAGE_##id,
#include "policy/syntax/messages.def"
#undef MESSAGE
    MESSAGE_COUNT
};

struct place {
    int line, column;
};

struct diagnoser {
    enum language language;
    struct arena *arena;
    struct policy_diagnostics found;
    enum message first; /* of all, when there is one */
    size_t dropped;     /* beyond the maximum */
    bool failed;        /* memory has run out */
};

void diagnoser_init(struct diagnoser *diagnoser, struct arena *arena);
/* Arguments may be NULL where the message has none. */
void diagnose(struct diagnoser *diagnoser, struct place at, enum message message, const char *a,
              const char *b, const char *c);
/* A slice as an argument, cut at 60 characters. */
const char *diagnose_slice(struct diagnoser *diagnoser, struct slice slice);
/* The same within quotation marks: what stands at a place. */
const char *diagnose_quoted(struct diagnoser *diagnoser, struct slice slice);
const char *diagnose_number(struct diagnoser *diagnoser, int64_t number);
/* The text just made; "", and the diagnoser has failed, when memory has run out over it. */
const char *diagnose_keep(struct diagnoser *diagnoser, const char *made);
/* Orders by place; the last one says how many more there were. */
void diagnoser_finish(struct diagnoser *diagnoser);
bool diagnoser_clean(const struct diagnoser *diagnoser);

/* The message with its arguments filled in. */
void message_fill(struct text *out, enum language language, enum message message,
                  const char *const arguments[3]);

#endif
