/* SPDX-License-Identifier: PostgreSQL */
/* Verbs about a policy file; they need neither configuration nor database. */
#include "ctl.h"

#include "io/file.h"
#include "policy_file.h"

#include <stdio.h>
#include <sysexits.h>

void policy_close(struct open_policy *open)
{
    policy_free(open->policy);
    text_fini(&open->text);
    arena_free(open->arena);
}

int policy_open(struct ctl *ctl, const char *path, struct open_policy *open)
{
    open->path = path;
    text_init(&open->text);
    open->arena = arena_new(0);
    int exit_code = open->arena ? ctl_dictionary(ctl) : ctl_fail(EX_OSERR, "out of memory");
    if (exit_code != 0)
        return exit_code;
    if (file_read(path, POLICY_TEXT_MAX_BYTES, &open->text, &open->err) != STATUS_OK)
        return ctl_fail(EX_NOINPUT, "%s", open->err.text);
    open->status =
        policy_compile(path, open->text.bytes ? open->text.bytes : "", open->text.length, ctl->dictionary,
                       open->arena, &open->diagnostics, &open->policy, &open->err);
    if (open->status != STATUS_OK && open->status != STATUS_CONFIG)
        return ctl_fail_error(&open->err);
    return 0;
}

json_t *policy_diagnostics_json(const struct policy_diagnostics *diagnostics)
{
    json_t *list = json_array();
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct policy_diagnostic *item = &diagnostics->items[i];
        json_array_append_new(list, json_pack("{s:i, s:i, s:s}", "line", item->line, "column", item->column,
                                              "text", item->text));
    }
    return list;
}

void policy_print_diagnostics(const char *path, const struct policy_diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->count; i++)
        fprintf(stderr, "%s:%d:%d: %s\n", path, diagnostics->items[i].line, diagnostics->items[i].column,
                diagnostics->items[i].text);
}

int policy_refuse(const struct ctl *ctl, const struct open_policy *open)
{
    policy_print_diagnostics(open->path, &open->diagnostics);
    if (ctl->json)
        ctl_print_json(
            json_pack("{s:b, s:o}", "ok", 0, "mistakes", policy_diagnostics_json(&open->diagnostics)));
    return EXIT_NO;
}

static int print_check(const struct ctl *ctl, const char *path, const struct policy *policy)
{
    struct policy_cost cost = policy_cost(policy);
    const struct policy_diagnostics *warnings = policy_warnings(policy);
    size_t code_count = 0;
    policy_codes(policy, &code_count);
    policy_print_diagnostics(path, warnings);
    if (ctl->json)
        return ctl_print_json(json_pack(
            "{s:b, s:s, s:s, s:I, s:I, s:{s:I, s:I, s:I, s:I}, s:o}", "ok", 1, "policy", policy_name(policy),
            "version", policy_version(policy), "clauses", (json_int_t)policy_clause_count(policy), "codes",
            (json_int_t)code_count, "cost", "household_steps", (json_int_t)cost.household_steps,
            "person_steps", (json_int_t)cost.person_steps, "fact_steps", (json_int_t)cost.fact_steps,
            "columns", (json_int_t)cost.columns, "warnings", policy_diagnostics_json(warnings)));
    printf("%s %s: 正确。%zu 条规则,读取 %zu 种事实。\n"
           "代价上限:每户 %zu 步,每人 %zu 步,每条事实 %zu 步,%zu 列\n",
           policy_name(policy), policy_version(policy), policy_clause_count(policy), code_count,
           cost.household_steps, cost.person_steps, cost.fact_steps, cost.columns);
    return 0;
}

int verb_policy_check(struct ctl *ctl)
{
    struct open_policy open = {0};
    int exit_code = policy_open(ctl, ctl->words[0], &open);
    if (exit_code == 0)
        exit_code = open.policy ? print_check(ctl, open.path, open.policy) : policy_refuse(ctl, &open);
    policy_close(&open);
    return exit_code;
}

static int print_page(const struct ctl *ctl, const struct policy *policy)
{
    struct error err;
    struct text page;
    text_init(&page);
    enum status status =
        ctl_given(ctl, "--html") ? policy_show_html(policy, &page, &err) : policy_show(policy, &page, &err);
    int exit_code = 0;
    if (status != STATUS_OK)
        exit_code = ctl_fail_error(&err);
    else if (ctl->json)
        exit_code = ctl_print_json(json_pack("{s:s, s:s, s:s}", "policy", policy_name(policy), "version",
                                             policy_version(policy), "page", page.bytes));
    else
        fwrite(page.bytes, 1, page.length, stdout);
    text_fini(&page);
    return exit_code;
}

int verb_policy_show(struct ctl *ctl)
{
    struct open_policy open = {0};
    int exit_code = policy_open(ctl, ctl->words[0], &open);
    if (exit_code == 0)
        exit_code = open.policy ? print_page(ctl, open.policy) : policy_refuse(ctl, &open);
    policy_close(&open);
    return exit_code;
}
