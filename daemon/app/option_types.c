/* SPDX-License-Identifier: PostgreSQL */
/* The types of values that options have: how each is read, and in what words it is asked for. */
#include "app/option.h"
#include "app/option_values.h"
#include "base/log.h"
#include "domain/area.h"
#include "io/address.h"
#include "io/file.h"
#include "io/http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARSER(name)                                                                                         \
    static enum status name(const struct option_set *set, const struct option_row *option,                   \
                            struct slice text, void *value, struct error *err)

static enum status keep_text(const struct option_set *set, struct slice text, void *value, struct error *err)
{
    char *copy = arena_copy(set->arena, text.bytes, text.length);
    memcpy(value, &copy, sizeof copy);
    return copy ? STATUS_OK : error_set(err, STATUS_FATAL, "no memory");
}

PARSER(parse_text)
{
    (void)option;
    return keep_text(set, text, value, err);
}

/* --- paths and credentials ------------------------------------------------------------------------------------ */

static const char credential_prefix[] = "credential:";

static bool names_credential(struct slice text, struct slice *name)
{
    size_t prefix = sizeof credential_prefix - 1;
    if (text.length < prefix || memcmp(text.bytes, credential_prefix, prefix) != 0)
        return false;
    *name = (struct slice){text.bytes + prefix, text.length - prefix};
    return true;
}

static enum status credential_path(const struct option_set *set, struct slice name, const char **path,
                                   struct error *err)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    if (name.length == 0 || memchr(name.bytes, '/', name.length))
        return error_set(err, STATUS_CONFIG, "a credential is named without folders");
    if (!directory || !*directory)
        return error_set(
            err, STATUS_CONFIG,
            "CREDENTIALS_DIRECTORY is not set: systemd sets it for the daemon (LoadCredential=), an operator to a "
            "folder of his own");
    *path = arena_printf(set->arena, "%s/%.*s", directory, (int)name.length, name.bytes);
    return *path ? STATUS_OK : error_set(err, STATUS_FATAL, "no memory");
}

PARSER(parse_path)
{
    (void)option;
    struct slice name;
    const char *path = 0;
    if (names_credential(text, &name)) {
        enum status status = credential_path(set, name, &path, err);
        if (status != STATUS_OK)
            return status;
    } else {
        const char *slash = strrchr(set->file, '/');
        int folder = slash && text.bytes[0] != '/' ? (int)(slash - set->file) + 1 : 0;
        path = arena_printf(set->arena, "%.*s%.*s", folder, set->file, (int)text.length, text.bytes);
        if (!path)
            return error_set(err, STATUS_FATAL, "no memory");
    }
    memcpy(value, &path, sizeof path);
    return STATUS_OK;
}

enum { CONNINFO_MAX_BYTES = 4096 };

PARSER(parse_conninfo)
{
    (void)option;
    struct slice name;
    if (!names_credential(text, &name))
        return keep_text(set, text, value, err);
    if (set->without_credentials)
        return STATUS_OK;
    const char *path;
    enum status status = credential_path(set, name, &path, err);
    if (status != STATUS_OK)
        return status;
    struct text content;
    text_init(&content);
    bool exposed = false;
    status = file_read_secret(path, CONNINFO_MAX_BYTES, &content, &exposed, err);
    if (status == STATUS_OK && exposed)
        status = error_set(err, STATUS_CONFIG, "%s may be read by everybody", path);
    if (status == STATUS_OK)
        status = keep_text(set, slice_trim((struct slice){content.bytes, content.length}), value, err);
    text_fini(&content);
    return status;
}

/* --- numbers -------------------------------------------------------------------------------------------------- */

/* Digits alone; false also when it does not fit. */
static bool read_number(struct slice text, int64_t *number)
{
    int64_t value = 0;
    if (text.length == 0)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.bytes[i];
        if (c < '0' || c > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, c - '0', &value))
            return false;
    }
    *number = value;
    return true;
}

