/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "source/manifest.h"

#include "base/clock.h"
#include "domain/resident_id.h"
#include "io/file.h"

#include <jansson.h>
#include <string.h>

static bool name_ok(struct slice name, size_t max, const char *first_chars, const char *chars)
{
    if (name.length == 0 || name.length > max || !memchr(first_chars, name.bytes[0], strlen(first_chars)))
        return false;
    for (size_t i = 1; i < name.length; i++)
        if (!memchr(chars, name.bytes[i], strlen(chars)))
            return false;
    return true;
}

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

bool manifest_feed_name_ok(struct slice name)
{
    return name_ok(name, MANIFEST_FEED_MAX, LOWER, LOWER DIGITS "_");
}

/* Batches' names are shown and logged. */
static bool holds_identity_number(struct slice name)
{
    enum { NUMBER_LENGTH = RESIDENT_ID_TEXT_SIZE - 1 };
    for (size_t i = 0; i + NUMBER_LENGTH <= name.length; i++) {
        uint64_t packed;
        if (resident_id_parse((struct slice){name.bytes + i, NUMBER_LENGTH}, DAY_NONE, &packed) ==
            RESIDENT_ID_OK)
            return true;
    }
    return false;
}

bool manifest_batch_name_ok(struct slice name)
{
    return !holds_identity_number(name) &&
           name_ok(name, MANIFEST_BATCH_MAX, LOWER UPPER DIGITS, LOWER UPPER DIGITS "._-");
}

/* --- keys: each reader gives false when the value is not what it must be ------------------------------------------ */

static bool read_name(struct slice text, char *out, bool (*ok)(struct slice))
{
    if (!ok(text))
        return false;
    memcpy(out, text.bytes, text.length);
    out[text.length] = '\0';
    return true;
}

static bool read_feed(struct slice text, struct manifest *manifest)
{
    return read_name(text, manifest->feed, manifest_feed_name_ok);
}

static bool read_batch(struct slice text, struct manifest *manifest)
{
    return read_name(text, manifest->batch, manifest_batch_name_ok);
}

static bool read_period_from(struct slice text, struct manifest *manifest)
{
    return civil_parse(text, &manifest->period_from);
}

static bool read_period_to(struct slice text, struct manifest *manifest)
{
    return civil_parse(text, &manifest->period_to);
}

static bool read_mode(struct slice text, struct manifest *manifest)
{
    manifest->mode = slice_is(text, "full") ? MANIFEST_FULL : MANIFEST_DELTA;
    return manifest->mode == MANIFEST_FULL || slice_is(text, "delta");
}

static bool read_sha256(struct slice text, struct manifest *manifest)
{
    if (text.length != CRYPTO_SHA256_HEX_SIZE - 1)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.bytes[i];
        if (c >= 'A' && c <= 'F')
            c = (char)(c - 'A' + 'a');
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            manifest->sha256[0] = '\0';
            return false;
        }
        manifest->sha256[i] = c;
    }
    manifest->sha256[text.length] = '\0';
    return true;
}

static bool read_sent_at(struct slice text, struct manifest *manifest)
{
    return clock_parse_rfc3339(text, &manifest->sent_at_unix_ms);
}

static const struct key {
    const char *name, *expected;
    bool (*read)(struct slice text, struct manifest *manifest); /* NULL: rows, the only number */
} keys[] = {
    {"feed", "a feed's name: at most 32 of a-z, 0-9 and _", read_feed},
    {"batch", "a name: at most 64 of A-Z, a-z, 0-9, '.', '_' and '-', and nobody's number", read_batch},
    {"mode", "\"full\" or \"delta\"", read_mode},
    {"sha256", "64 hexadecimal digits", read_sha256},
    {"rows", "a whole number from 0 to 2000000000", NULL},
    {"period_from", "a date, YYYY-MM-DD", read_period_from},
    {"period_to", "a date, YYYY-MM-DD", read_period_to},
    {"sent_at", "a time with its offset, such as 2021-07-05T08:00:00+08:00", read_sent_at},
};

