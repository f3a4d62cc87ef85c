/* SPDX-License-Identifier: PostgreSQL */
#include "app/ini.h"

#include <stdio.h>
#include <string.h>

struct reader {
    const struct ini_events *events;
    void *ctx;
    struct slice section;
    bool in_section, pass_over;
    int line;
};

static bool is_name(struct slice name)
{
    for (size_t i = 0; i < name.length; i++) {
        char c = name.bytes[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return name.length > 0 && name.length <= 64;
}

static void mistake(struct reader *reader, const char *text)
{
    reader->events->mistake(reader->ctx, reader->line, text);
}

/* A comment behind a value begins with a semicolon after a blank. */
static struct slice without_comment(struct slice value)
{
    for (size_t i = 1; i < value.length; i++)
        if (value.bytes[i] == ';' && (value.bytes[i - 1] == ' ' || value.bytes[i - 1] == '\t'))
            return slice_trim((struct slice){value.bytes, i});
    return value;
}

static void read_section(struct reader *reader, struct slice line)
{
    line = without_comment(line);
    struct slice name = slice_trim((struct slice){line.bytes + 1, line.length - 1});
    reader->in_section = true;
    reader->pass_over = true;
    if (name.length == 0 || name.bytes[name.length - 1] != ']') {
        mistake(reader, "a section begins with '[' and must end with ']'");
        return;
    }
    name = slice_trim((struct slice){name.bytes, name.length - 1});
    if (!is_name(name)) {
        mistake(reader, "a section's name is written in a-z, 0-9 and '_'");
        return;
    }
    reader->section = name;
    reader->pass_over = !reader->events->section(reader->ctx, reader->line, name);
}

static void read_entry(struct reader *reader, struct slice line)
{
    const char *equals = memchr(line.bytes, '=', line.length);
    if (!equals) {
        mistake(reader, "neither a section nor a key with its value: a line reads key = value, a comment "
                        "begins with '#'");
        return;
    }
    struct slice key = slice_trim((struct slice){line.bytes, (size_t)(equals - line.bytes)});
    struct slice value = {equals + 1, line.length - (size_t)(equals + 1 - line.bytes)};
    /* The blank after '=' stays until comments are off: "key = ; none" has no value. */
    value = slice_trim(without_comment(value));
    if (!is_name(key)) {
        mistake(reader, "a key is written in a-z, 0-9 and '_'");
        return;
    }
    if (!reader->in_section)
        mistake(reader, "a key before the first section");
    else if (!reader->pass_over)
        reader->events->entry(reader->ctx, reader->line, reader->section, key, value);
}

static void read_line(struct reader *reader, struct slice line)
{
    reader->line++;
    bool damaged = memchr(line.bytes, 0, line.length) != 0 || !utf8_valid(line.bytes, line.length);
    line = slice_trim(line);
    if (damaged)
        mistake(reader, "the line is not UTF-8 text");
    else if (line.length == 0 || line.bytes[0] == '#' || line.bytes[0] == ';')
        return;
    else if (line.bytes[0] == '[')
        read_section(reader, line);
    else
        read_entry(reader, line);
}

void ini_read(struct slice text, const struct ini_events *events, void *ctx)
{
    struct reader reader = {.events = events, .ctx = ctx};
    if (text.length >= 3 && memcmp(text.bytes, "\xEF\xBB\xBF", 3) == 0) {
        text.bytes += 3; /* editors on Windows put a byte order mark there */
        text.length -= 3;
    }
    while (text.length > 0) {
        const char *end = memchr(text.bytes, '\n', text.length);
        size_t length = end ? (size_t)(end - text.bytes) : text.length;
        read_line(&reader, (struct slice){text.bytes, length});
        size_t taken = end ? length + 1 : length;
        text.bytes += taken;
        text.length -= taken;
    }
}