PARSER(parse_count)
{
    (void)set;
    int64_t number;
    if (!read_number(text, &number))
        return error_set(err, STATUS_CONFIG, "not a whole number");
    if (option->most > 0 && (number < option->least || number > option->most))
        return error_set(err, STATUS_CONFIG, "out of its range %lld to %lld", (long long)option->least,
                         (long long)option->most);
    memcpy(value, &number, sizeof number);
    return STATUS_OK;
}

static const struct unit {
    const char *name;
    int64_t ms;
} units[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}};

/* The largest unit that divides it, so that a range is named as one would write it. */
static const char *duration_words(int64_t ms, char out[32])
{
    size_t unit = sizeof units / sizeof *units - 1;
    while (unit > 0 && ms % units[unit].ms != 0)
        unit--;
    snprintf(out, 32, "%lld%s", (long long)(ms / units[unit].ms), units[unit].name);
    return out;
}

PARSER(parse_duration)
{
    (void)set;
    size_t digits = 0;
    while (digits < text.length && text.bytes[digits] >= '0' && text.bytes[digits] <= '9')
        digits++;
    struct slice unit_name = slice_trim((struct slice){text.bytes + digits, text.length - digits});
    int64_t number;
    if (!read_number((struct slice){text.bytes, digits}, &number))
        return error_set(err, STATUS_CONFIG, "not a whole number with a unit");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (!slice_is(unit_name, units[i].name))
            continue;
        char least[32], most[32];
        if (__builtin_mul_overflow(number, units[i].ms, &number) ||
            (option->most > 0 && (number < option->least || number > option->most)))
            return error_set(err, STATUS_CONFIG, "out of its range %s to %s",
                             duration_words(option->least, least), duration_words(option->most, most));
        memcpy(value, &number, sizeof number);
        return STATUS_OK;
    }
    return error_set(err, STATUS_CONFIG, unit_name.length ? "the unit is not known" : "the unit is missing");
}

PARSER(parse_limit)
{
    (void)set;
    (void)option;
    struct round_limit limit;
    enum status status = round_limit_parse(text, &limit, err);
    if (status == STATUS_OK)
        memcpy(value, &limit, sizeof limit);
    return status;
}

/* --- words ---------------------------------------------------------------------------------------------------- */

/* Position of the word in a list ended by NULL, -1 if it is none of them. */
static int word_position(struct slice text, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (slice_is(text, words[i]))
            return i;
    return -1;
}

static enum status parse_bool(struct slice text, const char *const words[3], void *value, struct error *err)
{
    int position = word_position(text, words);
    if (position < 0)
        return error_set(err, STATUS_CONFIG, "neither %s nor %s", words[0], words[1]);
    *(bool *)value = position == 1;
    return STATUS_OK;
}

PARSER(parse_yesno)
{
    (void)set;
    (void)option;
    static const char *const words[] = {"no", "yes", 0};
    return parse_bool(text, words, value, err);
}

PARSER(parse_disclosure)
{
    (void)set;
    (void)option;
    static const char *const words[] = {"masked", "named", 0};
    return parse_bool(text, words, value, err);
}

PARSER(parse_level)
{
    (void)set;
    (void)option;
    int64_t level = option_level_parse(text);
    if (level < 0)
        return error_set(err, STATUS_CONFIG, "not a level");
    memcpy(value, &level, sizeof level);
    return STATUS_OK;
}

int option_level_parse(struct slice text)
{
    static const char *const words[] = {"debug", "info", "notice", "warn", "error", "alert", 0};
    return word_position(text, words);
}

PARSER(parse_county)
{
    (void)set;
    (void)option;
    int64_t code;
    if (!area_parse_county(text, &code))
        return error_set(err, STATUS_CONFIG, "not a county's code");
    memcpy(value, &code, sizeof code);
    return STATUS_OK;
}

