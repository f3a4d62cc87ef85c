/* SPDX-License-Identifier: PostgreSQL */
/* Settings from real files in a folder of the test's own: all of them, their mistakes, and what a reload tells. */
#include "config.h" /* mkdtemp, setenv */

#include "test_app.h"

#include "app/settings.h"
#include "app/settings_difference.h"
#include "base/log.h"
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static char conf[128];

static const char good_secret[] = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\n"; /* 24 bytes */

static void write_file(const char *name, const char *text, mode_t mode)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
    FILE *file = fopen(path, "w");
    ck_assert_msg(file != 0, "%s", path);
    fputs(text, file);
    fclose(file);
    chmod(path, mode);
}

static void write_conf(const char *more)
{
    char text[1024];
    snprintf(text, sizeof text,
             "[county]\ncode = 610922\nname = 示范县\n[database]\nconninfo = dbname=x password=geheim\n"
             "[policy]\nfile = %s/conf/policies/shaanxi-county.policy\n%s",
             getenv("abs_top_srcdir"), more);
    write_file("shouwang.conf", text, 0640);
}

static void write_township(const char *code, const char *more)
{
    char name[64], text[512];
    snprintf(name, sizeof name, "townships.d/%s.conf", code);
    snprintf(text, sizeof text, "[endpoint]\nurl = https://%s.example/hook\nsecret_file = secret\n%s", code,
             more);
    write_file(name, text, 0644);
}

