/* SPDX-License-Identifier: PostgreSQL */
#include "app/settings.h"

#include "io/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DICTIONARY_MAX_BYTES = 1 << 20, EXTRA_FILES_MAX = SOURCE_NUMBER_MAX + TOWNSHIPS_MAX + 8 };

struct loading {
    struct settings *settings;
    struct mistakes *mistakes;
};

/* --- files ---------------------------------------------------------------------------------------------------- */

/* Notes a file and its hash. Without memory, or beyond the bound, it is only left out of the difference. */
static void note_source(struct settings *settings, const char *path, struct slice content)
{
    uint8_t digest[CRYPTO_SHA256_BYTES];
    if (settings->source_count == EXTRA_FILES_MAX ||
        crypto_sha256(content.bytes, content.length, digest, 0) != STATUS_OK)
        return;
    struct settings_source *source = &settings->sources[settings->source_count];
    source->path = arena_strdup(settings->arena, path);
    if (!source->path)
        return;
    crypto_hex(digest, sizeof digest, source->sha256);
    settings->source_count++;
}

/* A file that cannot be read is a mistake in the line that names it. False when there is nothing to go on with. */
static bool read_named_file(struct loading *loading, const char *section, const char *key, const char *path,
                            size_t max, struct text *text)
{
    struct error err;
    if (!path)
        return false;
    const enum status status = file_read(path, max, text, &err);
    if (status != STATUS_OK) {
        mistakes_weigh(loading->mistakes, status);
        const struct option_set *set = &loading->settings->file.set;
        mistakes_add(loading->mistakes, set->file, option_line(set, section, key), "[%s] %s: %s", section,
                     key, err.text);
        return false;
    }
    note_source(loading->settings, path, (struct slice){text->bytes, text->length});
    return true;
}

/* --- the dictionary and the policy ---------------------------------------------------------------------------- */

static enum status load_dictionary(struct loading *loading, struct error *err)
{
    struct settings *settings = loading->settings;
    const char *path = settings->options->facts_dictionary;
    settings->dictionary = dictionary_new();
    if (!settings->dictionary)
        return error_set(err, STATUS_FATAL, "no memory for the dictionary of facts");
    enum status status = dictionary_add_base(settings->dictionary, err);
    if (status != STATUS_OK)
        return error_wrap(err, "the base dictionary");
    struct text text;
    text_init(&text);
    if (read_named_file(loading, "facts", "dictionary", path, DICTIONARY_MAX_BYTES, &text)) {
        struct error mistake;
        if (dictionary_add(settings->dictionary, path, text.bytes, text.length, &mistake) != STATUS_OK) {
            mistakes_weigh(loading->mistakes, mistake.status);
            mistakes_add_text(loading->mistakes, mistake.text);
        }
    }
    text_fini(&text);
    return STATUS_OK;
}

/* file:line:column: text */
static void add_diagnostic(struct mistakes *mistakes, const char *path, const struct policy_diagnostic *found)
{
    char place[ERROR_TEXT_MAX];
    snprintf(place, sizeof place, "%s:%d", path, found->line);
    mistakes_add(mistakes, place, found->column, "%s", found->text);
}

static void compile_policy(struct loading *loading, const char *path, const struct text *text)
{
    struct settings *settings = loading->settings;
    struct policy_diagnostics diagnostics = {0};
    struct error err = {0};
    if (policy_compile(path, text->bytes, text->length, settings->dictionary, settings->arena, &diagnostics,
                       &settings->policy, &err) == STATUS_OK) {
        uint8_t digest[CRYPTO_SHA256_BYTES];
        size_t length;
        const char *bytes = policy_text(settings->policy, &length);
        if (crypto_sha256(bytes, length, digest, &err) == STATUS_OK) {
            crypto_hex(digest, sizeof digest, settings->policy_hash);
            return;
        }
    }
    for (size_t i = 0; i < diagnostics.count; i++)
        add_diagnostic(loading->mistakes, path, &diagnostics.items[i]);
    mistakes_weigh(loading->mistakes, err.status);
    if (diagnostics.count == 0)
        mistakes_add(loading->mistakes, path, 0, "%s", err.text);
}

static void load_policy(struct loading *loading)
{
    struct text text;
    text_init(&text);
    const char *path = loading->settings->options->policy_file;
    if (read_named_file(loading, "policy", "file", path, POLICY_TEXT_MAX_BYTES, &text))
        compile_policy(loading, path, &text);
    text_fini(&text);
}

/* --- feeds ---------------------------------------------------------------------------------------------------- */

static void load_feed(struct loading *loading, const char *path)
{
    struct settings *settings = loading->settings;
    struct feed_config *feed = 0;
    struct error err;
    struct text text;
    text_init(&text);
    if (file_read(path, FEED_CONFIG_BYTES_MAX, &text, &err) != STATUS_OK ||
        feed_config_load(path, settings->dictionary, &feed, &err) != STATUS_OK) {
        mistakes_weigh(loading->mistakes, err.status);
        mistakes_add_text(loading->mistakes, err.text);
        text_fini(&text);
        return;
    }
    note_source(settings, path, (struct slice){text.bytes, text.length});
    text_fini(&text);
    for (size_t i = 0; i < settings->feed_count; i++)
        if (settings->feeds[i]->source == feed->source)
            mistakes_add(loading->mistakes, path, 0, "number %d is %s's already", feed->source,
                         settings->feeds[i]->name);
    settings->feeds[settings->feed_count++] = feed;
    if (feed->source >= SOURCE_COUNTY_FIRST)
        settings->county_sources[settings->county_source_count++] =
            (struct source_name){.number = feed->source, .name = feed->name, .title = feed->title};
}

