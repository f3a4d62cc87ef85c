/* SPDX-License-Identifier: PostgreSQL */
/*
 * inih keeps 199 bytes of a line and 49 of a section's name and cuts without a word, takes a line that begins with a
 * blank for the continuation of the one before, and does not tell of a section without keys. So each line is looked at
 * before inih gets it (next_line), and what inih would read otherwise than it stands there is refused.
 *
 * Keys are rows of a table per kind of section: name, a bit for "given already", a function that reads the value.
 */
#include "config.h"

#include "source/feed_config.h"

#include "base/arena.h"
#include "base/nearest.h"
#include "domain/calendar.h"
#include "io/file.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SECTION_NAME_MAX = 47, /* inih keeps 49 bytes */
    VALUE_TABLES_MAX = 32,
    VALUES_MAX = 1000, /* of one table: the list of serious illnesses has some hundred */
    NAMES_MAX = 32,
};

struct value_table {
    const char *name;
    int line;
    size_t count, capacity;
    struct feed_value *values;
};

/* A fact on its way in, with what can be resolved only at the end. */
struct fact_draft {
    const char *section; /* "fact.1" */
    int line;
    unsigned given; /* bits of fact_keys */
    const char *values_name;
    struct feed_fact_map map;
};

struct reading {
    const char *file_name;
    const struct dictionary *dictionary;
    struct feed_config *config;
    struct error *err;
    enum status status; /* the first refusal; what follows is not looked at */
    /* lines */
    struct slice rest;
    int line;
    int empty_section; /* line of a section that has no key yet, 0 = none */
    /* the section that keys are read into */
    unsigned feed_given, map_given;
    int number;
    bool number_given;
    struct fact_draft facts[FEED_FACTS_MAX];
    size_t fact_count;
    struct value_table tables[VALUE_TABLES_MAX];
    size_t table_count;
};

#define REFUSE_LINE(reading, at_line, ...) refuse((reading), (at_line), __VA_ARGS__)
#define REFUSE(reading, ...)               refuse((reading), (reading)->line, __VA_ARGS__)

static bool refuse(struct reading *reading, int line, const char *format, ...) PRINTF_LIKE(3, 4);
static bool refuse(struct reading *reading, int line, const char *format, ...)
{
    if (reading->status != STATUS_OK)
        return false;
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    reading->status = error_set(reading->err, STATUS_CONFIG, "%s:%d: %s", reading->file_name, line, text);
    return false;
}

static bool out_of_memory(struct reading *reading)
{
    if (reading->status == STATUS_OK)
        reading->status = error_set(reading->err, STATUS_FATAL, "%s: out of memory", reading->file_name);
    return false;
}

static bool keep_text(struct reading *reading, const char *value, const char **text)
{
    *text = arena_strdup(reading->config->arena, value);
    return *text || out_of_memory(reading);
}

/* --- the nearest known name ------------------------------------------------------------------------------------- */

/* ", did you mean …?" or nothing */
static const char *suggestion(const struct nearest *nearest, char *out, size_t size)
{
    out[0] = '\0';
    if (nearest->name.length)
        snprintf(out, size, ", did you mean %.*s?", (int)nearest->name.length, nearest->name.bytes);
    return out;
}

static bool find_code(struct reading *reading, const char *name, const struct fact_code **code)
{
    *code = dictionary_by_name(reading->dictionary, slice_of(name));
    if (*code)
        return true;
    struct nearest nearest = nearest_to(slice_of(name));
    for (size_t i = 0; i < dictionary_count(reading->dictionary); i++)
        nearest_consider(&nearest, slice_of(dictionary_at(reading->dictionary, i)->name));
    char hint[128];
    return REFUSE(reading, "found the code %s, expected one of the dictionary%s", name,
                  suggestion(&nearest, hint, sizeof hint));
}

/* --- [feed] ----------------------------------------------------------------------------------------------------- */

static bool read_only_value(struct reading *reading, const char *key, const char *value, const char *only)
{
    return strcmp(value, only) == 0 || REFUSE(reading, "%s: found %s, expected %s", key, value, only);
}

static bool read_driver(struct reading *reading, const char *value)
{
    return read_only_value(reading, "driver", value, "drop");
}

static bool read_format(struct reading *reading, const char *value)
{
    return read_only_value(reading, "format", value, "csv");
}

