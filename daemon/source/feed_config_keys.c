/* SPDX-License-Identifier: PostgreSQL */
/* The keys of a feed's configuration: rows of a table per kind of section, each with a bit for "given already" and a function
 * that reads its value. */
#include "source/feed_config_reading.h"

#include "base/arena.h"
#include "domain/calendar.h"
#include "source/feed_date.h"

#include <stdlib.h>
#include <string.h>

enum { VALUES_FIRST = 32 };

static bool keep_text(struct feed_reading *reading, const char *value, const char **text)
{
    *text = arena_strdup(reading->config->arena, value);
    return *text || feed_reading_out_of_memory(reading);
}

static bool find_code(struct feed_reading *reading, const char *name, const struct fact_code **code)
{
    *code = dictionary_by_name(reading->dictionary, slice_of(name));
    if (*code)
        return true;
    struct nearest nearest = nearest_to(slice_of(name));
    for (size_t i = 0; i < dictionary_count(reading->dictionary); i++)
        nearest_consider(&nearest, slice_of(dictionary_at(reading->dictionary, i)->name));
    char hint[128];
    return REFUSE(reading, "found the code %s, expected one of the dictionary%s", name,
                  feed_reading_hint(&nearest, hint, sizeof hint));
}

/* --- [feed] ----------------------------------------------------------------------------------------------------- */

static bool read_only_value(struct feed_reading *reading, const char *key, const char *value,
                            const char *only)
{
    return strcmp(value, only) == 0 || REFUSE(reading, "%s: found %s, expected %s", key, value, only);
}

static bool read_driver(struct feed_reading *reading, const char *value)
{
    return read_only_value(reading, "driver", value, "drop");
}

static bool read_format(struct feed_reading *reading, const char *value)
{
    return read_only_value(reading, "format", value, "csv");
}

static bool read_encoding(struct feed_reading *reading, const char *value)
{
    return encoding_parse(slice_of(value), &reading->config->encoding) ||
           REFUSE(reading, "encoding: found %s, expected auto, utf-8 or gb18030", value);
}

static bool read_schedule(struct feed_reading *reading, const char *value)
{
    struct calendar calendar;
    struct error why;
    if (calendar_parse(value, &calendar, &why) != STATUS_OK)
        return REFUSE(reading, "schedule: %s", why.text);
    return keep_text(reading, value, &reading->config->schedule);
}

static bool read_number(struct feed_reading *reading, const char *value)
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

static bool read_title(struct feed_reading *reading, const char *value)
{
    return keep_text(reading, value, &reading->config->title);
}

static bool read_allow_empty(struct feed_reading *reading, const char *value)
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
static bool allow_pattern(struct feed_reading *reading, const char *pattern)
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

static bool read_codes(struct feed_reading *reading, const char *value)
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

static bool read_map_id(struct feed_reading *reading, const char *value)
{
    return keep_text(reading, value, &reading->config->id_column);
}

static bool read_map_household(struct feed_reading *reading, const char *value)
{
    return keep_text(reading, value, &reading->config->household_column);
}

static bool read_map_name(struct feed_reading *reading, const char *value)
{
    return keep_text(reading, value, &reading->config->name_column);
}

/* --- [fact.N] --------------------------------------------------------------------------------------------------- */

static struct fact_draft *fact_now(struct feed_reading *reading)
{
    return &reading->facts[reading->fact_count - 1];
}

static bool read_fact_code(struct feed_reading *reading, const char *value)
{
    return find_code(reading, value, &fact_now(reading)->map.code);
}

static bool read_fact_value(struct feed_reading *reading, const char *value)
{
    struct feed_fact_map *map = &fact_now(reading)->map;
    return value[0] == '=' ? keep_text(reading, value + 1, &map->constant)
                           : keep_text(reading, value, &map->value);
}

static bool read_fact_from(struct feed_reading *reading, const char *value)
{
    return keep_text(reading, value, &fact_now(reading)->map.from);
}

static bool read_fact_to(struct feed_reading *reading, const char *value)
{
    return keep_text(reading, value, &fact_now(reading)->map.to);
}

static bool read_fact_ref(struct feed_reading *reading, const char *value)
{
    return keep_text(reading, value, &fact_now(reading)->map.ref);
}

static bool read_fact_as_of(struct feed_reading *reading, const char *value)
{
    return keep_text(reading, value, &fact_now(reading)->map.as_of);
}

static bool read_fact_date_format(struct feed_reading *reading, const char *value)
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
            return feed_reading_out_of_memory(reading);
        if (!feed_date_format_ok(format))
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

static bool read_fact_unit(struct feed_reading *reading, const char *value)
{
    struct feed_fact_map *map = &fact_now(reading)->map;
    map->fen = strcmp(value, "fen") == 0;
    return map->fen || strcmp(value, "yuan") == 0 ||
           REFUSE(reading, "unit: found %s, expected yuan or fen", value);
}

static bool read_fact_values(struct feed_reading *reading, const char *value)
{
    return keep_text(reading, value, &fact_now(reading)->values_name);
}

static bool read_fact_when(struct feed_reading *reading, const char *value)
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
    return (map->when_column && map->when_value) || feed_reading_out_of_memory(reading);
}

/* --- sections --------------------------------------------------------------------------------------------------- */

struct key {
    const char *name;
    bool (*read)(struct feed_reading *reading, const char *value);
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

static bool read_key(struct feed_reading *reading, const char *section, const struct key *keys,
                     unsigned *given, const char *name, const char *value)
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
    return REFUSE(reading, "[%s]: unknown key %s%s", section, name,
                  feed_reading_hint(&nearest, hint, sizeof hint));
}

static bool read_fact_key(struct feed_reading *reading, const char *section, const char *name,
                          const char *value)
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

struct value_table *feed_reading_table(struct feed_reading *reading, const char *name)
{
    for (size_t i = 0; i < reading->table_count; i++)
        if (strcmp(reading->tables[i].name, name) == 0)
            return &reading->tables[i];
    return NULL;
}

static bool read_table_key(struct feed_reading *reading, const char *table_name, const char *name,
                           const char *value)
{
    struct value_table *table = feed_reading_table(reading, table_name);
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
        table->capacity = table->capacity ? table->capacity * 2 : VALUES_FIRST;
        struct feed_value *grown = arena_array(reading->config->arena, table->capacity, sizeof *grown);
        if (!grown)
            return feed_reading_out_of_memory(reading);
        if (table->count > 0)
            memcpy(grown, table->values, table->count * sizeof *grown);
        table->values = grown;
    }
    struct feed_value *entry = &table->values[table->count++];
    return keep_text(reading, name, &entry->from) && keep_text(reading, value, &entry->to);
}

bool feed_reading_pair(struct feed_reading *reading, const char *section, const char *name, const char *value)
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
    return REFUSE(reading, "unknown section [%s]%s", section, feed_reading_hint(&nearest, hint, sizeof hint));
}
