/* SPDX-License-Identifier: PostgreSQL */
/* Verbs about a policy file; they need neither configuration nor database. */
#include "ctl.h"

#include "base/arena.h"
#include "io/file.h"
#include "policy/policy.h"

#include <stdio.h>
#include <sysexits.h>

struct open_policy {
    struct arena *arena;
    struct text text;
    struct policy *policy;
    struct policy_diagnostics diagnostics;
    enum status status;
    struct error err;
};

static void policy_close(struct open_policy *open)
{
    policy_free(open->policy);
    text_fini(&open->text);
    arena_free(open->arena);
}

/* 0 when the file was read and compiled, or has mistakes (open->policy is NULL then); else an exit code after a message. */
static int policy_open(struct ctl *ctl, struct open_policy *open)
{
    const char *path = ctl->words[0];
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

static json_t *diagnostics_json(const struct policy_diagnostics *diagnostics)
{
    json_t *list = json_array();
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct policy_diagnostic *item = &diagnostics->items[i];
        json_array_append_new(list, json_pack("{s:i, s:i, s:s}", "line", item->line, "column", item->column,
                                              "text", item->text));
    }
    return list;
}

static void print_diagnostics(FILE *out, const char *path, const struct policy_diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->count; i++)
        fprintf(out, "%s:%d:%d: %s\n", path, diagnostics->items[i].line, diagnostics->items[i].column,
                diagnostics->items[i].text);
}

static int refuse(struct ctl *ctl, const struct open_policy *open)
{
    print_diagnostics(stderr, ctl->words[0], &open->diagnostics);
    if (ctl->json)
        ctl_print_json(json_pack("{s:b, s:o}", "ok", 0, "mistakes", diagnostics_json(&open->diagnostics)));
    return EXIT_NO;
}

static int print_check(const struct ctl *ctl, const struct policy *policy)
{
    struct policy_cost cost = policy_cost(policy);
    size_t code_count = 0;
    policy_codes(policy, &code_count);
    if (ctl->json)
        return ctl_print_json(json_pack(
            "{s:b, s:s, s:s, s:I, s:I, s:{s:I, s:I, s:I, s:I}}", "ok", 1, "policy", policy_name(policy),
            "version", policy_version(policy), "clauses", (json_int_t)policy_clause_count(policy), "codes",
            (json_int_t)code_count, "cost", "household_steps", (json_int_t)cost.household_steps,
            "person_steps", (json_int_t)cost.person_steps, "fact_steps", (json_int_t)cost.fact_steps,
            "columns", (json_int_t)cost.columns));
    printf("%s %s: 正确。%zu 条规则,读取 %zu 种事实。\n"
           "代价上限:每户 %zu 步,每人 %zu 步,每条事实 %zu 步,%zu 列\n",
           policy_name(policy), policy_version(policy), policy_clause_count(policy), code_count,
           cost.household_steps, cost.person_steps, cost.fact_steps, cost.columns);
    return 0;
}

int verb_policy_check(struct ctl *ctl)
{
    struct open_policy open = {0};
    int exit_code = policy_open(ctl, &open);
    if (exit_code == 0)
        exit_code = open.policy ? print_check(ctl, open.policy) : refuse(ctl, &open);
    policy_close(&open);
    return exit_code;
}

static int print_test(const struct ctl *ctl, const struct policy_test_result *result)
{
    bool passed = result->failed == 0 && result->missing.count == 0;
    print_diagnostics(stderr, ctl->words[0], &result->failures);
    print_diagnostics(stderr, ctl->words[0], &result->missing);
    if (ctl->json) {
        int exit_code = ctl_print_json(
            json_pack("{s:b, s:I, s:I, s:o, s:o}", "ok", passed, "examples", (json_int_t)result->examples,
                      "failed", (json_int_t)result->failed, "failures", diagnostics_json(&result->failures),
                      "missing", diagnostics_json(&result->missing)));
        return exit_code ? exit_code : passed ? 0 : EXIT_NO;
    }
    printf("%zu 个示例,%zu 个不符,%zu 处缺少示例\n", result->examples, result->failed, result->missing.count);
    return passed ? 0 : EXIT_NO;
}

int verb_policy_test(struct ctl *ctl)
{
    struct open_policy open = {0};
    int exit_code = policy_open(ctl, &open);
    if (exit_code == 0 && open.policy == NULL) {
        exit_code = refuse(ctl, &open);
    } else if (exit_code == 0) {
        struct policy_test_result result = {0};
        enum status status = policy_test(open.policy, open.arena, &result, &open.err);
        exit_code = status == STATUS_OK ? print_test(ctl, &result) : ctl_fail_error(&open.err);
    }
    policy_close(&open);
    return exit_code;
}

static int print_page(const struct ctl *ctl, const struct policy *policy)
{
    struct error err;
    struct text page;
    text_init(&page);
    enum status status = policy_show(policy, &page, &err);
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
    int exit_code = policy_open(ctl, &open);
    if (exit_code == 0)
        exit_code = open.policy ? print_page(ctl, open.policy) : refuse(ctl, &open);
    policy_close(&open);
    return exit_code;
}