PARSER(parse_schedule)
{
    (void)set;
    (void)option;
    struct option_schedule schedule = {.is_set = !slice_is(text, "off")};
    char copy[128];
    if (text.length >= sizeof copy)
        return error_set(err, STATUS_CONFIG, "longer than %zu bytes", sizeof copy - 1);
    memcpy(copy, text.bytes, text.length);
    copy[text.length] = 0;
    enum status status = schedule.is_set ? calendar_parse(copy, &schedule.calendar, err) : STATUS_OK;
    if (status == STATUS_OK)
        memcpy(value, &schedule, sizeof schedule);
    return status;
}

/* --- addresses ------------------------------------------------------------------------------------------------ */

PARSER(parse_listen)
{
    (void)option;
    if (slice_is(text, "off"))
        return STATUS_OK;
    struct sockaddr_storage address;
    socklen_t length;
    enum status status = keep_text(set, text, value, err);
    if (status == STATUS_OK)
        status = address_parse(*(char **)value, &address, &length, err);
    return status;
}

/* Blanks or commas between the networks. */
PARSER(parse_networks)
{
    (void)option;
    struct option_networks networks = {0};
    networks.items = arena_array(set->arena, OPTION_NETWORKS_MAX, sizeof *networks.items);
    char *rest = arena_copy(set->arena, text.bytes, text.length);
    if (!networks.items || !rest)
        return error_set(err, STATUS_FATAL, "no memory");
    for (char *at = 0, *word; (word = strtok_r(rest, " \t,", &at)); rest = 0) {
        if (networks.count == OPTION_NETWORKS_MAX)
            return error_set(err, STATUS_CONFIG, "more than %d networks", OPTION_NETWORKS_MAX);
        enum status status = address_parse_network(word, &networks.items[networks.count++], err);
        if (status != STATUS_OK)
            return status;
    }
    memcpy(value, &networks, sizeof networks);
    return STATUS_OK;
}

PARSER(parse_url)
{
    (void)option;
    enum status status = keep_text(set, text, value, err);
    return status == STATUS_OK ? http_client_check_url(*(char **)value, err) : status;
}

/* --- the types ------------------------------------------------------------------------------------------------ */

#define TYPE(name, c_type, text_value, function, words)                                                      \
    const struct option_type name = {                                                                        \
        .expected = words, .size = sizeof(c_type), .is_text = text_value, .parse = function}

TYPE(option_text, char *, true, parse_text, "a text");
TYPE(option_path, char *, true, parse_path,
     "a path, absolute or from this file's folder, or credential:NAME for one that systemd passes");
TYPE(option_conninfo, char *, true, parse_conninfo,
     "a PostgreSQL connection string, or credential:NAME for a file that holds it");
TYPE(option_count, int64_t, false, parse_count, "a whole number");
TYPE(option_duration, int64_t, false, parse_duration, "a duration such as 500ms, 30s, 10min, 12h or 35d");
TYPE(option_yesno, bool, false, parse_yesno, "yes or no");
TYPE(option_level, int64_t, false, parse_level, "debug, info, notice, warn, error or alert");
TYPE(option_county, int64_t, false, parse_county, "the county's 6 digits");
TYPE(option_schedule, struct option_schedule, false, parse_schedule,
     "a calendar expression such as *-*-05 02:30, Mon..Fri 01:00 or monthly, or off");
TYPE(option_limit, struct round_limit, false, parse_limit,
     "a number of households, a percentage such as 5%, or none");
TYPE(option_networks, struct option_networks, false, parse_networks,
     "networks such as 10.61.0.0/16 or fd00::/8, with blanks between them");
TYPE(option_listen, char *, true, parse_listen, "ADDRESS:PORT such as 127.0.0.1:8090 or [::1]:8090, or off");
TYPE(option_url, char *, true, parse_url, "an https:// URL without account, password and fragment");
TYPE(option_named, bool, false, parse_disclosure, "masked or named");
