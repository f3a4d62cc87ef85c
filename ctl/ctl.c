/* SPDX-License-Identifier: PostgreSQL */
/* What the verbs share: options, messages, the database, JSON. */
#include "ctl.h"

#include "app/options.h"
#include "base/clock.h"
#include "domain/area.h"
#include "domain/fact.h"
#include "io/file.h"
#include "io/pg.h"
#include "store/migrate.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

const char *ctl_value(const struct ctl *ctl, const char *option)
{
    for (int i = 0; i < CTL_OPTIONS_MAX && ctl->verb->options[i].name != NULL; i++)
        if (strcmp(ctl->verb->options[i].name, option) == 0)
            return ctl->values[i];
    return NULL;
}

bool ctl_given(const struct ctl *ctl, const char *option)
{
    return ctl_value(ctl, option) != NULL;
}

static bool refuse_code(const struct ctl *ctl, const char *where, const char *value, const char *or_else)
{
    ctl_usage(ctl, "%s\"%s\" is no township's code; expected 9 digits, the last three from 001 to 399%s",
              where, value, or_else);
    return false;
}

bool ctl_township(const struct ctl *ctl, const char *where, const char *value, int64_t *code)
{
    return area_parse_township(slice_of(value), code) || refuse_code(ctl, where, value, "");
}

bool ctl_receiver(const struct ctl *ctl, const char *where, const char *value, int64_t *code)
{
    struct slice digits = slice_of(value);
    return area_parse_township(digits, code) || area_parse_county(digits, code) ||
           refuse_code(ctl, where, value, ", or the county's own 6");
}

bool ctl_apart(const struct ctl *ctl, const char *option, const char *other)
{
    bool both = ctl_given(ctl, option) && (strcmp(other, "--json") == 0 ? ctl->json : ctl_given(ctl, other));
    if (both)
        ctl_usage(ctl, "%s and %s do not go together", option, other);
    return !both;
}

int ctl_permitted(const char *path, int mode, const char *message)
{
    struct stat info;
    if (access(path, mode) == 0 || errno != EACCES)
        return 0;
    bool known = stat(path, &info) == 0;
    const struct group *group =
        known && (info.st_mode & (mode == W_OK ? S_IWGRP : S_IRGRP)) != 0 ? getgrgid(info.st_gid) : NULL;
    if (group == NULL)
        return ctl_fail(EX_NOPERM, "%s; only its owner may", message);
    return ctl_fail(EX_NOPERM, "%s; only its group (%s) may: be a member of it and log in again", message,
                    group->gr_name);
}

bool ctl_date(const struct ctl *ctl, const char *option, day_t *day)
{
    const char *value = ctl_value(ctl, option);
    if (value == NULL || civil_parse(slice_of(value), day))
        return true;
    char first[CIVIL_TEXT_SIZE], last[CIVIL_TEXT_SIZE];
    ctl_usage(ctl, "%s: \"%s\" is not a date; expected YYYY-MM-DD, from %s to %s", option, value,
              civil_format(DAY_MIN, first), civil_format(DAY_MAX, last));
    return false;
}

bool ctl_number(const struct ctl *ctl, const char *option, int64_t *number)
{
    const char *value = ctl_value(ctl, option);
    if (value == NULL)
        return true;
    char *end = NULL;
    long long parsed = strtoll(value, &end, 10);
    if (*value == '\0' || *end != '\0' || parsed < 0 || parsed > 1000000) {
        ctl_usage(ctl, "%s: \"%s\" is not a number from 0 to 1000000", option, value);
        return false;
    }
    *number = parsed;
    return true;
}

static bool has_deceptive(const char *bytes, size_t length)
{
    for (size_t i = 0, n; i < length; i += n) {
        n = utf8_char_length(bytes + i, length - i);
        if (utf8_is_deceptive(utf8_decode(bytes + i, n)))
            return true;
    }
    return false;
}

int ctl_reason(const struct ctl *ctl, const char *reason)
{
    enum { REASON_MAX = 1000 };
    const size_t length = strlen(reason);
    if (length > REASON_MAX || !utf8_valid(reason, length))
        return ctl_usage(ctl, "--reason is longer than %d bytes, or not UTF-8", REASON_MAX);
    if (has_deceptive(reason, length))
        return ctl_usage(ctl, "--reason has a control character; one line is expected");
    return strspn(reason, " ") == length ? ctl_usage(ctl, "--reason is empty: it goes into the audit") : 0;
}

