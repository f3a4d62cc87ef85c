/* SPDX-License-Identifier: PostgreSQL */
/* policy diff: what two policies say differently. */
#include "policy_file.h"

#include <stdio.h>
#include <sysexits.h>

static int print_changes(const struct ctl *ctl, const struct policy_differences *changes)
{
    static const char *const kinds[] = {
        [DIFFERENCE_ADDED] = "added", [DIFFERENCE_REMOVED] = "removed", [DIFFERENCE_CHANGED] = "changed"};
    json_t *list = ctl->json ? json_array() : NULL;
    for (size_t i = 0; i < changes->count; i++) {
        const struct policy_difference *c = &changes->items[i];
        if (list == NULL)
            printf("%s\n", c->text);
        else
            json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "change",
                                                  kinds[c->kind], "statement", c->statement, "name", c->name,
                                                  "aspect", c->aspect, "before", c->before, "after", c->after,
                                                  "clauses", c->clauses, "text", c->text));
    }
    int exit_code =
        ctl->json ? ctl_print_json(json_pack("{s:b, s:o}", "same", changes->count == 0, "changes", list)) : 0;
    return exit_code != 0 ? exit_code : changes->count == 0 ? 0 : EXIT_NO;
}

static int diff(struct ctl *ctl, struct open_policy *before, struct open_policy *after)
{
    struct policy_differences changes;
    if (before->policy == NULL || after->policy == NULL) {
        policy_refuse(ctl, before->policy == NULL ? before : after);
        return EX_DATAERR; /* 1 says that they differ */
    }
    if (policy_diff(before->policy, after->policy, before->arena, &changes, &before->err) != STATUS_OK)
        return ctl_fail_error(&before->err);
    return print_changes(ctl, &changes);
}

int verb_policy_diff(struct ctl *ctl)
{
    struct open_policy before = {0}, after = {0};
    int exit_code = policy_open(ctl, ctl->words[0], &before);
    if (exit_code == 0)
        exit_code = policy_open(ctl, ctl->words[1], &after);
    if (exit_code == 0)
        exit_code = diff(ctl, &before, &after);
    policy_close(&after);
    policy_close(&before);
    return exit_code;
}
