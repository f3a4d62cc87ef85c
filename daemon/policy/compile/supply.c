/* SPDX-License-Identifier: PostgreSQL */
#include "policy/compile/supply.h"

#include "policy/machine/program.h"
#include "policy/syntax/diagnose.h"

struct checking {
    const struct policy *policy;
    const struct policy_supply *supply;
    struct arena *arena;
    struct diagnoser warnings, notices;
};

static const struct policy_feed *feed_of(const struct policy_supply *supply, int source)
{
    for (size_t i = 0; i < supply->count; i++) {
        if (supply->feeds[i].source == source)
            return &supply->feeds[i];
    }
    return NULL;
}

static bool brings(const struct policy_feed *feed, int code)
{
    return feed->codes == NULL || (feed->codes[code / 64] >> (code % 64) & 1) != 0;
}

/* Of a source that the policy declares: the compiler has seen to that. */
static int source_number(const struct policy *policy, struct slice name)
{
    const struct policy_source *source = policy->sources;
    while (!slice_is(name, source->title))
        source++;
    return source->number;
}

static void check_sources(struct checking *c)
{
    for (const struct source_statement *s = c->policy->ast.sources; s != NULL; s = s->next) {
        int number = source_number(c->policy, s->name);
        if (number <= SOURCE_REGISTER || feed_of(c->supply, number) != NULL || !c->supply->whole)
            continue;
        const char *feed = diagnose_slice(&c->warnings, s->feed);
        const char *mend = diagnose_keep(
            &c->warnings, arena_printf(c->arena,
                                       c->policy->language == LANGUAGE_CHINESE ? "%s/%s/ 或 %s/%s.conf"
                                                                               : "%s/%s/ or %s/%s.conf",
                                       c->supply->drop, feed, c->supply->folder, feed));
        diagnose(&c->warnings, s->at, MESSAGE_SUPPLY_NO_FEED, diagnose_slice(&c->warnings, s->name), mend,
                 NULL);
    }
}

/* The sources that a fact names by 先 or 由. */
static void check_named(struct checking *c, const struct program_fact *fact, const struct item *named,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct policy_feed *feed = feed_of(c->supply, source_number(c->policy, named[i].text));
        if (feed == NULL || brings(feed, fact->code->number))
            continue;
        const char *what =
            diagnose_keep(&c->warnings, arena_printf(c->arena, "%s %s", fact->name, fact->code->name));
        diagnose(&c->warnings, named[i].at, MESSAGE_SUPPLY_NO_FACT, what,
                 diagnose_slice(&c->warnings, named[i].text), feed->where);
    }
}

static void check_facts(struct checking *c)
{
    const struct program *program = &c->policy->program;
    for (size_t i = 0; i < program->fact_count; i++) {
        const struct program_fact *fact = &program->facts[i];
        if (!fact->needed)
            continue;
        check_named(c, fact, fact->definition->first, fact->definition->first_count);
        check_named(c, fact, fact->definition->providers, fact->definition->provider_count);
    }
}

static void check_feeds(struct checking *c)
{
    const struct program *program = &c->policy->program;
    for (size_t i = 0; i < c->supply->count; i++) {
        const struct policy_feed *feed = &c->supply->feeds[i];
        bool read = false;
        for (size_t code = 0; code < program->code_count && !read; code++)
            read = brings(feed, program->codes[code]);
        if (!read)
            diagnose(&c->notices, (struct place){1, 1}, MESSAGE_SUPPLY_UNREAD, feed->name, feed->where, NULL);
    }
}

enum status policy_check_supply(const struct policy *policy, const struct policy_supply *supply,
                                struct arena *arena, struct policy_diagnostics *warnings,
                                struct policy_diagnostics *notices, struct error *err)
{
    struct checking c = {.policy = policy, .supply = supply, .arena = arena};
    diagnoser_init(&c.warnings, arena);
    diagnoser_init(&c.notices, arena);
    c.warnings.language = c.notices.language = policy->language;
    check_sources(&c);
    check_facts(&c);
    check_feeds(&c);
    diagnoser_finish(&c.warnings);
    diagnoser_finish(&c.notices);
    *warnings = c.warnings.found;
    *notices = c.notices.found;
    return c.warnings.failed || c.notices.failed
               ? error_set(err, STATUS_FATAL, "out of memory while comparing a policy with the feeds")
               : STATUS_OK;
}
