/* SPDX-License-Identifier: PostgreSQL */
/*
 * A feed's configuration while it is read: what its keys (feed_config_keys.c) fill and its end (feed_config.c) checks. Of
 * several mistakes the first is told; what follows it is not looked at.
 */
#ifndef SHOUWANG_SOURCE_FEED_CONFIG_READING_H
#define SHOUWANG_SOURCE_FEED_CONFIG_READING_H

#include "base/nearest.h"
#include "source/feed_config.h"

enum {
    VALUE_TABLES_MAX = 32,
    VALUES_MAX = 1000, /* of one table: the list of serious illnesses has some hundred */
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

struct feed_reading {
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

/* All return false, so that a reader can return what they return. */
#define REFUSE_LINE(reading, at_line, ...) feed_reading_refuse((reading), (at_line), __VA_ARGS__)
#define REFUSE(reading, ...)               feed_reading_refuse((reading), (reading)->line, __VA_ARGS__)
bool feed_reading_refuse(struct feed_reading *reading, int line, const char *format, ...) PRINTF_LIKE(3, 4);
bool feed_reading_out_of_memory(struct feed_reading *reading);
/* ", did you mean …?" or nothing */
const char *feed_reading_hint(const struct nearest *nearest, char *out, size_t size);

/* A key of any section. */
bool feed_reading_pair(struct feed_reading *reading, const char *section, const char *name,
                       const char *value);
/* [values.NAME]; NULL when there is none. */
struct value_table *feed_reading_table(struct feed_reading *reading, const char *name);

#endif
