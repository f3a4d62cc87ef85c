/* SPDX-License-Identifier: PostgreSQL */
/* policy test: the examples of a policy, and whether they would notice if one small thing in it were different. */
#include "policy_file.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* --- progress ----------------------------------------------------------------------------------------------------- */

enum { QUIET_MS = 1000, TELL_EVERY_MS = 500 };

struct telling {
    int64_t next_ms; /* by the monotonic clock */
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What takes longer than a second says how far it is. */
static void tell(void *context, size_t done, size_t total)
{
    struct telling *telling = context;
    int64_t now = now_ms();
    if (now < telling->next_ms)
        return;
    telling->next_ms = now + TELL_EVERY_MS;
    fprintf(stderr, "变异 %zu/%zu\n", done, total);
}

/* --- results ------------------------------------------------------------------------------------------------------ */

static const char *const fates[MUTANT_FATE_COUNT] = {[MUTANT_SURVIVED] = "survived",
                                                     [MUTANT_KILLED] = "killed",
                                                     [MUTANT_REFUSED] = "refused",
                                                     [MUTANT_EQUIVALENT] = "equivalent"};

static json_t *mutant_json(const struct policy_mutant *mutant)
{
    return json_pack("{s:s, s:i, s:i, s:s, s:s, s:s, s:s, s:s}", "fate", fates[mutant->fate], "line",
                     mutant->line, "column", mutant->column, "owner", mutant->owner, "operation",
                     mutant->operation, "before", mutant->before, "after", mutant->after, "note",
                     mutant->note);
}

/* Survivors and equivalents; with --mutants all of them. */
static json_t *mutation_json(const struct ctl *ctl, const struct policy_mutation *mutation)
{
    json_t *list = json_array();
    for (size_t i = 0; i < mutation->mutant_count; i++) {
        const struct policy_mutant *mutant = &mutation->mutants[i];
        if (ctl_given(ctl, "--mutants") || mutant->fate == MUTANT_SURVIVED ||
            mutant->fate == MUTANT_EQUIVALENT)
            json_array_append_new(list, mutant_json(mutant));
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "made", (json_int_t)mutation->mutant_count,
                     "killed", (json_int_t)mutation->counts[MUTANT_KILLED], "refused",
                     (json_int_t)mutation->counts[MUTANT_REFUSED], "equivalent",
                     (json_int_t)mutation->counts[MUTANT_EQUIVALENT], "survived",
                     (json_int_t)mutation->counts[MUTANT_SURVIVED], "mutants", list, "mistakes",
                     policy_diagnostics_json(&mutation->mistakes));
}

static void print_survivors(const char *path, const struct policy_mutation *mutation)
{
    const struct policy_mutant *last = NULL;
    for (size_t i = 0; i < mutation->mutant_count; i++) {
        const struct policy_mutant *m = &mutation->mutants[i];
        if (m->fate != MUTANT_SURVIVED)
            continue;
        fprintf(stderr, "%s:%d:%d: %s %s:“%s”换成“%s”,没有例发觉。%s\n", path, m->line, m->column, m->owner,
                m->title, m->before, m->after, m->note);
        last = m;
    }
    if (last != NULL)
        fprintf(stderr, "若换了真的没有分别,就在政策里写明,如:%s %s \"%s\" \"%s\" %s \"…\"\n",
                mutation->equivalent_word, last->owner, last->before, last->after, mutation->reason_word);
}

static void print_mutants(const struct policy_mutation *mutation)
{
    static const char *const words[MUTANT_FATE_COUNT] = {[MUTANT_SURVIVED] = "存活",
                                                         [MUTANT_KILLED] = "被例发觉",
                                                         [MUTANT_REFUSED] = "通不过检查",
                                                         [MUTANT_EQUIVALENT] = "等效"};
    for (size_t i = 0; i < mutation->mutant_count; i++) {
        const struct policy_mutant *m = &mutation->mutants[i];
        printf("%d:%d\t%s\t%s\t%s\t“%s”换成“%s”\t%s\n", m->line, m->column, words[m->fate], m->owner,
               m->title, m->before, m->after, m->note);
    }
}

static int print_results(const struct ctl *ctl, const char *path, const struct policy_test_result *result,
                         const struct policy_mutation *mutation)
{
    bool passed =
        result->failed == 0 && result->missing.count == 0 &&
        (mutation == NULL || (mutation->counts[MUTANT_SURVIVED] == 0 && mutation->mistakes.count == 0));
    policy_print_diagnostics(path, &result->failures);
    policy_print_diagnostics(path, &result->missing);
    if (mutation != NULL) {
        print_survivors(path, mutation);
        policy_print_diagnostics(path, &mutation->mistakes);
    }
    if (ctl->json) {
        json_t *document = json_pack("{s:b, s:I, s:I, s:o, s:o}", "ok", passed, "examples",
                                     (json_int_t)result->examples, "failed", (json_int_t)result->failed,
                                     "failures", policy_diagnostics_json(&result->failures), "missing",
                                     policy_diagnostics_json(&result->missing));
        if (mutation != NULL && document != NULL)
            json_object_set_new(document, "mutation", mutation_json(ctl, mutation));
        int exit_code = ctl_print_json(document);
        return exit_code ? exit_code : passed ? 0 : EXIT_NO;
    }
    if (mutation != NULL && ctl_given(ctl, "--mutants"))
        print_mutants(mutation);
    printf("%zu 个示例,%zu 个不符,%zu 处缺少示例\n", result->examples, result->failed, result->missing.count);
    if (mutation != NULL)
        printf("%zu 个变异:%zu 个被例发觉,%zu 个通不过检查,%zu 个等效,%zu 个存活\n", mutation->mutant_count,
               mutation->counts[MUTANT_KILLED], mutation->counts[MUTANT_REFUSED],
               mutation->counts[MUTANT_EQUIVALENT], mutation->counts[MUTANT_SURVIVED]);
    return passed ? 0 : EXIT_NO;
}

/* --- the verb ----------------------------------------------------------------------------------------------------- */

/* Examples that fail say nothing about mutants, so those are made only when all pass. */
static int test(struct ctl *ctl, struct open_policy *open)
{
    struct policy_test_result result = {0};
    struct policy_mutation mutation;
    struct telling telling = {now_ms() + QUIET_MS};
    struct policy_progress progress = {tell, &telling};
    enum status status = policy_test(open->policy, open->arena, &result, &open->err);
    bool mutate = status == STATUS_OK && result.failed == 0 && !ctl_given(ctl, "--examples");
    if (mutate)
        status = policy_mutate(open->policy, open->arena, &progress, &mutation, &open->err);
    return status == STATUS_OK ? print_results(ctl, open->path, &result, mutate ? &mutation : NULL)
                               : ctl_fail_error(&open->err);
}

int verb_policy_test(struct ctl *ctl)
{
    struct open_policy open = {0};
    if (!ctl_apart(ctl, "--examples", "--mutants"))
        return EX_USAGE;
    int exit_code = policy_open(ctl, ctl->words[0], &open);
    if (exit_code == 0)
        exit_code = open.policy ? test(ctl, &open) : policy_refuse(ctl, &open);
    policy_close(&open);
    return exit_code;
}
