/* SPDX-License-Identifier: PostgreSQL */
/*
 * The options of shouwang.conf and of townships.d/CODE.conf: the two tables, and the structs that they fill.
 *
 * A new option is one row in options.c and one member here. `shouwangd --print-config` prints the table as a sample,
 * which conf/shouwang.conf holds.
 */
#ifndef SHOUWANG_APP_OPTIONS_H
#define SHOUWANG_APP_OPTIONS_H

#include "app/option.h"
#include "app/option_values.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Texts are NULL where an option without default is not given. Durations are ms. */
struct options {
    int64_t county_code;
    const char *county_name;

    const char *database_conninfo;
    int64_t database_connect_timeout;

    const char *register_schema;   /* NULL: the register comes by shouwangctl import DIR alone */
    const char *register_conninfo; /* NULL: the schema is in our own database */

    const char *feeds_directory, *feeds_archive, *feeds_config;
    int64_t feeds_scan_interval;

    const char *facts_dictionary; /* NULL: the base dictionary alone */
    const char *policy_file;

    struct option_schedule rounds_schedule;
    struct round_limit rounds_limit;

    const char *delivery_townships;
    int64_t delivery_connections, delivery_connections_per_endpoint;
    int64_t delivery_timeout, delivery_retry_first, delivery_retry_max, delivery_expiry;
    struct option_networks delivery_allow; /* count 0: everywhere */
    bool delivery_plain_http;

    int64_t lease_duration;

    const char *http_listen; /* NULL: off */
    const char *control_socket;
    const char *state_directory;

    int64_t log_level;    /* enum log_level */
    const char *log_file; /* NULL: stderr */
};

extern const struct option_table options_table;

struct township_options {
    const char *url;
    const char *secret_file, *secret_file_previous;
    const char *ed25519_key_file;
    const char *ca_file, *client_cert_file, *client_key_file;
    bool named;
    int64_t connections; /* 0: [delivery] connections_per_endpoint */
};

extern const struct option_table township_table;

/* The conf file's heading in the sample. */
extern const char options_heading[];

/* A conf file's values with all that they point to. */
struct options_file {
    struct options values;
    struct option_set set;
};

/* OPTIONS_WITHOUT_CREDENTIALS: for who needs no database; `conninfo = credential:NAME` is left unread, and is NULL. */
enum options_use { OPTIONS_WHOLE, OPTIONS_WITHOUT_CREDENTIALS };

/*
 * Reads a conf file alone, without the files that it names: enough for shouwangctl to find database and socket. Mistakes
 * are added; the values are there all the same, so that the caller may go on with its checks. STATUS_CONFIG, STATUS_RETRY:
 * the file cannot be read. Free with options_file_free in every case.
 */
enum status options_file_read(struct options_file *file, const char *path, enum options_use use,
                              struct mistakes *mistakes, struct error *err) WARN_UNUSED;
/* Values that do not fit together; once each of them is right. Done by options_file_read. */
void options_check(const struct options *options, const struct option_set *set, struct mistakes *mistakes);
void options_file_free(struct options_file *file);

/* -c's value, or SHOUWANG_CONF, or the system's: where the conf file is. */
const char *options_default_path(void);

#endif
