/* SPDX-License-Identifier: PostgreSQL */
#include "app/options.h"

#include "app/ini.h"
#include "io/file.h"
#include "io/pg.h"
#include "store/lease.h"

#include <stdlib.h>
#include <string.h>

const char options_heading[] =
    "# Shouwang's configuration. Lines that begin with # are comments; commented keys show their defaults.\n"
    "# Paths are absolute or begin at this file's folder. Durations: 500ms, 30s, 10min, 12h, 35d.\n"
    "# After a change: `shouwangd --check-config`, then `shouwangctl reload`. This text: `shouwangd "
    "--print-config`.\n";

static const struct option_section option_sections[] = {
    {"county", "Whose households these are"},
    {"database", "The PostgreSQL database that holds all durable state"},
    {"register", "A county's own database, where it is read by views instead of imported from files"},
    {"feeds", "What partner agencies send"},
    {"facts", "Kinds of facts"},
    {"policy", "What is a warning"},
    {"rounds", "When everything is compared with the policy"},
    {"delivery", "How townships are told"},
    {"lease", "Which of several daemons on this database acts"},
    {"http", "Health, metrics and the status page"},
    {"control", "Where shouwangctl speaks to the daemon"},
    {"state", "Files of the daemon's own"},
    {"log", "What the daemon tells operators"},
    {0},
};

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
#define DAYS(n) (INT64_C(86400000) * (n))

#define ROW(section_name, key_name, option_type_name, member)                                                \
    .section = section_name, .key = key_name, .type = &option_type_name,                                     \
    .offset = offsetof(struct options, member)