static bool read_encoding(struct reading *reading, const char *value)
{
    return encoding_parse(slice_of(value), &reading->config->encoding) ||
           REFUSE(reading, "encoding: found %s, expected auto, utf-8 or gb18030", value);
}

static bool read_schedule(struct reading *reading, const char *value)
{
    struct calendar calendar;
    struct error why;
    if (calendar_parse(value, &calendar, &why) != STATUS_OK)
        return REFUSE(reading, "schedule: %s", why.text);
    return keep_text(reading, value, &reading->config->schedule);
}

static bool read_number(struct reading *reading, const char *value)
{
    char *end;
    long number = strtol(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || number > SOURCE_NUMBER_MAX)
        return REFUSE(reading, "number: found %s, expected %d to %d", value, SOURCE_COUNTY_FIRST,
                      SOURCE_NUMBER_MAX);
    reading->number = (int)number;
    reading->number_given = true;
    return true;
}

static bool read_title(struct reading *reading, const char *value)
{
    return keep_text(reading, value, &reading->config->title);
}

static bool read_allow_empty(struct reading *reading, const char *value)
{
    reading->config->allow_empty = strcmp(value, "yes") == 0;
    return reading->config->allow_empty || strcmp(value, "no") == 0 ||
           REFUSE(reading, "allow_empty: found %s, expected yes or no", value);
}

static void allow_code(struct feed_config *config, const struct fact_code *code)
{
    config->codes[code->number / 64] |= UINT64_C(1) << (code->number % 64);
}

/* "expense.medical_self_paid" or "expense.*" */
static bool allow_pattern(struct reading *reading, const char *pattern)
{
    size_t length = strlen(pattern);
    if (length < 2 || strcmp(pattern + length - 2, ".*") != 0) {
        const struct fact_code *code;
        if (!find_code(reading, pattern, &code))
            return false;
        allow_code(reading->config, code);
        return true;
    }
    bool any = false;
    for (size_t i = 0; i < dictionary_count(reading->dictionary); i++) {
        const struct fact_code *code = dictionary_at(reading->dictionary, i);
        if (strncmp(code->name, pattern, length - 1) != 0)
            continue;
        allow_code(reading->config, code);
        any = true;
    }
    return any ||
           REFUSE(reading, "codes: found %s, expected the beginning of a code of the dictionary", pattern);
}

static bool read_codes(struct reading *reading, const char *value)
{
    reading->config->restricted = true;
    for (const char *at = value;;) {
        size_t length = strcspn(at, ",");
        struct slice one = slice_trim((struct slice){at, length});
        char pattern[FACT_CODE_NAME_MAX + 1];
        if (one.length == 0 || one.length >= sizeof pattern)
            return REFUSE(reading,
                          "codes: found an entry of %zu bytes, expected names of codes with commas between",
                          one.length);
        memcpy(pattern, one.bytes, one.length);
        pattern[one.length] = '\0';
        if (!allow_pattern(reading, pattern))
            return false;
        if (!at[length])
            return true;
        at += length + 1;
    }
}

/* --- [map] ------------------------------------------------------------------------------------------------------ */

static bool read_map_id(struct reading *reading, const char *value)
{
    return keep_text(reading, value, &reading->config->id_column);
}

static bool read_map_household(struct reading *reading, const char *value)
{
    return keep_text(reading, value, &reading->config->household_column);
}

static bool read_map_name(struct reading *reading, const char *value)
{
    return keep_text(reading, value, &reading->config->name_column);
}

/* --- [fact.N] --------------------------------------------------------------------------------------------------- */

static struct fact_draft *fact_now(struct reading *reading)
{
    return &reading->facts[reading->fact_count - 1];
}

static bool read_fact_code(struct reading *reading, const char *value)
{
    return find_code(reading, value, &fact_now(reading)->map.code);
}

static bool read_fact_value(struct reading *reading, const char *value)
{
    struct feed_fact_map *map = &fact_now(reading)->map;
    return value[0] == '=' ? keep_text(reading, value + 1, &map->constant)
                           : keep_text(reading, value, &map->value);
}

static bool read_fact_from(struct reading *reading, const char *value)
{
    return keep_text(reading, value, &fact_now(reading)->map.from);
}

static bool read_fact_to(struct reading *reading, const char *value)
{
    return keep_text(reading, value, &fact_now(reading)->map.to);
}

static bool read_fact_ref(struct reading *reading, const char *value)
{
    return keep_text(reading, value, &fact_now(reading)->map.ref);
}