static enum status load_feeds(struct loading *loading, struct error *err)
{
    struct settings *settings = loading->settings;
    const char **paths = NULL;
    size_t count;
    enum status status = supply_list_feeds(settings->options, settings->arena, &paths, &count, err);
    if (status != STATUS_OK || count == 0)
        return status;
    settings->feeds = arena_array(settings->arena, count, sizeof *settings->feeds);
    settings->county_sources = arena_array(settings->arena, count, sizeof *settings->county_sources);
    if (!settings->feeds || !settings->county_sources)
        return error_set(err, STATUS_FATAL, "no memory for the feeds' configuration");
    for (size_t i = 0; i < count; i++)
        load_feed(loading, paths[i]);
    return STATUS_OK;
}

/* --- all of it ------------------------------------------------------------------------------------------------ */

static enum status note_townships(struct settings *settings, struct error *err)
{
    const struct townships *townships = &settings->townships;
    settings->named_townships =
        arena_array(settings->arena, townships->count, sizeof *settings->named_townships);
    if (!settings->named_townships)
        return error_set(err, STATUS_FATAL, "no memory for the townships");
    for (size_t i = 0; i < townships->count; i++)
        if (townships->endpoints[i].disclosure == ENDPOINT_NAMED)
            settings->named_townships[settings->named_count++] = townships->endpoints[i].code;
    return STATUS_OK;
}

/* Each part goes on after the mistakes of the one before, as far as it can. */
static enum status load_parts(struct loading *loading, struct error *err)
{
    struct settings *settings = loading->settings;
    enum status status = load_dictionary(loading, err);
    if (status == STATUS_OK)
        status = load_feeds(loading, err);
    if (status == STATUS_OK)
        load_policy(loading);
    if (status == STATUS_OK && settings->policy)
        status = supply_check(settings->policy, settings->options, settings->feeds, settings->feed_count,
                              settings->arena, &settings->findings, err);
    if (status == STATUS_OK)
        status = townships_read(&settings->townships, settings->options, loading->mistakes, err);
    return status == STATUS_OK ? note_townships(settings, err) : status;
}

static enum status settings_new(struct settings **settings, struct error *err)
{
    *settings = calloc(1, sizeof **settings);
    if (!*settings)
        return error_set(err, STATUS_FATAL, "no memory for settings");
    (*settings)->holders = 1;
    (*settings)->options = &(*settings)->file.values;
    (*settings)->arena = arena_new(0);
    (*settings)->sources =
        (*settings)->arena ? arena_array((*settings)->arena, EXTRA_FILES_MAX, sizeof *(*settings)->sources)
                           : 0;
    return (*settings)->sources ? STATUS_OK : error_set(err, STATUS_FATAL, "no memory for settings");
}

static enum status keep_fixed(const struct settings *before, struct settings *after, struct error *err)
{
    const struct option_set *old = &before->file.set, *new = &after->file.set;
    for (size_t i = 0; i < options_table.count; i++)
        if ((options_table.options[i].flags & OPTION_FIXED) && option_changed(old, new, i))
            after->unused[i] = option_shown(new, i);
    return option_keep_fixed(old, &after->file.set) ? STATUS_OK
                                                    : error_set(err, STATUS_FATAL, "no memory for settings");
}

static enum status load(const char *path, const struct settings *before, struct settings **settings,
                        struct mistakes *mistakes, struct error *err)
{
    enum status status = settings_new(settings, err);
    if (status == STATUS_OK)
        status = options_file_read(&(*settings)->file, path, OPTIONS_WHOLE, mistakes, err);
    if (status == STATUS_CONFIG || status == STATUS_REJECT)
        mistakes_add_text(mistakes, err->text);
    if (status == STATUS_OK && before)
        status = keep_fixed(before, *settings, err);
    struct loading loading = {.settings = *settings, .mistakes = mistakes};
    if (status == STATUS_OK)
        status = load_parts(&loading, err);
    if (status == STATUS_OK)
        status = mistakes_verdict(mistakes, err);
    if (status != STATUS_OK) {
        settings_release(*settings);
        *settings = 0;
    }
    return status;
}

enum status settings_load(const char *path, struct settings **settings, struct mistakes *mistakes,
                          struct error *err)
{
    return load(path, 0, settings, mistakes, err);
}

enum status settings_load_again(const struct settings *before, struct settings **settings,
                                struct mistakes *mistakes, struct error *err)
{
    return load(before->file.set.file, before, settings, mistakes, err);
}

void settings_hold(struct settings *settings)
{
    settings->holders++;
}

void settings_release(struct settings *settings)
{
    if (!settings || --settings->holders > 0)
        return;
    policy_free(settings->policy);
    for (size_t i = 0; i < settings->feed_count; i++)
        feed_config_free(settings->feeds[i]);
    dictionary_free(settings->dictionary);
    townships_free(&settings->townships);
    options_file_free(&settings->file);
    arena_free(settings->arena);
    free(settings);
}
