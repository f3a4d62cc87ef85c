/* SPDX-License-Identifier: PostgreSQL */
#include "app/mistakes.h"

#include <stdio.h>
#include <string.h>

void mistakes_init(struct mistakes *mistakes)
{
    text_init(&mistakes->lines);
    mistakes->count = 0;
    mistakes->other = STATUS_OK;
}

void mistakes_fini(struct mistakes *mistakes)
{
    text_fini(&mistakes->lines);
    mistakes->count = 0;
}

void mistakes_add_text(struct mistakes *mistakes, const char *text)
{
    if (mistakes->count++ < MISTAKES_MAX)
        text_printf(&mistakes->lines, "%s\n", text);
}

void mistakes_add(struct mistakes *mistakes, const char *file, int line, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (mistakes->count++ >= MISTAKES_MAX)
        return;
    if (line > 0)
        text_printf(&mistakes->lines, "%s:%d: %s\n", file, line, text);
    else
        text_printf(&mistakes->lines, "%s: %s\n", file, text);
}

void mistakes_weigh(struct mistakes *mistakes, enum status status)
{
    if (status == STATUS_FATAL || (status == STATUS_RETRY && mistakes->other == STATUS_OK))
        mistakes->other = status;
}

enum status mistakes_verdict(const struct mistakes *mistakes, struct error *err)
{
    if (mistakes->count == 0)
        return STATUS_OK;
    if (mistakes->lines.failed || mistakes->lines.length == 0)
        return error_set(err, STATUS_FATAL, "no memory to tell what is wrong with the configuration");
    enum status verdict = mistakes->other != STATUS_OK ? mistakes->other : STATUS_CONFIG;
    int first = (int)strcspn(mistakes->lines.bytes, "\n");
    if (mistakes->count == 1)
        return error_set(err, verdict, "%.*s", first, mistakes->lines.bytes);
    return error_set(err, verdict, "%.*s (and %zu more)", first, mistakes->lines.bytes, mistakes->count - 1);
}
