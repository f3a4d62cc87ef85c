/* SPDX-License-Identifier: PostgreSQL */
/* A policy file that a verb was given: read, compiled, and its mistakes told. Shared by the verbs about policies. */
#ifndef SHOUWANG_CTL_POLICY_FILE_H
#define SHOUWANG_CTL_POLICY_FILE_H

#include "ctl.h"

#include "base/arena.h"
#include "policy/policy.h"

struct open_policy {
    const char *path;
    struct arena *arena;
    struct text text;
    struct policy *policy; /* NULL: it has mistakes */
    struct policy_diagnostics diagnostics;
    enum status status;
    struct error err;
};

/* 0 when the file was read and compiled, or has mistakes (open->policy is NULL then); else an exit code after a message. */
int policy_open(struct ctl *ctl, const char *path, struct open_policy *open);
void policy_close(struct open_policy *open);
/* Tells the mistakes of a policy that did not compile; EXIT_NO. */
int policy_refuse(const struct ctl *ctl, const struct open_policy *open);

/* [{"line": …, "column": …, "text": …}] */
json_t *policy_diagnostics_json(const struct policy_diagnostics *diagnostics);
/* To stderr, one a line, as "file:line:column: text". */
void policy_print_diagnostics(const char *path, const struct policy_diagnostics *diagnostics);

#endif
