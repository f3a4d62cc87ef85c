/* SPDX-License-Identifier: PostgreSQL */
#include "app/option.h"

#include "app/ini.h"
#include "base/nearest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    struct option_set *set;
    struct mistakes *mistakes;
    bool given[OPTIONS_MAX];
};

/* --- reading -------------------------------------------------------------------------------------------------- */

static bool on_section(void *ctx, int line, struct slice name)
{
    struct reading *reading = ctx;
    const struct option_set *set = reading->set;
    struct nearest nearest = nearest_to(name);
    for (const struct option_section *section = set->table->sections; section->name; section++) {
        if (slice_is(name, section->name))
            return true;
        nearest_consider(&nearest, slice_of(section->name));
    }
    mistakes_add(reading->mistakes, set->file, line,
                 nearest.name.length ? "unknown section [%.*s], did you mean [%.*s]?"
                                     : "unknown section [%.*s]%.*s",
                 (int)name.length, name.bytes, (int)nearest.name.length, nearest.name.bytes);
    return false;
}

/* A known key of another section is what most unknown keys are. */
static void unknown_key(struct reading *reading, int line, struct slice section, struct slice key)
{
    const struct option_table *table = reading->set->table;
    struct nearest nearest = nearest_to(key);
    for (size_t i = 0; i < table->count; i++)
        if (slice_is(section, table->options[i].section))
            nearest_consider(&nearest, slice_of(table->options[i].key));
    if (nearest.name.length) {
        mistakes_add(reading->mistakes, reading->set->file, line,
                     "unknown key %.*s in [%.*s], did you mean %.*s?", (int)key.length, key.bytes,
                     (int)section.length, section.bytes, (int)nearest.name.length, nearest.name.bytes);
        return;
    }
    for (size_t i = 0; i < table->count; i++)
        if (slice_is(key, table->options[i].key)) {
            mistakes_add(reading->mistakes, reading->set->file, line,
                         "unknown key %.*s in [%.*s], it belongs into [%s]", (int)key.length, key.bytes,
                         (int)section.length, section.bytes, table->options[i].section);
            return;
        }
    mistakes_add(reading->mistakes, reading->set->file, line, "unknown key %.*s in [%.*s]", (int)key.length,
                 key.bytes, (int)section.length, section.bytes);
}

/* What stands in the file may be shown, unless the option is secret. */
static void take_value(struct reading *reading, size_t index, int line, struct slice text)
{
    struct option_set *set = reading->set;
    const struct option_row *option = &set->table->options[index];
    set->lines[index] = line;
    set->texts[index] = arena_copy(set->arena, text.bytes, text.length);
    struct error err = {0};
    enum status status =
        set->texts[index] ? option->type->parse(set, option, text, (char *)set->values + option->offset, &err)
                          : error_set(&err, STATUS_FATAL, "no memory");
    if (status == STATUS_OK)
        return;
    mistakes_weigh(reading->mistakes, status);
    if (option->flags & OPTION_SECRET)
        mistakes_add(reading->mistakes, set->file, line, "[%s] %s: %s; expected %s", option->section,
                     option->key, err.text, option->type->expected);
    else
        mistakes_add(reading->mistakes, set->file, line, "[%s] %s = %.*s: %s; expected %s", option->section,
                     option->key, (int)utf8_cut(text.bytes, text.length, 100), text.bytes, err.text,
                     option->type->expected);
}

static void on_entry(void *ctx, int line, struct slice section, struct slice key, struct slice value)
{
    struct reading *reading = ctx;
    struct option_set *set = reading->set;
    for (size_t i = 0; i < set->table->count; i++) {
        const struct option_row *option = &set->table->options[i];
        if (!slice_is(section, option->section) || !slice_is(key, option->key))
            continue;
        if (reading->given[i])
            mistakes_add(reading->mistakes, set->file, line, "[%s] %s is given twice, first in line %d",
                         option->section, option->key, set->lines[i]);
        else if (value.length == 0)
            mistakes_add(reading->mistakes, set->file, line,
                         "[%s] %s has no value; to have the default, leave the line out", option->section,
                         option->key);
        else
            take_value(reading, i, line, value);
        if (!reading->given[i])
            set->lines[i] = line;
        reading->given[i] = true;
        return;
    }
    unknown_key(reading, line, section, key);
}

static void on_mistake(void *ctx, int line, const char *text)
{
    struct reading *reading = ctx;
    mistakes_add(reading->mistakes, reading->set->file, line, "%s", text);
}

/* Defaults pass through the same parsers as what operators write. */
static void take_default(struct reading *reading, size_t index)
{
    struct option_set *set = reading->set;
    const struct option_row *option = &set->table->options[index];
    if (option->flags & OPTION_REQUIRED)
        mistakes_add(reading->mistakes, set->file, 0, "[%s] %s is missing: %s; expected %s", option->section,
                     option->key, option->help, option->type->expected);
    else if (option->standard) {
        take_value(reading, index, 0, slice_of(option->standard));
        set->texts[index] = option->standard;
    }
}