int ctl_utf8(const struct ctl *ctl, const char *word)
{
    return utf8_valid(word, strlen(word))
               ? 0
               : ctl_usage(ctl, "%s is not UTF-8; is the terminal set to another encoding?",
                           ctl->verb->arguments);
}

int ctl_fail(int exit_code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("shouwangctl: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return exit_code;
}

int ctl_fail_error(const struct error *err)
{
    return ctl_fail(status_exit_code(err->status), "%s", err->text);
}

int ctl_usage(const struct ctl *ctl, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("shouwangctl: ", stderr);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "; see shouwangctl %s%s--help\n", ctl->verb ? ctl->verb->name : "", ctl->verb ? " " : "");
    return EX_USAGE;
}

const char *ctl_account(void)
{
    const struct passwd *account = getpwuid(getuid());
    return account ? account->pw_name : "unknown";
}

int ctl_database(struct ctl *ctl)
{
    struct error err;
    if (ctl->pg != NULL)
        return 0;
    enum status status = pg_connect(ctl->options->database_conninfo, "shouwangctl",
                                    (int)ctl->options->database_connect_timeout, &ctl->pg, &err);
    if (status == STATUS_OK)
        return 0;
    if (status != STATUS_RETRY)
        return ctl_fail(status_exit_code(status), "%s; see [database] conninfo in %s", err.text,
                        ctl->conf_path);
    return ctl_fail(EX_UNAVAILABLE, "%s; is PostgreSQL running, and is [database] conninfo in %s right?",
                    err.text, ctl->conf_path);
}

int ctl_store(struct ctl *ctl)
{
    struct error err;
    int exit_code = ctl_database(ctl);
    if (exit_code == 0 && migrate_check_schema(ctl->pg, &err) != STATUS_OK)
        exit_code = ctl_fail_error(&err);
    return exit_code;
}

static enum status add_county_codes(struct dictionary *dictionary, const char *path, struct error *err)
{
    enum { DICTIONARY_MAX_BYTES = 1 << 20 }; /* a few hundred codes need a tenth of it */
    struct text text;
    text_init(&text);
    enum status status = file_read(path, DICTIONARY_MAX_BYTES, &text, err);
    if (status == STATUS_OK)
        status = dictionary_add(dictionary, path, text.bytes, text.length, err);
    text_fini(&text);
    return status;
}

int ctl_dictionary(struct ctl *ctl)
{
    struct error err;
    if (ctl->dictionary != NULL)
        return 0;
    ctl->dictionary = dictionary_new();
    if (ctl->dictionary == NULL)
        return ctl_fail(EX_OSERR, "out of memory");
    enum status status = dictionary_add_base(ctl->dictionary, &err);
    if (status == STATUS_OK && ctl->options != NULL && ctl->options->facts_dictionary != NULL)
        status = add_county_codes(ctl->dictionary, ctl->options->facts_dictionary, &err);
    return status == STATUS_OK ? 0 : ctl_fail_error(&err);
}

void ctl_print_visible(struct slice text)
{
    struct text visible;
    text_init(&visible);
    text_add_visible(&visible, text);
    fwrite(text_slice(&visible).bytes, 1, visible.length, stdout);
    text_fini(&visible);
}

int ctl_print_json(json_t *document)
{
    if (document == NULL)
        return ctl_fail(EX_OSERR, "out of memory");
    int failed = json_dumpf(document, stdout, JSON_COMPACT);
    json_decref(document);
    fputc('\n', stdout);
    return failed ? ctl_fail(EX_IOERR, "cannot write the document") : 0;
}

json_t *ctl_json_slice(struct slice text)
{
    return json_stringn(text.bytes ? text.bytes : "", text.length);
}

json_t *ctl_json_day(day_t day)
{
    char text[CIVIL_TEXT_SIZE];
    return day == DAY_NONE ? json_null() : json_string(civil_format(day, text));
}

json_t *ctl_json_time(int64_t unix_ms)
{
    char text[CLOCK_RFC3339_SIZE];
    return unix_ms == INT64_MIN ? json_null() : json_string(clock_rfc3339(unix_ms, text));
}