static void make_folder(void)
{
    char path[256];
    snprintf(folder, sizeof folder, "/tmp/swsettings.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(conf, sizeof conf, "%s/shouwang.conf", folder);
    snprintf(path, sizeof path, "%s/townships.d", folder);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/feeds.d", folder);
    mkdir(path, 0755);
    write_conf("");
    write_file("townships.d/secret", good_secret, 0600);
    write_township("610922103", "");
}

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static struct settings *load_good(void)
{
    struct settings *settings = 0;
    struct mistakes mistakes;
    struct error err = {0};
    mistakes_init(&mistakes);
    enum status status = settings_load(conf, &settings, &mistakes, &err);
    ck_assert_msg(status == STATUS_OK, "%s", err.text);
    ck_assert_uint_eq(mistakes.count, 0);
    mistakes_fini(&mistakes);
    return settings;
}

/* Loading must fail, with a line that holds these words; returns how many mistakes there were. */
static size_t must_fail(const char *words)
{
    struct settings *settings = 0;
    struct mistakes mistakes;
    struct error err = {0};
    mistakes_init(&mistakes);
    ck_assert_int_eq(settings_load(conf, &settings, &mistakes, &err), STATUS_CONFIG);
    ck_assert_ptr_null(settings);
    const char *lines = mistakes.lines.bytes ? mistakes.lines.bytes : "";
    ck_assert_msg(strstr(lines, words) != 0, "%.400s lacks %s", lines, words);
    ck_assert_ptr_null(strstr(lines, "geheim"));
    ck_assert_ptr_null(strstr(lines, "MDEyMzQ1"));
    size_t count = mistakes.count;
    mistakes_fini(&mistakes);
    return count;
}

START_TEST(everything_is_ready_for_use)
{
    struct settings *settings = load_good();
    ck_assert_uint_eq(strlen(settings->policy_hash), 64);
    ck_assert_uint_eq(settings->townships.count, 1);
    const struct endpoint_config *endpoint = &settings->townships.endpoints[0];
    ck_assert_int_eq(endpoint->code, 610922103);
    ck_assert_str_eq(endpoint->url, "https://610922103.example/hook");
    ck_assert_uint_eq(endpoint->secret_count, 1);
    ck_assert_uint_eq(endpoint->secrets[0].length, 24);
    ck_assert_mem_eq(endpoint->secrets[0].key, "012345678901234567890123", 24);
    ck_assert_uint_eq(endpoint->connections, 4);
    ck_assert_int_eq(endpoint->disclosure, ENDPOINT_MASKED);
    ck_assert_uint_eq(settings->named_count, 0);
    settings_hold(settings);
    settings_release(settings);
    settings_release(settings);
}
END_TEST

/* Seven sources: one has a folder, one a configuration that lacks what is expected of it; of the other five nobody can send. */
START_TEST(sources_are_compared_with_feeds)
{
    char path[256], more[512];
    snprintf(path, sizeof path, "%s/drop", folder);
    mkdir(path, 0755);
    snprintf(more, sizeof more, "[feeds]\ndirectory = %s\n", path);
    write_conf(more);
    snprintf(path, sizeof path, "%s/drop/housing", folder);
    mkdir(path, 0755);
    write_file("drop/education", "a file, no folder", 0644);
    write_file(
        "feeds.d/medical_insurance.conf",
        "[feed]\ndriver = drop\nformat = csv\nencoding = auto\ncodes = expense.medical_self_paid, relief.medical\n",
        0644);
    write_file("feeds.d/water.conf", "[feed]\ndriver = drop\nformat = csv\ncodes = asset.deposit\n", 0644);
    struct settings *settings = load_good();
    const struct policy_diagnostics *warnings = &settings->findings.warnings,
                                    *notices = &settings->findings.notices;
    ck_assert_uint_eq(warnings->count, 6);
    ck_assert_ptr_nonnull(strstr(warnings->items[0].text, "来源“残联”没有配置"));
    ck_assert_ptr_nonnull(strstr(warnings->items[1].text, "drop/education/"));
    ck_assert_ptr_nonnull(strstr(warnings->items[5].text, "“重病 illness.serious”应由“医保局”提供"));
    ck_assert_uint_eq(notices->count, 1);
    ck_assert_ptr_nonnull(strstr(notices->items[0].text, "“water”"));
    settings_release(settings);
}
END_TEST

START_TEST(townships_are_ordered_and_the_named_known)
{
    write_township("610922204", "disclosure = named\nconnections = 9\n");
    write_township("610922001", "disclosure = named\n");
    write_township("610922", "");
    write_file("townships.d/README", "not a township", 0644);
    struct settings *settings = load_good();
    static const int64_t codes[] = {610922, 610922001, 610922103, 610922204};
    ck_assert_uint_eq(settings->townships.count, 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(settings->townships.endpoints[i].code, codes[i]);
    ck_assert_uint_eq(settings->townships.endpoints[3].connections, 9);
    ck_assert_uint_eq(settings->named_count, 2);
    ck_assert_int_eq(settings->named_townships[0], 610922001);
    ck_assert_int_eq(settings->named_townships[1], 610922204);
    settings_release(settings);
}
END_TEST

START_TEST(secrets_must_be_kept)
{
    write_file("townships.d/secret", good_secret, 0644);
    must_fail("may be read by everybody");
    write_file("townships.d/secret", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMT\n", 0600);
    must_fail("the file holds no secret: expected whsec_");
    write_file("townships.d/secret", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\n", 0600);
    must_fail("the file holds no secret: expected whsec_");
    write_file("townships.d/secret", "whsec_MDEyMzQ1\n", 0600);
    must_fail("24 to 64 bytes");
    write_file("townships.d/secret", good_secret, 0600);
    write_township("610922103", "secret_file_previous = nowhere\n");
    must_fail("610922103.conf:4: [endpoint] secret_file_previous: ");
    write_township("610922103", "client_key_file = secret\n");
    must_fail("client_key_file: a key without client_cert_file");
    write_township("610922103", "ed25519_key_file = secret\n");
    must_fail("610922103.conf:4: [endpoint] ed25519_key_file: ");
    write_township("610922103", "ca_file = nowhere.pem\n");
    must_fail("610922103.conf:4: [endpoint] ca_file: ");
}
END_TEST

/* The configuration itself, when a connection string in it holds a password. */
START_TEST(passwords_must_be_kept)
{
    static const struct {
        const char *conninfo;
        mode_t mode;
        bool good;
    } cases[] = {
        {"dbname=x password=geheim", 0644, false},
        {"dbname=x password = 'geheim'", 0604, false},
        {"postgresql://li:geheim@localhost/x", 0644, false},
        {"dbname=x sslkey=k sslpassword=geheim", 0644, false},
        {"dbname=x password=geheim", 0640, true},
        {"dbname=x passfile=/etc/shouwang/pgpass", 0644, true},
        {"dbname=password user=password", 0644, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text,
                 "[county]\ncode = 610922\nname = 示范县\n[database]\nconninfo = %s\n"
                 "[policy]\nfile = %s/conf/policies/shaanxi-county.policy\n",
                 cases[i].conninfo, getenv("abs_top_srcdir"));
        write_file("shouwang.conf", text, cases[i].mode);
        if (cases[i].good)
            settings_release(load_good());
        else
            must_fail(
                "shouwang.conf:5: [database] conninfo: it holds a password, and the file may be read by "
                "everybody");
    }
}
END_TEST

START_TEST(a_rotation_has_two_secrets)
{
    write_file("townships.d/old", "whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=\n", 0640);
    write_township("610922103", "secret_file_previous = old\n");
    struct settings *settings = load_good();
    const struct endpoint_config *endpoint = &settings->townships.endpoints[0];
    ck_assert_uint_eq(endpoint->secret_count, 2);
    ck_assert_uint_eq(endpoint->secrets[1].length, 32);
    ck_assert_int_eq(endpoint->secrets[1].key[0], 'a');
    settings_release(settings);
}
END_TEST

START_TEST(plain_http_is_for_this_machine)
{
    static const struct {
        const char *url;
        bool good;
    } rows[] = {{"http://127.0.0.1:80/x", true},
                {"http://127.9.9.9/", true},
                {"http://[::1]:8080/", true},
                {"http://localhost:1/", true},
                {"http://10.1.1.1/", false},
                {"http://127.0.0.1.example/", false},
                {"http://localhost.example/", false},
                {"http://[::2]/", false},
                {"http:/10.1.1.1/?x=://127.0.0.1/", false},
                {"https://10.1.1.1/", true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[256];
        snprintf(text, sizeof text, "[endpoint]\nurl = %s\nsecret_file = secret\n", rows[i].url);
        write_file("townships.d/610922103.conf", text, 0644);
        if (rows[i].good)
            settings_release(load_good());
        else
            must_fail("http:// may lead to this machine alone");
    }
    write_conf("[delivery]\nplain_http = yes\n");
    settings_release(load_good());
}
END_TEST

START_TEST(mistakes_of_all_files_are_told_together)
{
    write_conf("[rounds]\nschedul = monthly\n");
    write_township("610922999", "");
    write_township("610923103", "");
    write_township("610922104", "url = https://a/\ndisclosure = some\n");
    write_file("feeds.d/no_such_feed.conf", "[feed]\nformat = csv\n", 0644);
    ck_assert_uint_ge(must_fail("shouwang.conf:9: unknown key schedul"), 5);
    must_fail("610922999.conf: a township's file is named by its 9 digits");
    must_fail("610923103.conf: a township's file is named by its 9 digits within county 610922");
    must_fail("610922104.conf:4: [endpoint] url is given twice");
    must_fail("610922104.conf:5: [endpoint] disclosure = some");
    must_fail("feeds.d/no_such_feed.conf");
}
END_TEST

START_TEST(a_broken_policy_is_told_with_line_and_column)
{
    char more[256];
    write_file("bad.policy", "政策 试  版本 1  生效 2021-01-01\n标准 低保 : 元/年/人\n", 0644);
    snprintf(more, sizeof more,
             "[county]\ncode = 610922\nname = x\n[database]\nconninfo = a\n[policy]\nfile = bad.policy\n");
    write_file("shouwang.conf", more, 0644);
    char words[160];
    snprintf(words, sizeof words, "%s/bad.policy:2:", folder);
    must_fail(words);
    snprintf(more, sizeof more,
             "[county]\ncode = 610922\nname = x\n[database]\nconninfo = a\n[policy]\nfile = none.policy\n");
    write_file("shouwang.conf", more, 0644);
    must_fail("shouwang.conf:7: [policy] file: ");
}
END_TEST

START_TEST(a_conf_file_that_is_not_there_is_a_mistake)
{
    unlink(conf);
    must_fail("shouwang.conf");
}
END_TEST

/* --- reload --------------------------------------------------------------------------------------------------- */

static char log_path[128];

static char *read_log(void)
{
    static char text[16384];
    FILE *file = fopen(log_path, "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return text;
}

/* Loads again as a reload does, and returns what it logs. */
static const char *reload_log(struct settings **settings)
{
    struct settings *after = 0;
    struct mistakes mistakes;
    struct error err = {0};
    snprintf(log_path, sizeof log_path, "%s/log", folder);
    unlink(log_path);
    ck_assert_int_eq(log_open(log_path, false, &err), STATUS_OK);
    mistakes_init(&mistakes);
    enum status status = settings_load_again(*settings, &after, &mistakes, &err);
    ck_assert_msg(status == STATUS_OK, "%s", err.text);
    settings_difference_log(*settings, after);
    ck_assert_int_eq(log_open(0, false, &err), STATUS_OK);
    mistakes_fini(&mistakes);
    settings_release(*settings);
    *settings = after;
    return read_log();
}

static void must_hold(const char *log, const char *words)
{
    ck_assert_msg(strstr(log, words) != 0, "%.900s lacks: %s", log, words);
}

START_TEST(the_same_files_again_change_nothing)
{
    struct settings *settings = load_good();
    ck_assert_str_eq(reload_log(&settings), "");
    settings_release(settings);
}
END_TEST

START_TEST(a_reload_tells_each_key)
{
    struct settings *settings = load_good();
    write_conf("[delivery]\ntimeout = 20s\n[http]\nlisten = 127.0.0.1:99\n[rounds]\nlimit = 7\n");
    write_township("610922103", "connections = 2\n");
    write_township("610922104", "");
    const char *log = reload_log(&settings);
    must_hold(log, "event=config.changed key=delivery.timeout from=15s to=20s\n");
    must_hold(log, "event=config.changed key=rounds.limit from=\"5% or 1000\" to=7\n");
    must_hold(log,
              "event=config.restart_needed key=http.listen in_use=127.0.0.1:8090 written=127.0.0.1:99\n");
    must_hold(log, "event=config.changed key=townships.610922103.endpoint.connections from=- to=2\n");
    must_hold(log, "event=config.township township=610922104 change=added\n");
    ck_assert_ptr_null(strstr(log, "key=http.listen from"));
    ck_assert_int_eq(settings->options->delivery_timeout, 20000);
    ck_assert_str_eq(settings->options->http_listen, "127.0.0.1:8090");
    settings_release(settings);
}
END_TEST

START_TEST(a_reload_tells_of_secrets_without_telling_them)
{
    struct settings *settings = load_good();
    char text[512];
    snprintf(text, sizeof text,
             "[county]\ncode = 610922\nname = 示范县\n[database]\nconninfo = dbname=x password=anders\n"
             "[policy]\nfile = %s/conf/policies/shaanxi-county.policy\n",
             getenv("abs_top_srcdir"));
    write_file("shouwang.conf", text, 0640);
    write_file("townships.d/secret", "whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=\n", 0600);
    const char *log = reload_log(&settings);
    must_hold(log, "event=config.township township=610922103 change=secret\n");
    must_hold(log, "event=config.restart_needed key=database.conninfo");
    ck_assert_ptr_null(strstr(log, "anders"));
    ck_assert_ptr_null(strstr(log, "geheim"));
    ck_assert_ptr_null(strstr(log, "YWFh"));
    ck_assert_str_eq(settings->options->database_conninfo, "dbname=x password=geheim");
    settings_release(settings);
}
END_TEST

START_TEST(a_reload_tells_of_files)
{
    struct settings *settings = load_good();
    unlink(conf);
    write_conf("");
    write_file("feeds.d/medical_insurance.conf", "[feed]\ndriver = drop\nformat = csv\nencoding = auto\n",
               0644);
    const char *log = reload_log(&settings);
    must_hold(log, "feeds.d/medical_insurance.conf change=added\n");
    ck_assert_uint_eq(settings->feed_count, 1);
    write_file("feeds.d/medical_insurance.conf", "[feed]\ndriver = drop\nformat = csv\nencoding = utf-8\n",
               0644);
    log = reload_log(&settings);
    must_hold(log, "feeds.d/medical_insurance.conf change=changed\n");
    char path[256];
    snprintf(path, sizeof path, "%s/feeds.d/medical_insurance.conf", folder);
    unlink(path);
    log = reload_log(&settings);
    must_hold(log, "feeds.d/medical_insurance.conf change=removed\n");
    ck_assert_uint_eq(settings->feed_count, 0);
    settings_release(settings);
}
END_TEST

Suite *settings_suite(void)
{
    Suite *suite = suite_create("settings");
    TCase *tcase = tcase_create("settings");
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_add_test(tcase, everything_is_ready_for_use);
    tcase_add_test(tcase, sources_are_compared_with_feeds);
    tcase_add_test(tcase, townships_are_ordered_and_the_named_known);
    tcase_add_test(tcase, secrets_must_be_kept);
    tcase_add_test(tcase, passwords_must_be_kept);
    tcase_add_test(tcase, a_rotation_has_two_secrets);
    tcase_add_test(tcase, plain_http_is_for_this_machine);
    tcase_add_test(tcase, mistakes_of_all_files_are_told_together);
    tcase_add_test(tcase, a_broken_policy_is_told_with_line_and_column);
    tcase_add_test(tcase, a_conf_file_that_is_not_there_is_a_mistake);
    tcase_add_test(tcase, the_same_files_again_change_nothing);
    tcase_add_test(tcase, a_reload_tells_each_key);
    tcase_add_test(tcase, a_reload_tells_of_secrets_without_telling_them);
    tcase_add_test(tcase, a_reload_tells_of_files);
    suite_add_tcase(suite, tcase);
    return suite;
}
