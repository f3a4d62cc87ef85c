/* SPDX-License-Identifier: PostgreSQL */
#include "app/settings_difference.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

enum { KEY_MAX = 160 };

static void key_of(const struct option_row *option, char out[KEY_MAX])
{
    snprintf(out, KEY_MAX, "%s.%s", option->section, option->key);
}

static void tell_unused(const struct settings *after)
{
    for (size_t i = 0; i < options_table.count; i++) {
        if (!after->unused[i])
            continue;
        char key[KEY_MAX];
        key_of(&options_table.options[i], key);
        log_event(LOG_CONFIG_RESTART_NEEDED, log_text("key", key),
                  log_text("in_use", option_shown(&after->file.set, i)),
                  log_text("written", after->unused[i]));
    }
}

static size_t difference_of_sets(const char *prefix, const struct option_set *before,
                                 const struct option_set *after)
{
    size_t changes = 0;
    for (size_t i = 0; i < before->table->count; i++) {
        if (!option_changed(before, after, i))
            continue;
        char name[KEY_MAX], key[2 * KEY_MAX];
        key_of(&before->table->options[i], name);
        snprintf(key, sizeof key, "%s%s", prefix, name);
        log_event(LOG_CONFIG_CHANGED, log_text("key", key), log_text("from", option_shown(before, i)),
                  log_text("to", option_shown(after, i)));
        changes++;
    }
    return changes;
}

/* --- townships ------------------------------------------------------------------------------------------------ */

static size_t tell_township(const char *change, int64_t code)
{
    log_event(LOG_CONFIG_TOWNSHIP, log_int("township", code), log_text("change", change));
    return 1;
}

static bool same_secrets(const struct endpoint_config *before, const struct endpoint_config *after)
{
    if (before->secret_count != after->secret_count)
        return false;
    for (size_t i = 0; i < before->secret_count; i++) {
        const struct endpoint_secret *a = &before->secrets[i], *b = &after->secrets[i];
        if (a->length != b->length || !crypto_equal(a->key, b->key, a->length))
            return false;
    }
    return true;
}

static bool same_signer(const struct crypto_signer *before, const struct crypto_signer *after)
{
    uint8_t a[CRYPTO_ED25519_PUBLIC_BYTES], b[CRYPTO_ED25519_PUBLIC_BYTES];
    if (!before || !after)
        return before == after;
    return crypto_signer_public(before, a, 0) == STATUS_OK &&
           crypto_signer_public(after, b, 0) == STATUS_OK && memcmp(a, b, sizeof a) == 0;
}

static size_t difference_of_township(const struct townships *before, size_t i, const struct townships *after,
                                     size_t j)
{
    const struct endpoint_config *old = &before->endpoints[i], *new = &after->endpoints[j];
    char prefix[32];
    snprintf(prefix, sizeof prefix, "townships.%lld.", (long long)old->code);
    size_t changes = difference_of_sets(prefix, &before->files[i].set, &after->files[j].set);
    if (!same_secrets(old, new))
        changes += tell_township("secret", old->code);
    if (!same_signer(old->signer, new->signer))
        changes += tell_township("ed25519_key", old->code);
    return changes;
}

/* Both lists ascend by code. */
static size_t difference_of_townships(const struct townships *before, const struct townships *after)
{
    size_t changes = 0, i = 0, j = 0;
    while (i < before->count || j < after->count) {
        int64_t old = i < before->count ? before->endpoints[i].code : INT64_MAX;
        int64_t new = j < after->count ? after->endpoints[j].code : INT64_MAX;
        if (old < new) {
            changes += tell_township("removed", old);
            i++;
        } else if (new < old) {
            changes += tell_township("added", new);
            j++;
        } else
            changes += difference_of_township(before, i++, after, j++);
    }
    return changes;
}

/* --- other files ---------------------------------------------------------------------------------------------- */

static const struct settings_source *find_source(const struct settings *settings, const char *path)
{
    for (size_t i = 0; i < settings->source_count; i++)
        if (strcmp(settings->sources[i].path, path) == 0)
            return &settings->sources[i];
    return 0;
}

static size_t tell_file(const char *change, const char *path)
{
    log_event(LOG_CONFIG_FILE, log_text("file", path), log_text("change", change));
    return 1;
}

static size_t difference_of_files(const struct settings *before, const struct settings *after)
{
    size_t changes = 0;
    for (size_t i = 0; i < before->source_count; i++) {
        const struct settings_source *other = find_source(after, before->sources[i].path);
        if (!other)
            changes += tell_file("removed", before->sources[i].path);
        else if (strcmp(before->sources[i].sha256, other->sha256) != 0)
            changes += tell_file("changed", other->path);
    }
    for (size_t i = 0; i < after->source_count; i++)
        if (!find_source(before, after->sources[i].path))
            changes += tell_file("added", after->sources[i].path);
    return changes;
}

size_t settings_difference_log(const struct settings *before, const struct settings *after)
{
    tell_unused(after);
    size_t changes = difference_of_sets("", &before->file.set, &after->file.set);
    changes += difference_of_townships(&before->townships, &after->townships);
    changes += difference_of_files(before, after);
    if (strcmp(before->policy_hash, after->policy_hash) != 0)
        log_event(LOG_CONFIG_POLICY, log_text("policy", policy_name(after->policy)),
                  log_text("version", policy_version(after->policy)), log_text("hash", after->policy_hash));
    return changes;
}