void option_set_read(struct option_set *set, struct slice text, struct mistakes *mistakes)
{
    static const struct ini_events events = {.section = on_section, .entry = on_entry, .mistake = on_mistake};
    struct reading reading = {.set = set, .mistakes = mistakes};
    assert(set->table->count <= OPTIONS_MAX);
    ini_read(text, &events, &reading);
    for (size_t i = 0; i < set->table->count; i++)
        if (!reading.given[i])
            take_default(&reading, i);
}

size_t option_index(const struct option_table *table, const char *section, const char *key)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->options[i].section, section) == 0 && strcmp(table->options[i].key, key) == 0)
            return i;
    abort(); /* the caller names a row that is not there */
}

int option_line(const struct option_set *set, const char *section, const char *key)
{
    return set->lines[option_index(set->table, section, key)];
}

/* --- comparing ------------------------------------------------------------------------------------------------ */

bool option_changed(const struct option_set *before, const struct option_set *after, size_t index)
{
    const char *a = before->texts[index], *b = after->texts[index];
    return a && b ? strcmp(a, b) != 0 : a != b;
}

const char *option_shown(const struct option_set *set, size_t index)
{
    if (!set->texts[index])
        return "-";
    return set->table->options[index].flags & OPTION_SECRET ? "(secret)" : set->texts[index];
}

static bool keep_value(const struct option_set *before, struct option_set *after, size_t index)
{
    const struct option_row *option = &before->table->options[index];
    char *to = (char *)after->values + option->offset;
    memcpy(to, (const char *)before->values + option->offset, option->type->size);
    const char *text = before->texts[index];
    after->texts[index] = text ? arena_strdup(after->arena, text) : 0;
    if (text && !after->texts[index])
        return false;
    if (!option->type->is_text)
        return true;
    const char *value;
    memcpy(&value, to, sizeof value);
    const char *copy = value ? arena_strdup(after->arena, value) : 0;
    memcpy(to, &copy, sizeof copy);
    return !value || copy;
}

bool option_keep_fixed(const struct option_set *before, struct option_set *after)
{
    for (size_t i = 0; i < before->table->count; i++)
        if ((before->table->options[i].flags & OPTION_FIXED) && !keep_value(before, after, i))
            return false;
    return true;
}

/* --- printing ------------------------------------------------------------------------------------------------- */

static const char *section_help(const struct option_table *table, const char *name)
{
    for (const struct option_section *section = table->sections; section->name; section++)
        if (strcmp(section->name, name) == 0)
            return section->help;
    return "";
}

void option_print_sample(const struct option_table *table, const char *heading, struct text *out)
{
    text_add_str(out, heading);
    const char *section = "";
    for (size_t i = 0; i < table->count; i++) {
        const struct option_row *option = &table->options[i];
        if (strcmp(section, option->section) != 0) {
            section = option->section;
            text_printf(out, "\n# %s\n[%s]\n", section_help(table, section), section);
        }
        bool unset = !option->standard && !(option->flags & OPTION_REQUIRED);
        text_printf(out, "# %s.%s%s\n", option->help, option->flags & OPTION_FIXED ? " Needs a restart." : "",
                    unset ? " Not set; for example:" : "");
        text_printf(out, "%s%s = %s\n", option->flags & OPTION_REQUIRED ? "" : "#", option->key,
                    option->standard ? option->standard : option->example);
    }
}

/* A line that begins with a dot or an apostrophe is a request to troff; a backslash is an escape. */
static void add_manual_text(struct text *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        text_add_str(out, "\\&");
    for (; *text; text++) {
        if (*text == '\\')
            text_add_str(out, "\\e");
        else
            text_add_char(out, *text);
    }
}

void option_print_manual(const struct option_table *table, struct text *out)
{
    const char *section = "";
    for (size_t i = 0; i < table->count; i++) {
        const struct option_row *option = &table->options[i];
        if (strcmp(section, option->section) != 0) {
            if (*section)
                text_add_str(out, ".El\n");
            section = option->section;
            text_printf(out, ".Ss [%s]\n", section);
            add_manual_text(out, section_help(table, section));
            text_add_str(out, "\n.Bl -tag -width Ds\n");
        }
        text_printf(out, ".It Cm %s\n", option->key);
        add_manual_text(out, option->help);
        text_add_str(out, ".\n");
        text_printf(out, "Expects %s.\n", option->type->expected);
        if (option->standard) {
            text_add_str(out, "Default:\n.Ql ");
            add_manual_text(out, option->standard);
            text_add_str(out, " .\n");
        } else if (option->flags & OPTION_REQUIRED)
            text_add_str(out, "Must be given.\n");
        if (option->flags & OPTION_FIXED)
            text_add_str(out, "A change needs a restart.\n");
    }
    if (*section)
        text_add_str(out, ".El\n");
}