static bool read_fact_as_of(struct reading *reading, const char *value)
{
    return keep_text(reading, value, &fact_now(reading)->map.as_of);
}

/* Each of year, month and day exactly once. */
static bool date_format_ok(const char *format)
{
    int years = 0, months = 0, days = 0;
    while (*format) {
        size_t run = strspn(format, "Y");
        if (run > 0) {
            years += run == 4 ? 1 : 9;
        } else if ((run = strspn(format, "M")) > 0) {
            months += run <= 2 ? 1 : 9;
        } else if ((run = strspn(format, "D")) > 0) {
            days += run <= 2 ? 1 : 9;
        } else {
            run = 1;
        }
        format += run;
    }
    return years == 1 && months == 1 && days == 1;
}

static bool read_fact_date_format(struct reading *reading, const char *value)
{
    struct feed_fact_map *map = &fact_now(reading)->map;
    for (const char *at = value;;) {
        size_t length = strcspn(at, "|");
        struct slice one = slice_trim((struct slice){at, length});
        if (map->date_format_count == FEED_DATE_FORMATS_MAX)
            return REFUSE(reading, "date_format: found more than %d, expected at most that",
                          FEED_DATE_FORMATS_MAX);
        const char *format = arena_copy(reading->config->arena, one.bytes, one.length);
        if (!format)
            return out_of_memory(reading);
        if (!date_format_ok(format))
            return REFUSE(reading,
                          "date_format: found %s, expected YYYY, MM or M, and DD or D, each once, such as "
                          "YYYY-MM-DD|YYYY/M/D",
                          format);
        map->date_formats[map->date_format_count++] = format;
        if (!at[length])
            return true;
        at += length + 1;
    }
}

static bool read_fact_unit(struct reading *reading, const char *value)
{
    struct feed_fact_map *map = &fact_now(reading)->map;
    map->fen = strcmp(value, "fen") == 0;
    return map->fen || strcmp(value, "yuan") == 0 ||
           REFUSE(reading, "unit: found %s, expected yuan or fen", value);
}

static bool read_fact_values(struct reading *reading, const char *value)
{
    return keep_text(reading, value, &fact_now(reading)->values_name);
}

static bool read_fact_when(struct reading *reading, const char *value)
{
    struct feed_fact_map *map = &fact_now(reading)->map;
    const char *equals = strchr(value, '=');
    if (!equals)
        return REFUSE(reading, "when: found no '=', expected COLUMN = VALUE");
    struct slice column = slice_trim((struct slice){value, (size_t)(equals - value)});
    struct slice wanted = slice_trim(slice_of(equals + 1));
    if (column.length == 0)
        return REFUSE(reading, "when: found no column, expected COLUMN = VALUE");
    map->when_column = arena_copy(reading->config->arena, column.bytes, column.length);
    map->when_value = arena_copy(reading->config->arena, wanted.bytes, wanted.length);
    return (map->when_column && map->when_value) || out_of_memory(reading);
}

/* --- sections --------------------------------------------------------------------------------------------------- */

struct key {
    const char *name;
    bool (*read)(struct reading *reading, const char *value);
};

static const struct key feed_keys[] = {
    {"driver", read_driver},     {"format", read_format},           {"encoding", read_encoding},
    {"schedule", read_schedule}, {"number", read_number},           {"title", read_title},
    {"codes", read_codes},       {"allow_empty", read_allow_empty}, {NULL, NULL},
};

static const struct key map_keys[] = {
    {"id_number", read_map_id},
    {"household_no", read_map_household},
    {"name", read_map_name},
    {NULL, NULL},
};

static const struct key fact_keys[] = {
    {"code", read_fact_code},
    {"value", read_fact_value},
    {"from", read_fact_from},
    {"to", read_fact_to},
    {"ref", read_fact_ref},
    {"as_of", read_fact_as_of},
    {"date_format", read_fact_date_format},
    {"unit", read_fact_unit},
    {"values", read_fact_values},
    {"when", read_fact_when},
    {NULL, NULL},
};

