/* SPDX-License-Identifier: PostgreSQL */
#include "policy/syntax/diagnose.h"

#include <stdlib.h>
#include <string.h>

static const char *const messages[MESSAGE_COUNT][2] = {
#define MESSAGE(id, chinese, english) {chinese, english},
#include "policy/syntax/messages.def"
#undef MESSAGE
};

void diagnoser_init(struct diagnoser *diagnoser, struct arena *arena)
{
    *diagnoser = (struct diagnoser){.language = LANGUAGE_CHINESE, .arena = arena};
    diagnoser->found.items = arena_array(arena, POLICY_DIAGNOSTICS_MAX, sizeof *diagnoser->found.items);
    diagnoser->failed = diagnoser->found.items == NULL;
}

void message_fill(struct text *out, enum language language, enum message message,
                  const char *const arguments[3])
{
    for (const char *c = messages[message][language]; *c != '\0'; c++) {
        if (c[0] == '{' && (unsigned char)(c[1] - '1') < 3) {
            text_add_str(out, arguments[c[1] - '1']);
            c += 2; /* messages.def closes it */
        } else {
            text_add_char(out, *c);
        }
    }
}

void diagnose(struct diagnoser *diagnoser, struct place at, enum message message, const char *a,
              const char *b, const char *c)
{
    if (diagnoser->failed)
        return;
    if (diagnoser->found.count == 0)
        diagnoser->first = message;
    if (diagnoser->found.count == POLICY_DIAGNOSTICS_MAX) {
        diagnoser->dropped++;
        return;
    }
    struct text text;
    text_init(&text);
    message_fill(&text, diagnoser->language, message, (const char *const[3]){a, b, c});
    const char *kept = diagnose_keep(diagnoser, text_keep(&text, diagnoser->arena));
    text_fini(&text);
    diagnoser->found.items[diagnoser->found.count++] = (struct policy_diagnostic){at.line, at.column, kept};
}

const char *diagnose_keep(struct diagnoser *diagnoser, const char *made)
{
    diagnoser->failed = diagnoser->failed || made == NULL;
    return made == NULL ? "" : made;
}

const char *diagnose_slice(struct diagnoser *diagnoser, struct slice slice)
{
    enum { SHOWN_BYTES_MAX = 180 };
    size_t length = utf8_cut(slice.bytes, slice.length, SHOWN_BYTES_MAX);
    return diagnose_keep(diagnoser, arena_copy(diagnoser->arena, slice.bytes, length));
}

const char *diagnose_quoted(struct diagnoser *diagnoser, struct slice slice)
{
    const char *text = diagnose_slice(diagnoser, slice);
    return diagnose_keep(
        diagnoser,
        arena_printf(diagnoser->arena, diagnoser->language == LANGUAGE_CHINESE ? "“%s”" : "\"%s\"", text));
}

const char *diagnose_number(struct diagnoser *diagnoser, int64_t number)
{
    return diagnose_keep(diagnoser, arena_printf(diagnoser->arena, "%lld", (long long)number));
}

static int by_place(const void *left, const void *right)
{
    const struct policy_diagnostic *a = left, *b = right;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    return strcmp(a->text, b->text);
}

void diagnoser_finish(struct diagnoser *diagnoser)
{
    if (diagnoser->failed || diagnoser->found.count == 0)
        return;
    qsort(diagnoser->found.items, diagnoser->found.count, sizeof *diagnoser->found.items, by_place);
    if (diagnoser->dropped == 0)
        return;
    struct policy_diagnostic *last = &diagnoser->found.items[diagnoser->found.count - 1];
    struct place at = {last->line, last->column};
    diagnoser->found.count--;
    diagnose(diagnoser, at, MESSAGE_MORE, diagnose_number(diagnoser, (int64_t)diagnoser->dropped + 1), NULL,
             NULL);
}

bool diagnoser_clean(const struct diagnoser *diagnoser)
{
    return !diagnoser->failed && diagnoser->found.count == 0;
}
