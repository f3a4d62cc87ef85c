/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the county says about a feed: conf/feeds.d/NAME.conf, and how a partner's own columns become facts.
 *
 *     [feed]
 *     driver = drop                 only this one yet
 *     format = csv                  only this one yet
 *     encoding = auto               auto, utf-8, gb18030
 *     schedule = …                  calendar expression; kept, used by drivers that fetch
 *     number = 100                  only for a county's own feeds, 100–255; permanent
 *     title = 水利局                 for officials; only for a county's own feeds
 *     codes = expense.*, water.safe which facts it may state; all when not given
 *     allow_empty = no              whether a full batch without rows is believed
 *
 * Without [map] the file has the canonical columns (docs/feeds.md). With it:
 *     [map]
 *     id_number = 身份证号           or household_no; the column that says whom a row is about
 *     name = 姓名
 *     [fact.1]                      one or more; each makes at most one fact of a row
 *     code = expense.medical_self_paid
 *     value = 自付金额               a column, or =yes for a constant; not given: empty
 *     from = 结算日期
 *     to = 结算日期
 *     ref = 单据号
 *     as_of = 登记日期
 *     date_format = YYYY-MM-DD|YYYY/M/D   tried in turn; M and D without, MM and DD with leading zero
 *     unit = yuan                   or fen (amounts)
 *     values = GRADE                look the value up in [values.GRADE]; one that is not there is refused
 *     when = 状态 = 有效             only rows whose column holds exactly that state it
 *     [values.GRADE]
 *     一级 = 1
 *
 * A row that leaves value, from, to and ref of a fact empty does not state it; a row that states nothing is passed over.
 *
 * Blanks around names, keys and values do not count. Keys may not repeat. An error names file, line, what was
 * found and what was expected, for an unknown name with the nearest known one.
 *
 * Ownership: a config owns its texts, is immutable once loaded and may be read by any thread.
 */
#ifndef SHOUWANG_SOURCE_FEED_CONFIG_H
#define SHOUWANG_SOURCE_FEED_CONFIG_H

#include "base/status.h"
#include "domain/fact.h"
#include "source/encoding.h"
#include "source/manifest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum {
    FEED_FACTS_MAX = 16, /* facts of one row: the widest table known (education) makes 6 */
    FEED_DATE_FORMATS_MAX = 4,
    FEED_CONFIG_BYTES_MAX = 256 * 1024,
    FEED_LINE_MAX = 190, /* bytes of a line; inih would cut one of more than 198 without a word */
    FEED_CONFIG_ARENA_BYTES = 4 << 20,
};

struct feed_value {
    const char *from; /* as the partner writes it */
    const char *to;   /* as the exchange format does */
};

struct feed_fact_map {
    const struct fact_code *code;        /* borrowed from the dictionary */
    const char *value;                   /* column; NULL when constant or not given */
    const char *constant;                /* NULL when a column */
    const char *from, *to, *ref, *as_of; /* columns; NULL when not given */
    size_t date_format_count;
    const char *date_formats[FEED_DATE_FORMATS_MAX];
    bool fen;
    size_t value_count;
    const struct feed_value *values;      /* NULL when values are taken as they are; sorted by `from` */
    const char *when_column, *when_value; /* NULL: every row */
};

struct feed_config {
    const char *name; /* feed and folder name */
    int source;       /* number, domain/fact.h */
    const char *title;
    enum encoding encoding;
    const char *schedule; /* NULL when not given */
    bool allow_empty;
    bool restricted; /* only the codes whose bit is set */
    uint64_t codes[FACT_CODE_NUMBER_MAX / 64 + 1];
    /* Partner's own columns; canonical when mapped is false. */
    bool mapped;
    const char *id_column, *household_column, *name_column;
    size_t fact_count;
    struct feed_fact_map facts[FEED_FACTS_MAX];
    /* private */
    struct arena *arena;
};

/* The feed's name is the file's, without folders and ".conf". STATUS_CONFIG, with "file:line: …". */
enum status feed_config_load(const char *path, const struct dictionary *dictionary,
                             struct feed_config **config, struct error *err) WARN_UNUSED;
/* The same from memory; file_name is used in messages. */
enum status feed_config_parse(const char *file_name, struct slice text, const char *feed_name,
                              const struct dictionary *dictionary, struct feed_config **config,
                              struct error *err) WARN_UNUSED;
/* A known feed without configuration: canonical columns, any code. STATUS_CONFIG for an unknown name. */
enum status feed_config_default(const char *feed_name, struct feed_config **config,
                                struct error *err) WARN_UNUSED;
void feed_config_free(struct feed_config *config); /* NULL is allowed */

bool feed_config_allows(const struct feed_config *config, const struct fact_code *code);

#endif