static bool read_key(struct reading *reading, const char *section, const struct key *keys, unsigned *given,
                     const char *name, const char *value)
{
    struct nearest nearest = nearest_to(slice_of(name));
    for (unsigned i = 0; keys[i].name; i++) {
        if (strcmp(keys[i].name, name) != 0) {
            nearest_consider(&nearest, slice_of(keys[i].name));
            continue;
        }
        if (*given & 1U << i)
            return REFUSE(reading, "[%s] %s: given twice, expected once", section, name);
        *given |= 1U << i;
        if (!*value)
            return REFUSE(reading, "[%s] %s: found nothing, expected a value", section, name);
        return keys[i].read(reading, value);
    }
    char hint[128];
    return REFUSE(reading, "[%s]: unknown key %s%s", section, name, suggestion(&nearest, hint, sizeof hint));
}

static bool read_fact_key(struct reading *reading, const char *section, const char *name, const char *value)
{
    struct fact_draft *draft = reading->fact_count > 0 ? fact_now(reading) : NULL;
    if (!draft || strcmp(draft->section, section) != 0) {
        for (size_t i = 0; i < reading->fact_count; i++)
            if (strcmp(reading->facts[i].section, section) == 0)
                return REFUSE(reading, "[%s]: stands twice, expected one section of this name", section);
        if (reading->fact_count == FEED_FACTS_MAX)
            return REFUSE(reading, "[%s]: found more than %d facts, expected at most that", section,
                          FEED_FACTS_MAX);
        draft = &reading->facts[reading->fact_count++];
        draft->line = reading->line;
        if (!keep_text(reading, section, &draft->section))
            return false;
    }
    return read_key(reading, section, fact_keys, &draft->given, name, value);
}

static struct value_table *find_table(struct reading *reading, const char *name)
{
    for (size_t i = 0; i < reading->table_count; i++)
        if (strcmp(reading->tables[i].name, name) == 0)
            return &reading->tables[i];
    return NULL;
}

static bool read_table_key(struct reading *reading, const char *table_name, const char *name,
                           const char *value)
{
    struct value_table *table = find_table(reading, table_name);
    if (!table) {
        if (reading->table_count == VALUE_TABLES_MAX)
            return REFUSE(reading, "[values.%s]: found more than %d tables, expected at most that",
                          table_name, VALUE_TABLES_MAX);
        table = &reading->tables[reading->table_count];
        table->line = reading->line;
        if (!keep_text(reading, table_name, &table->name))
            return false;
        reading->table_count++;
    }
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->values[i].from, name) == 0)
            return REFUSE(reading, "[values.%s] %s: given twice, expected once", table_name, name);
    if (table->count == VALUES_MAX)
        return REFUSE(reading, "[values.%s]: found more than %d values, expected at most that", table_name,
                      VALUES_MAX);
    if (table->count == table->capacity) {
        table->capacity = table->capacity ? table->capacity * 2 : NAMES_MAX;
        struct feed_value *grown = arena_array(reading->config->arena, table->capacity, sizeof *grown);
        if (!grown)
            return out_of_memory(reading);
        if (table->count > 0)
            memcpy(grown, table->values, table->count * sizeof *grown);
        table->values = grown;
    }
    struct feed_value *entry = &table->values[table->count++];
    return keep_text(reading, name, &entry->from) && keep_text(reading, value, &entry->to);
}