static const struct option_row option_rows[] = {
    {ROW("county", "code", option_county, county_code), .example = "610922",
     .flags = OPTION_REQUIRED | OPTION_FIXED, .help = "The county's 6 digits (GB/T 2260)"},
    {ROW("county", "name", option_text, county_name), .example = "示范县", .flags = OPTION_REQUIRED,
     .help = "The county's name, as officials read it"},

    {ROW("database", "conninfo", option_conninfo, database_conninfo), .example = "dbname=shouwang",
     .flags = OPTION_REQUIRED | OPTION_FIXED | OPTION_SECRET,
     .help = "How libpq reaches the database; keep a password in a passfile= or in credential:NAME"},
    {ROW("database", "connect_timeout", option_duration, database_connect_timeout), .standard = "5s",
     .least = SECOND, .most = 2 * MINUTE, .help = "How long a connection may take to come about"},

    {ROW("register", "schema", option_text, register_schema), .example = "county_register",
     .help = "Schema of the views household, person and fact; each round reads them first"},
    {ROW("register", "conninfo", option_conninfo, register_conninfo),
     .example = "host=10.61.0.5 dbname=county", .flags = OPTION_SECRET,
     .help = "How libpq reaches the county's database; without it the views are in our own"},

    {ROW("feeds", "directory", option_path, feeds_directory), .standard = "/var/lib/shouwang/drop",
     .help = "Drop directory: partners write into its folders, one for each feed"},
    {ROW("feeds", "archive", option_path, feeds_archive), .standard = "/var/lib/shouwang/archive",
     .help = "Where files go once they are taken in or refused; in the drop directory's file system"},
    {ROW("feeds", "config", option_path, feeds_config), .standard = "feeds.d",
     .help = "Folder of NAME.conf files, for feeds with columns of their own"},
    {ROW("feeds", "scan_interval", option_duration, feeds_scan_interval), .standard = "30s", .least = SECOND,
     .most = DAYS(1), .help = "How often the drop directory is looked through"},

    {ROW("facts", "dictionary", option_path, facts_dictionary), .example = "facts.county.conf",
     .help = "The county's additions to the dictionary of facts"},
    {ROW("policy", "file", option_path, policy_file), .example = "policies/shaanxi-county.policy",
     .flags = OPTION_REQUIRED, .help = "The policy that rounds evaluate"},

    {ROW("rounds", "schedule", option_schedule, rounds_schedule), .standard = "*-*-05 02:30",
     .help = "When a round runs by itself, Asia/Shanghai: a calendar expression, or off"},
    {ROW("rounds", "limit", option_limit, rounds_limit), .standard = "5% or 1000",
     .help =
         "A round that would raise or clear more warnings than this is held until an operator accepts it: "
         "a number, a share of all households (5%, or 5% or 1000: whichever is more), or none"},

    {ROW("delivery", "townships", option_path, delivery_townships), .standard = "townships.d",
     .help = "Folder of CODE.conf files, one for each township's receiver"},
    {ROW("delivery", "connections", option_count, delivery_connections), .standard = "64", .least = 1,
     .most = 4096,
     .help =
         "Attempts at one time, all townships together; half of them for those that do not answer within a second"},
    {ROW("delivery", "connections_per_endpoint", option_count, delivery_connections_per_endpoint),
     .standard = "4", .least = 1, .most = 256, .help = "Attempts at one time to one township"},
    {ROW("delivery", "timeout", option_duration, delivery_timeout), .standard = "15s", .least = SECOND,
     .most = 5 * MINUTE, .help = "How long one attempt may take in all"},
    {ROW("delivery", "retry_first", option_duration, delivery_retry_first), .standard = "5s", .least = 10,
     .most = 6 * HOUR, .help = "Wait after the first failed attempt; it doubles with every further one"},
    {ROW("delivery", "retry_max", option_duration, delivery_retry_max), .standard = "1h", .least = 10,
     .most = DAYS(1), .help = "The longest wait between two attempts"},
    {ROW("delivery", "expiry", option_duration, delivery_expiry), .standard = "3d", .least = MINUTE,
     .most = DAYS(60), .help = "After this time an event is given up and the county told instead"},
    {ROW("delivery", "allow", option_networks, delivery_allow), .example = "10.61.0.0/16 fd00::/8",
     .help = "Networks that events may be sent into; without it all"},
    {ROW("delivery", "plain_http", option_yesno, delivery_plain_http), .standard = "no",
     .help = "Whether http:// may lead anywhere but to this machine; without TLS everybody between can read "
             "along"},

    {ROW("lease", "duration", option_duration, lease_duration), .standard = "15s", .least = 2 * SECOND,
     .most = LEASE_DURATION_MAX_MS, .flags = OPTION_FIXED,
     .help = "After so long without a sign of life another daemon takes over; the same in all of them"},

    {ROW("http", "listen", option_listen, http_listen), .standard = "127.0.0.1:8090", .flags = OPTION_FIXED,
     .help =
         "Where health, metrics and the status page are served; they have no password, so keep them on this "
         "machine or behind a proxy"},
    {ROW("control", "socket", option_path, control_socket), .standard = "/run/shouwang/control.sock",
     .flags = OPTION_FIXED, .help = "The control socket; its group may give the daemon orders"},
    {ROW("state", "directory", option_path, state_directory), .standard = "/var/lib/shouwang",
     .flags = OPTION_FIXED, .help = "Working folder of the daemon; nothing in it is needed after a loss"},

    {ROW("log", "level", option_level, log_level), .standard = "info",
     .help = "The least that is logged: debug, info, notice, warn, error or alert"},
    {ROW("log", "file", option_path, log_file), .example = "/var/log/shouwang/shouwangd.log",
     .flags = OPTION_FIXED,
     .help = "Where the log goes instead of stderr; SIGUSR1 opens it again after a rotation"},
};

const struct option_table options_table = {
    .options = option_rows,
    .count = sizeof option_rows / sizeof *option_rows,
    .sections = option_sections,
};

static const struct option_section township_sections[] = {{"endpoint", "A township's receiver of events"},
                                                          {0}};

#define TOWNSHIP(key_name, option_type_name, member)                                                         \
    .section = "endpoint", .key = key_name, .type = &option_type_name,                                       \
    .offset = offsetof(struct township_options, member)