static const char *type_name(const json_t *value)
{
    static const char *const type_names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",  [JSON_STRING] = "a text",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a fraction", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };
    return value ? type_names[json_typeof(value)] : "nothing";
}

/* What stands there, if it can be shown: short and printable. A manifest should hold nothing about persons. */
static void describe(const json_t *value, char *out, size_t size)
{
    const char *text = json_string_value(value);
    size_t length = text ? json_string_length(value) : 0;
    bool printable = text && length <= 40;
    for (size_t i = 0; printable && i < length; i++)
        printable = text[i] > ' ' && text[i] < 0x7F;
    if (printable)
        snprintf(out, size, "\"%s\"", text);
    else if (json_is_integer(value))
        snprintf(out, size, "%lld", (long long)json_integer_value(value));
    else
        snprintf(out, size, "%s", text ? "another text" : type_name(value));
    resident_id_hide(out);
}

static bool read_key(const struct key *key, const json_t *value, struct manifest *manifest)
{
    if (!key->read) {
        json_int_t rows = json_integer_value(value);
        if (!json_is_integer(value) || rows < 0 || rows > MANIFEST_ROWS_MAX)
            return false;
        manifest->rows = rows;
        return true;
    }
    if (!json_is_string(value))
        return false;
    return key->read((struct slice){json_string_value(value), json_string_length(value)}, manifest);
}

static enum status read_keys(const json_t *root, struct manifest *manifest, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const json_t *value = json_object_get(root, keys[i].name);
        if (read_key(&keys[i], value, manifest) || status != STATUS_OK)
            continue; /* the first damage is told; the rest is read for what it is worth */
        char found[64];
        describe(value, found, sizeof found);
        status = error_set(err, STATUS_REJECT, "manifest: %s: found %s, expected %s", keys[i].name, found,
                           keys[i].expected);
    }
    if (status == STATUS_OK && manifest->period_from > manifest->period_to)
        status = error_set(
            err, STATUS_REJECT,
            "manifest: period_to: found a day before period_from, expected the same or a later one");
    return status;
}

enum status manifest_parse(struct slice text, struct manifest *manifest, struct error *err)
{
    *manifest =
        (struct manifest){.period_from = DAY_NONE, .period_to = DAY_NONE, .sent_at_unix_ms = INT64_MIN};
    if (text.length > MANIFEST_BYTES_MAX)
        return error_set(err, STATUS_REJECT, "manifest: found %zu bytes, expected at most %d", text.length,
                         MANIFEST_BYTES_MAX);
    if (text.length >= 3 && memcmp(text.bytes, "\xEF\xBB\xBF", 3) == 0)
        text = (struct slice){text.bytes + 3, text.length - 3};
    json_error_t where;
    json_t *root = json_loadb(text.length ? text.bytes : "", text.length, JSON_REJECT_DUPLICATES, &where);
    if (!root)
        return error_set(err, STATUS_REJECT,
                         "manifest: line %d, column %d: found no JSON, expected one object", where.line,
                         where.column);
    enum status status =
        json_is_object(root)
            ? read_keys(root, manifest, err)
            : error_set(err, STATUS_REJECT, "manifest: found %s, expected an object", type_name(root));
    json_decref(root);
    return status;
}

enum status manifest_read(const char *path, struct manifest *manifest, struct error *err)
{
    *manifest =
        (struct manifest){.period_from = DAY_NONE, .period_to = DAY_NONE, .sent_at_unix_ms = INT64_MIN};
    struct text text;
    text_init(&text);
    enum status status = file_read(path, MANIFEST_BYTES_MAX, &text, err);
    if (status == STATUS_OK)
        status = manifest_parse((struct slice){text.bytes, text.length}, manifest, err);
    text_fini(&text);
    return status;
}