static bool read_pair(struct reading *reading, const char *section, const char *name, const char *value)
{
    if (strcmp(section, "feed") == 0)
        return read_key(reading, section, feed_keys, &reading->feed_given, name, value);
    if (strcmp(section, "map") == 0) {
        reading->config->mapped = true;
        return read_key(reading, section, map_keys, &reading->map_given, name, value);
    }
    if (strncmp(section, "fact.", 5) == 0 && section[5])
        return read_fact_key(reading, section, name, value);
    if (strncmp(section, "values.", 7) == 0 && section[7])
        return read_table_key(reading, section + 7, name, value);
    if (!*section)
        return REFUSE(reading, "%s stands before the first section, expected [feed] above it", name);
    struct nearest nearest = nearest_to(slice_of(section));
    static const char *const known[] = {"feed", "map", "fact.1", "values.NAME"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        nearest_consider(&nearest, slice_of(known[i]));
    char hint[128];
    return REFUSE(reading, "unknown section [%s]%s", section, suggestion(&nearest, hint, sizeof hint));
}

static int handle_pair(void *user, const char *section, const char *name, const char *value)
{
    struct reading *reading = user;
    if (reading->status != STATUS_OK)
        return 0;
    reading->empty_section = 0;
    return read_pair(reading, section, name, value);
}

/* --- lines ------------------------------------------------------------------------------------------------------ */

/* What the line must be for inih to read it as it stands; NULL when it is. */
static const char *line_fault(struct slice line)
{
    if (memchr(line.bytes, '\0', line.length) || !utf8_valid(line.bytes, line.length))
        return "found bytes that are no UTF-8 text, expected UTF-8";
    if (line.length > FEED_LINE_MAX)
        return "found a line of more than 190 bytes, expected at most that";
    struct slice inner = slice_trim(line);
    if (inner.length == 0 || inner.bytes[0] == '#' || inner.bytes[0] == ';')
        return NULL;
    if (inner.bytes[0] != line.bytes[0])
        return "found a blank at the line's beginning, expected none: every line stands for itself";
    if (inner.bytes[0] != '[')
        return memchr(inner.bytes, '=', inner.length) ? NULL : "found neither [section] nor key = value";
    if (inner.bytes[inner.length - 1] != ']')
        return "found a section without ] at the line's end";
    return inner.length - 2 > SECTION_NAME_MAX ? "found a section's name of more than 47 bytes" : NULL;
}

static void end_section(struct reading *reading)
{
    if (reading->empty_section > 0)
        (void)REFUSE_LINE(reading, reading->empty_section, "the section is empty, expected keys in it");
    reading->empty_section = 0;
}

/* inih's fgets. */
static char *next_line(char *out, int size, void *stream)
{
    struct reading *reading = stream;
    if (reading->rest.length == 0 || reading->status != STATUS_OK)
        return NULL;
    const char *end = memchr(reading->rest.bytes, '\n', reading->rest.length);
    struct slice line = {reading->rest.bytes,
                         end ? (size_t)(end - reading->rest.bytes) : reading->rest.length};
    size_t used = line.length + (end ? 1 : 0);
    reading->rest = (struct slice){reading->rest.bytes + used, reading->rest.length - used};
    reading->line++;
    const char *fault = line_fault(line);
    if (fault || line.length + 2 > (size_t)size) {
        (void)REFUSE(reading, "%s", fault ? fault : "the line is too long");
        return NULL;
    }
    struct slice inner = slice_trim(line);
    if (inner.length > 0 && inner.bytes[0] == '[') {
        end_section(reading);
        reading->empty_section = reading->line;
    }
    if (line.length > 0)
        memcpy(out, line.bytes, line.length);
    out[line.length] = '\n';
    out[line.length + 1] = '\0';
    return out;
}

/* --- what holds between keys -------------------------------------------------------------------------------------- */

static bool check_value(struct reading *reading, const struct fact_draft *draft, const char *value)
{
    int64_t parsed;
    const struct fact_code *code = draft->map.code;
    if (code->kind == FACT_CERTIFICATE)
        return true; /* holds somebody's ID: not for a configuration to say */
    enum fact_verdict verdict = fact_value_parse(code, slice_of(value), 0, &parsed);
    return verdict == FACT_OK || REFUSE_LINE(reading, draft->line, "[%s]: the value \"%s\" for %s: %s",
                                             draft->section, value, code->name, fact_verdict_text(verdict));
}

static bool link_values(struct reading *reading, struct fact_draft *draft)
{
    if (!draft->values_name)
        return true;
    const struct value_table *table = find_table(reading, draft->values_name);
    if (!table)
        return REFUSE_LINE(reading, draft->line, "[%s] values = %s: expected a section [values.%s]",
                           draft->section, draft->values_name, draft->values_name);
    for (size_t i = 0; i < table->count; i++)
        if (!check_value(reading, draft, table->values[i].to))
            return false;
    draft->map.values = table->values;
    draft->map.value_count = table->count;
    return true;
}

static bool finish_fact(struct reading *reading, struct fact_draft *draft)
{
    struct feed_fact_map *map = &draft->map;
    int line = draft->line;
    if (!map->code)
        return REFUSE_LINE(reading, line, "[%s]: found no code, expected one", draft->section);
    bool amount = map->code->kind == FACT_AMOUNT;
    if (!map->from && !(amount && map->to))
        return REFUSE_LINE(reading, line, "[%s]: found no from%s, expected the column with its date",
                           draft->section, amount ? " and no to" : "");
    if (map->fen && !amount)
        return REFUSE_LINE(reading, line, "[%s] unit: %s is no amount, expected no unit", draft->section,
                           map->code->name);
    bool needs_value = amount || map->code->kind == FACT_CHOICE || map->code->kind == FACT_CERTIFICATE ||
                       map->code->kind == FACT_TEXT;
    if (needs_value && !map->value && !map->constant)
        return REFUSE_LINE(reading, line, "[%s]: found no value, expected a column or =CONSTANT",
                           draft->section);
    if (map->constant && !check_value(reading, draft, map->constant))
        return false;
    if (map->date_format_count == 0)
        map->date_formats[map->date_format_count++] = "YYYY-MM-DD";
    if (reading->config->restricted && !feed_config_allows(reading->config, map->code))
        return REFUSE_LINE(reading, line, "[%s] code: %s is not among the codes of [feed]", draft->section,
                           map->code->name);
    return link_values(reading, draft);
}

static bool finish_map(struct reading *reading)
{
    struct feed_config *config = reading->config;
    if (reading->fact_count > 0 && !config->mapped)
        return REFUSE_LINE(reading, reading->facts[0].line, "[%s]: expected a section [map] beside it",
                           reading->facts[0].section);
    if (config->mapped && reading->fact_count == 0)
        return REFUSE(reading, "[map]: expected a section [fact.1] beside it");
    if (config->mapped && !config->id_column && !config->household_column)
        return REFUSE(reading, "[map]: found neither id_number nor household_no, expected one of them");
    for (size_t i = 0; i < reading->fact_count; i++) {
        if (!finish_fact(reading, &reading->facts[i]))
            return false;
        config->facts[i] = reading->facts[i].map;
    }
    config->fact_count = reading->fact_count;
    return true;
}

static bool finish_source(struct reading *reading)
{
    struct feed_config *config = reading->config;
    const struct source_name *known = source_by_name(slice_of(config->name));
    if (known && known->number == SOURCE_REGISTER)
        return REFUSE_LINE(reading, 1, "the feed's name is register, expected that of a partner");
    if (known) {
        if (reading->number_given && reading->number != known->number)
            return REFUSE_LINE(reading, 1, "[feed] number = %d: %s has the number %d", reading->number,
                               config->name, known->number);
        config->source = known->number;
        if (!config->title)
            config->title = known->title;
        return true;
    }
    struct nearest nearest = nearest_to(slice_of(config->name));
    for (const struct source_name *source = source_names; source->name; source++)
        nearest_consider(&nearest, slice_of(source->name));
    char hint[128];
    if (!reading->number_given)
        return REFUSE_LINE(
            reading, 1, "%s is no feed that is known%s (a county's own needs [feed] number = %d to %d)",
            config->name, suggestion(&nearest, hint, sizeof hint), SOURCE_COUNTY_FIRST, SOURCE_NUMBER_MAX);
    if (reading->number < SOURCE_COUNTY_FIRST)
        return REFUSE_LINE(reading, 1, "[feed] number: found %d, expected %d to %d for a county's own feed",
                           reading->number, SOURCE_COUNTY_FIRST, SOURCE_NUMBER_MAX);
    config->source = reading->number;
    if (!config->title)
        config->title = config->name;
    return true;
}

/* --- loading ---------------------------------------------------------------------------------------------------- */

static enum status config_new(const char *feed_name, struct feed_config **config, struct error *err)
{
    *config = NULL;
    if (!manifest_feed_name_ok(slice_of(feed_name)))
        return error_set(err, STATUS_CONFIG,
                         "found a feed's name that cannot be one, expected at most %d of a-z, 0-9 and _",
                         MANIFEST_FEED_MAX);
    struct arena *arena = arena_new(FEED_CONFIG_ARENA_BYTES);
    struct feed_config *made = arena ? arena_alloc(arena, sizeof *made) : NULL;
    if (!made || !(made->name = arena_strdup(arena, feed_name))) {
        arena_free(arena);
        return error_set(err, STATUS_FATAL, "out of memory");
    }
    made->arena = arena;
    made->encoding = ENCODING_AUTO;
    *config = made;
    return STATUS_OK;
}

void feed_config_free(struct feed_config *config)
{
    if (config)
        arena_free(config->arena);
}

enum status feed_config_parse(const char *file_name, struct slice text, const char *feed_name,
                              const struct dictionary *dictionary, struct feed_config **config,
                              struct error *err)
{
    enum status status = config_new(feed_name, config, err);
    if (status != STATUS_OK)
        return error_wrap(err, "%s", file_name);
    struct reading *reading = calloc(1, sizeof *reading);
    if (!reading) {
        feed_config_free(*config);
        *config = NULL;
        return error_set(err, STATUS_FATAL, "out of memory");
    }
    *reading = (struct reading){
        .file_name = file_name, .dictionary = dictionary, .config = *config, .err = err, .rest = text};
    if (text.length >= sizeof encoding_utf8_bom &&
        memcmp(text.bytes, encoding_utf8_bom, sizeof encoding_utf8_bom) == 0)
        reading->rest =
            (struct slice){text.bytes + sizeof encoding_utf8_bom, text.length - sizeof encoding_utf8_bom};
    int line = ini_parse_stream(next_line, reading, handle_pair, reading);
    end_section(reading);
    if (line != 0 && reading->status == STATUS_OK)
        (void)REFUSE_LINE(reading, line, "found neither [section] nor key = value");
    if (reading->status == STATUS_OK && finish_source(reading))
        (void)finish_map(reading);
    status = reading->status;
    free(reading);
    if (status != STATUS_OK) {
        feed_config_free(*config);
        *config = NULL;
    }
    return status;
}

enum status feed_config_load(const char *path, const struct dictionary *dictionary,
                             struct feed_config **config, struct error *err)
{
    *config = NULL;
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    size_t length = strlen(base);
    static const char suffix[] = ".conf";
    char name[MANIFEST_FEED_MAX + 1];
    if (length <= sizeof suffix - 1 || strcmp(base + length - (sizeof suffix - 1), suffix) != 0 ||
        length - (sizeof suffix - 1) > MANIFEST_FEED_MAX)
        return error_set(err, STATUS_CONFIG,
                         "%s: expected a file called as its feed, such as medical_insurance.conf", path);
    snprintf(name, sizeof name, "%.*s", (int)(length - (sizeof suffix - 1)), base);
    struct text text;
    text_init(&text);
    enum status status = file_read(path, FEED_CONFIG_BYTES_MAX, &text, err);
    if (status == STATUS_REJECT)
        status = err->status = STATUS_CONFIG;
    if (status == STATUS_OK)
        status =
            feed_config_parse(path, (struct slice){text.bytes, text.length}, name, dictionary, config, err);
    text_fini(&text);
    return status;
}

enum status feed_config_default(const char *feed_name, struct feed_config **config, struct error *err)
{
    enum status status = config_new(feed_name, config, err);
    if (status != STATUS_OK)
        return status;
    const struct source_name *known = source_by_name(slice_of(feed_name));
    if (known && known->number != SOURCE_REGISTER) {
        (*config)->source = known->number;
        (*config)->title = known->title;
        return STATUS_OK;
    }
    feed_config_free(*config);
    *config = NULL;
    return error_set(
        err, STATUS_CONFIG,
        "%s is no feed that is known, expected one of docs/feeds.md or a configuration with its number",
        feed_name);
}

bool feed_config_allows(const struct feed_config *config, const struct fact_code *code)
{
    return !config->restricted || config->codes[code->number / 64] >> (code->number % 64) & 1;
}

/* --- dates -------------------------------------------------------------------------------------------------------- */

/* Reads least to most digits. */
static bool read_digits(struct slice *text, size_t least, size_t most, int *number)
{
    size_t count = 0;
    *number = 0;
    while (count < most && count < text->length && text->bytes[count] >= '0' && text->bytes[count] <= '9')
        *number = *number * 10 + (text->bytes[count++] - '0');
    *text = (struct slice){text->bytes + count, text->length - count};
    return count >= least;
}

bool feed_date_parse(const char *format, struct slice text, day_t *day)
{
    int year = 0, month = 0, day_of_month = 0;
    while (*format) {
        bool ok;
        size_t run = 1;
        if (*format == 'Y') {
            run = 4;
            ok = read_digits(&text, 4, 4, &year);
        } else if (*format == 'M' || *format == 'D') {
            run = format[1] == *format ? 2 : 1;
            ok = read_digits(&text, run, 2, *format == 'M' ? &month : &day_of_month);
        } else {
            ok = text.length > 0 && text.bytes[0] == *format;
            if (ok)
                text = (struct slice){text.bytes + 1, text.length - 1};
        }
        if (!ok)
            return false;
        format += run;
    }
    return text.length == 0 && civil_from_ymd(year, month, day_of_month, day);
}
