/* SPDX-License-Identifier: PostgreSQL */
#include "base/status.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct {
    const char *name;
    int exit_code;
} classes[] = {
    [STATUS_OK] = {"ok", EX_OK},
    [STATUS_RETRY] = {"retry", EX_TEMPFAIL},
    [STATUS_REJECT] = {"reject", EX_DATAERR},
    [STATUS_CONFIG] = {"config", EX_CONFIG},
    [STATUS_FATAL] = {"fatal", EX_SOFTWARE},
};

/* Copies what fits, cut at a whole character: half a character would be unreadable in the log. */
static size_t put(char *out, size_t used, const char *bytes, size_t length)
{
    size_t fits = utf8_cut(bytes, length, ERROR_TEXT_MAX - 1 - used);
    memmove(out + used, bytes, fits);
    out[used + fits] = '\0';
    return used + fits;
}

/* Formats with one byte to spare beyond the limit, so that `put` sees whether a character was cut. */
static size_t compose(char *out, size_t size, const char *format, va_list args) PRINTF_LIKE(3, 0);
static size_t compose(char *out, size_t size, const char *format, va_list args)
{
    int wanted = vsnprintf(out, size, format, args);
    if (wanted < 0) {
        out[0] = '\0';
        return 0;
    }
    return (size_t)wanted < size ? (size_t)wanted : size - 1;
}

enum status error_set(struct error *err, enum status status, const char *format, ...)
{
    if (!err)
        return status;
    /* Composed aside, because an argument may be the old text itself. */
    char composed[ERROR_TEXT_MAX + 4];
    va_list args;
    va_start(args, format);
    size_t length = compose(composed, sizeof composed, format, args);
    va_end(args);
    err->status = status;
    put(err->text, 0, composed, length);
    return status;
}

enum status error_wrap(struct error *err, const char *format, ...)
{
    if (!err)
        return STATUS_FATAL;
    char context[ERROR_TEXT_MAX + 4];
    char inner[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    size_t length = compose(context, sizeof context, format, args);
    va_end(args);
    size_t inner_length = strlen(err->text);
    memcpy(inner, err->text, inner_length);
    size_t used = put(err->text, 0, context, length);
    used = put(err->text, used, ": ", 2);
    put(err->text, used, inner, inner_length);
    return err->status;
}

const char *status_name(enum status status)
{
    size_t index = (size_t)status;
    return index < sizeof classes / sizeof classes[0] ? classes[index].name : "unknown";
}

int status_exit_code(enum status status)
{
    size_t index = (size_t)status;
    return index < sizeof classes / sizeof classes[0] ? classes[index].exit_code : EX_SOFTWARE;
}
