/* SPDX-License-Identifier: PostgreSQL */
#include "app/supply.h"

#include "io/file.h"

#include <string.h>

enum { CODE_WORDS = FACT_CODE_NUMBER_MAX / 64 + 1 };

static enum status out_of_memory(struct error *err)
{
    return error_set(err, STATUS_FATAL, "no memory for what the feeds bring");
}

enum status supply_list_feeds(const struct options *options, struct arena *arena, const char ***paths,
                              size_t *count, struct error *err)
{
    struct file_info info;
    struct file_list list;
    const char *folder = options->feeds_config;
    *count = 0;
    enum status status = file_stat(folder, &info, err);
    if (status != STATUS_OK || !info.exists)
        return status;
    status = file_list_open(&list, folder, 2 * SOURCE_NUMBER_MAX, err);
    if (status != STATUS_OK)
        return status;
    *paths = arena_array(arena, list.count + 1, sizeof **paths);
    for (size_t i = 0; i < list.count && status == STATUS_OK; i++) {
        size_t length = strlen(list.names[i]);
        if (length <= 5 || strcmp(list.names[i] + length - 5, ".conf") != 0)
            continue;
        const char *path = *paths == NULL ? NULL : arena_printf(arena, "%s/%s", folder, list.names[i]);
        if (path == NULL)
            status = out_of_memory(err);
        else
            (*paths)[(*count)++] = path;
    }
    file_list_close(&list);
    return status;
}

/* The codes that a feed of that configuration may bring; NULL: any. */
static enum status codes_of(const struct feed_config *feed, struct arena *arena, const uint64_t **codes,
                            struct error *err)
{
    *codes = feed->restricted ? feed->codes : NULL;
    if (!feed->mapped)
        return STATUS_OK;
    uint64_t *mapped = arena_array(arena, CODE_WORDS, sizeof *mapped);
    if (mapped == NULL)
        return out_of_memory(err);
    for (size_t i = 0; i < feed->fact_count; i++)
        mapped[feed->facts[i].code->number / 64] |= UINT64_C(1) << feed->facts[i].code->number % 64;
    *codes = mapped;
    return STATUS_OK;
}

static bool has_feed(const struct policy_feed *feeds, size_t count, int source)
{
    for (size_t i = 0; i < count; i++) {
        if (feeds[i].source == source)
            return true;
    }
    return false;
}

/* Known feeds whose partners write the exchange format into a folder of theirs. */
static enum status add_drop_folders(struct policy_supply *supply, struct policy_feed *feeds, size_t room,
                                    struct arena *arena, struct error *err)
{
    enum { FOLDERS_MAX = 4096 };
    struct file_info info;
    struct file_list list;
    if (file_stat(supply->drop, &info, err) != STATUS_OK || !info.exists)
        return STATUS_OK;
    if (file_list_open(&list, supply->drop, FOLDERS_MAX, err) != STATUS_OK) {
        supply->whole = false;
        return STATUS_OK;
    }
    enum status status = STATUS_OK;
    for (size_t i = 0; i < list.count && status == STATUS_OK; i++) {
        const struct source_name *source = source_by_name(slice_of(list.names[i]));
        if (source == NULL || source->number == SOURCE_REGISTER || supply->count == room ||
            has_feed(feeds, supply->count, source->number))
            continue;
        const char *where = arena_printf(arena, "%s/%s", supply->drop, list.names[i]);
        if (where == NULL)
            status = out_of_memory(err);
        else if (file_stat(where, &info, err) == STATUS_OK && info.is_directory)
            feeds[supply->count++] =
                (struct policy_feed){.source = source->number, .name = source->name, .where = where};
    }
    file_list_close(&list);
    return status;
}

/* The policy's own warnings and those about feeds, in the order of their lines. */
static enum status join(const struct policy_diagnostics *own, struct policy_diagnostics *all,
                        struct arena *arena, struct error *err)
{
    const struct policy_diagnostics feeds = *all;
    all->items = arena_array(arena, own->count + feeds.count + 1, sizeof *all->items);
    if (all->items == NULL)
        return out_of_memory(err);
    size_t a = 0, b = 0;
    for (all->count = 0; a < own->count || b < feeds.count;) {
        bool first = b == feeds.count || (a < own->count && own->items[a].line <= feeds.items[b].line);
        all->items[all->count++] = first ? own->items[a++] : feeds.items[b++];
    }
    return STATUS_OK;
}

enum status supply_check(const struct policy *policy, const struct options *options,
                         struct feed_config *const *feeds, size_t feed_count, struct arena *arena,
                         struct supply_findings *findings, struct error *err)
{
    size_t room = feed_count + SOURCE_NUMBER_MAX;
    struct policy_feed *made = arena_array(arena, room, sizeof *made);
    struct policy_supply supply = {
        .feeds = made, .whole = true, .folder = options->feeds_config, .drop = options->feeds_directory};
    enum status status = made == NULL ? out_of_memory(err) : STATUS_OK;
    for (size_t i = 0; i < feed_count && status == STATUS_OK; i++) {
        struct policy_feed *feed = &made[supply.count++];
        *feed = (struct policy_feed){
            .source = feeds[i]->source,
            .name = feeds[i]->name,
            .where = arena_printf(arena, "%s/%s.conf", options->feeds_config, feeds[i]->name)};
        status = feed->where == NULL ? out_of_memory(err) : codes_of(feeds[i], arena, &feed->codes, err);
    }
    if (status == STATUS_OK)
        status = add_drop_folders(&supply, made, room, arena, err);
    if (status == STATUS_OK)
        status = policy_check_supply(policy, &supply, arena, &findings->warnings, &findings->notices, err);
    return status == STATUS_OK ? join(policy_warnings(policy), &findings->warnings, arena, err) : status;
}
