/* SPDX-License-Identifier: PostgreSQL */
/*
 * inih keeps 199 bytes of a line and 49 of a section's name and cuts without a word, takes a line that begins with a
 * blank for the continuation of the one before, and does not tell of a section without keys. So each line is looked at
 * before inih gets it (next_line), and what inih would read otherwise than it stands there is refused.
 */
#include "config.h"

#include "source/feed_config.h"

#include "base/arena.h"
#include "io/file.h"
#include "source/feed_config_reading.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTION_NAME_MAX = 47 }; /* inih keeps 49 bytes */

/* --- refusing --------------------------------------------------------------------------------------------------- */

bool feed_reading_refuse(struct feed_reading *reading, int line, const char *format, ...)
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

bool feed_reading_out_of_memory(struct feed_reading *reading)
{
    if (reading->status == STATUS_OK)
        reading->status = error_set(reading->err, STATUS_FATAL, "%s: out of memory", reading->file_name);
    return false;
}

const char *feed_reading_hint(const struct nearest *nearest, char *out, size_t size)
{
    out[0] = '\0';
    if (nearest->name.length)
        snprintf(out, size, ", did you mean %.*s?", (int)nearest->name.length, nearest->name.bytes);
    return out;
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

static void end_section(struct feed_reading *reading)
{
    if (reading->empty_section > 0)
        (void)REFUSE_LINE(reading, reading->empty_section, "the section is empty, expected keys in it");
    reading->empty_section = 0;
}

static int handle_pair(void *user, const char *section, const char *name, const char *value)
{
    struct feed_reading *reading = user;
    if (reading->status != STATUS_OK)
        return 0;
    reading->empty_section = 0;
    return feed_reading_pair(reading, section, name, value);
}

/* inih's fgets. */
static char *next_line(char *out, int size, void *stream)
{
    struct feed_reading *reading = stream;
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

static bool check_value(struct feed_reading *reading, const struct fact_draft *draft, const char *value)
{
    int64_t parsed;
    const struct fact_code *code = draft->map.code;
    if (code->kind == FACT_CERTIFICATE)
        return true; /* holds somebody's ID: not for a configuration to say */
    enum fact_verdict verdict = fact_value_parse(code, slice_of(value), 0, &parsed);
    return verdict == FACT_OK || REFUSE_LINE(reading, draft->line, "[%s]: the value \"%s\" for %s: %s",
                                             draft->section, value, code->name, fact_verdict_text(verdict));
}

static bool link_values(struct feed_reading *reading, struct fact_draft *draft)
{
    if (!draft->values_name)
        return true;
    const struct value_table *table = feed_reading_table(reading, draft->values_name);
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

static bool finish_fact(struct feed_reading *reading, struct fact_draft *draft)
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

static bool finish_map(struct feed_reading *reading)
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

static bool finish_source(struct feed_reading *reading)
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
        return REFUSE_LINE(reading, 1,
                           "%s is no feed that is known%s (a county's own needs [feed] number = %d to %d)",
                           config->name, feed_reading_hint(&nearest, hint, sizeof hint), SOURCE_COUNTY_FIRST,
                           SOURCE_NUMBER_MAX);
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
    struct feed_reading *reading = calloc(1, sizeof *reading);
    if (!reading) {
        feed_config_free(*config);
        *config = NULL;
        return error_set(err, STATUS_FATAL, "out of memory");
    }
    *reading = (struct feed_reading){
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
