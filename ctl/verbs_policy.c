/* SPDX-License-Identifier: PostgreSQL */
/* Verbs about a policy file; they need no database, and only one looks for a configuration. */
#include "ctl.h"

#include "app/supply.h"
#include "io/file.h"
#include "policy_file.h"
#include "source/feed_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

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

/* --- check --------------------------------------------------------------------------------------------------------- */

/* The configuration that was named, or the default one when it can be read: the policy is checked by the county's dictionary
 * then, and beside its feeds. */
static int read_configuration(struct ctl *ctl, struct options_file *file)
{
    struct error err;
    struct mistakes mistakes;
    if (!ctl->conf_given && access(ctl->conf_path, R_OK) != 0)
        return 0;
    mistakes_init(&mistakes);
    enum status status =
        options_file_read(file, ctl->conf_path, OPTIONS_WITHOUT_CREDENTIALS, &mistakes, &err);
    if (status == STATUS_OK)
        status = mistakes_verdict(&mistakes, &err);
    mistakes_fini(&mistakes);
    if (status == STATUS_OK)
        ctl->options = &file->values;
    else if (ctl->conf_given)
        return ctl_fail_error(&err);
    else
        ctl_fail(0, "not compared with %s: %s", ctl->conf_path, err.text);
    return 0;
}

/* A feed whose configuration has a mistake is told, and left out. */
static enum status compare_with_feeds(const struct ctl *ctl, const struct open_policy *open,
                                      struct supply_findings *findings, struct error *err)
{
    const char **paths = NULL;
    size_t count = 0, good = 0;
    enum status status = supply_list_feeds(ctl->options, open->arena, &paths, &count, err);
    struct feed_config **feeds = status == STATUS_OK ? calloc(count + 1, sizeof *feeds) : NULL;
    if (status == STATUS_OK && feeds == NULL)
        status = error_set(err, STATUS_FATAL, "out of memory");
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (feed_config_load(paths[i], ctl->dictionary, &feeds[good], err) == STATUS_OK)
            good++;
        else
            ctl_fail(0, "%s", err->text);
    }
    if (status == STATUS_OK)
        status = supply_check(open->policy, ctl->options, feeds, good, open->arena, findings, err);
    for (size_t i = 0; i < good; i++)
        feed_config_free(feeds[i]);
    free(feeds);
    return status;
}

static void print_findings(const char *path, const char *kind, const struct policy_diagnostics *found)
{
    for (size_t i = 0; i < found->count; i++)
        fprintf(stderr, "%s:%d:%d: %s:%s\n", path, found->items[i].line, found->items[i].column, kind,
                found->items[i].text);
}

static int print_check(const struct ctl *ctl, const struct open_policy *open)
{
    const struct policy *policy = open->policy;
    struct policy_cost cost = policy_cost(policy);
    struct supply_findings findings = {.warnings = *policy_warnings(policy)};
    struct error err;
    size_t code_count = 0;
    policy_codes(policy, &code_count);
    if (ctl->options != NULL && compare_with_feeds(ctl, open, &findings, &err) != STATUS_OK)
        return ctl_fail_error(&err);
    print_findings(open->path, "警告", &findings.warnings);
    print_findings(open->path, "提示", &findings.notices);
    if (ctl->json)
        return ctl_print_json(
            json_pack("{s:b, s:s, s:s, s:I, s:I, s:{s:I, s:I, s:I, s:I, s:I}, s:o, s:o, s:s?}", "ok", 1,
                      "policy", policy_name(policy), "version", policy_version(policy), "clauses",
                      (json_int_t)policy_clause_count(policy), "codes", (json_int_t)code_count, "cost",
                      "household_steps", (json_int_t)cost.household_steps, "person_steps",
                      (json_int_t)cost.person_steps, "fact_steps", (json_int_t)cost.fact_steps, "columns",
                      (json_int_t)cost.columns, "worst_household", (json_int_t)cost.worst_household,
                      "warnings", policy_diagnostics_json(&findings.warnings), "notices",
                      policy_diagnostics_json(&findings.notices), "configuration",
                      ctl->options == NULL ? NULL : ctl->conf_path));
    printf("%s %s: 正确。%zu 条规则,读取 %zu 种事实。\n"
           "代价上限:每户 %zu 步,每人 %zu 步,每条事实 %zu 步,%zu 列;最大的一户(%d 人、%d 条事实)%zu 步\n",
           policy_name(policy), policy_version(policy), policy_clause_count(policy), code_count,
           cost.household_steps, cost.person_steps, cost.fact_steps, cost.columns,
           POLICY_PERSONS_PER_HOUSEHOLD_MAX, POLICY_FACTS_PER_HOUSEHOLD_MAX, cost.worst_household);
    if (ctl->options != NULL)
        printf("来源与 %s 比对过。\n", ctl->conf_path);
    return 0;
}

int verb_policy_check(struct ctl *ctl)
{
    struct open_policy open = {0};
    struct options_file file = {0};
    int exit_code = read_configuration(ctl, &file);
    if (exit_code == 0)
        exit_code = policy_open(ctl, ctl->words[0], &open);
    if (exit_code == 0)
        exit_code = open.policy ? print_check(ctl, &open) : policy_refuse(ctl, &open);
    policy_close(&open);
    ctl->options = NULL;
    options_file_free(&file);
    return exit_code;
}

/* --- show ---------------------------------------------------------------------------------------------------------- */

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