static const struct option_row township_rows[] = {
    {TOWNSHIP("url", option_url, url), .example = "https://jiedao.example.gov.cn/shouwang",
     .flags = OPTION_REQUIRED, .help = "Where events are posted to"},
    {TOWNSHIP("secret_file", option_path, secret_file), .example = "610922103.secret",
     .flags = OPTION_REQUIRED,
     .help = "File with the whsec_… secret that signs (Standard Webhooks); not readable by others"},
    {TOWNSHIP("secret_file_previous", option_path, secret_file_previous), .example = "610922103.secret.old",
     .help = "During a rotation: the secret before, which signs as well"},
    {TOWNSHIP("ed25519_key_file", option_path, ed25519_key_file), .example = "610922103.ed25519.pem",
     .help = "Private key (PKCS#8 PEM) for a v1a signature besides"},
    {TOWNSHIP("ca_file", option_path, ca_file), .example = "county-ca.pem",
     .help = "Certificates (PEM) that the receiver's is verified by, instead of the system's"},
    {TOWNSHIP("client_cert_file", option_path, client_cert_file), .example = "client.pem",
     .help = "Our certificate (PEM), where the receiver asks for one"},
    {TOWNSHIP("client_key_file", option_path, client_key_file), .example = "client.key",
     .help = "Its private key (PEM); not readable by others"},
    {TOWNSHIP("disclosure", option_named, named), .standard = "masked",
     .help = "masked: names and identity numbers are masked and addresses left out; named: they are told"},
    {TOWNSHIP("connections", option_count, connections), .example = "2", .least = 1, .most = 256,
     .help = "Attempts at one time to this township, instead of [delivery] connections_per_endpoint"},
};

const struct option_table township_table = {
    .options = township_rows,
    .count = sizeof township_rows / sizeof *township_rows,
    .sections = township_sections,
};

/* --- a conf file ---------------------------------------------------------------------------------------------- */

void options_check(const struct options *options, const struct option_set *set, struct mistakes *mistakes)
{
    if (options->delivery_retry_max < options->delivery_retry_first)
        mistakes_add(mistakes, set->file, option_line(set, "delivery", "retry_max"),
                     "[delivery] retry_max is shorter than retry_first");
    if (options->delivery_connections < options->delivery_connections_per_endpoint)
        mistakes_add(mistakes, set->file, option_line(set, "delivery", "connections_per_endpoint"),
                     "[delivery] connections_per_endpoint is more than connections");
}

/* A secret that others can read is none any more: refused, not just warned of. What a credential holds was judged with its file. */
static void check_passwords(const struct option_set *set, struct mistakes *mistakes)
{
    static const char *const sections[] = {"database", "register"};
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        const char *text = set->texts[option_index(set->table, sections[i], "conninfo")];
        if (text && strncmp(text, "credential:", 11) != 0 && pg_conninfo_has_password(text))
            mistakes_add(
                mistakes, set->file, option_line(set, sections[i], "conninfo"),
                "[%s] conninfo: it holds a password, and the file may be read by everybody; set a new one, "
                "and keep it in a passfile=, in credential:NAME, or here with chmod 640",
                sections[i]);
    }
}

static bool is_missing(const char *path)
{
    struct file_info info;
    struct error ignored;
    return file_stat(path, &info, &ignored) == STATUS_OK && !info.exists;
}

enum status options_file_read(struct options_file *file, const char *path, enum options_use use,
                              struct mistakes *mistakes, struct error *err)
{
    *file = (struct options_file){.set = {.table = &options_table,
                                          .values = &file->values,
                                          .without_credentials = use == OPTIONS_WITHOUT_CREDENTIALS}};
    file->set.arena = arena_new(0);
    file->set.file = file->set.arena ? arena_strdup(file->set.arena, path) : 0;
    if (!file->set.file)
        return error_set(err, STATUS_FATAL, "no memory to read %s", path);
    struct text text;
    text_init(&text);
    bool exposed = false;
    enum status status = file_read_secret(path, INI_FILE_MAX_BYTES, &text, &exposed, err);
    if (status != STATUS_OK && is_missing(path)) {
        const struct error cause = *err;
        error_set(err, status, "%s; name the configuration by -c FILE or SHOUWANG_CONF", cause.text);
    }
    if (status == STATUS_OK) {
        size_t before = mistakes->count;
        option_set_read(&file->set, (struct slice){text.bytes, text.length}, mistakes);
        if (mistakes->count == before)
            options_check(&file->values, &file->set, mistakes);
        if (exposed)
            check_passwords(&file->set, mistakes);
    }
    text_fini(&text);
    return status;
}

void options_file_free(struct options_file *file)
{
    arena_free(file->set.arena);
    *file = (struct options_file){0};
}

const char *options_default_path(void)
{
    const char *path = getenv("SHOUWANG_CONF");
    return path && *path ? path : SHOUWANG_SYSCONFDIR "/shouwang.conf";
}
