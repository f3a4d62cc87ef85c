/* SPDX-License-Identifier: PostgreSQL */
#include "app/townships.h"

#include "app/ini.h"
#include "domain/area.h"
#include "io/crypto.h"
#include "io/file.h"
#include "io/http_client.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SECRET_FILE_MAX_BYTES = 16 * 1024 };

struct reading {
    const struct options *options;
    struct mistakes *mistakes;
    struct township_file *file;
    struct endpoint_config *endpoint;
};

static void mistake(struct reading *reading, const char *key, const char *text)
{
    mistakes_add(reading->mistakes, reading->file->set.file,
                 option_line(&reading->file->set, "endpoint", key), "[endpoint] %s: %s", key, text);
}

/* --- secrets -------------------------------------------------------------------------------------------------- */

/* A secret that others can read is none any more: refused, not just warned of. */
static bool read_secret_file(struct reading *reading, const char *key, const char *path, struct text *content)
{
    struct error err;
    bool exposed = false;
    if (file_read_secret(path, SECRET_FILE_MAX_BYTES, content, &exposed, &err) != STATUS_OK) {
        mistakes_weigh(reading->mistakes, err.status);
        mistake(reading, key, err.text);
        return false;
    }
    if (exposed) {
        error_set(&err, STATUS_CONFIG,
                  "%s may be read by everybody; make a new secret, and keep it with chmod 640", path);
        mistake(reading, key, err.text);
        return false;
    }
    return true;
}

static void wipe(struct text *content)
{
    crypto_wipe(content->bytes, content->capacity);
    text_fini(content);
}

/* whsec_ and base64 of 24–64 bytes, as Standard Webhooks writes symmetric secrets. */
static void read_secret(struct reading *reading, const char *key, const char *path)
{
    static const char prefix[] = "whsec_";
    struct endpoint_secret *secret = &reading->endpoint->secrets[reading->endpoint->secret_count];
    struct text content;
    text_init(&content);
    if (read_secret_file(reading, key, path, &content)) {
        struct slice text = slice_trim((struct slice){content.bytes, content.length});
        bool prefixed = text.length > sizeof prefix - 1 && memcmp(text.bytes, prefix, sizeof prefix - 1) == 0;
        struct slice base64 = {text.bytes + sizeof prefix - 1, text.length - (sizeof prefix - 1)};
        if (prefixed && crypto_base64_decode(base64, secret->key, sizeof secret->key, &secret->length) &&
            secret->length >= ENDPOINT_KEY_MIN_BYTES)
            reading->endpoint->secret_count++;
        else
            mistake(reading, key,
                    "the file holds no secret: expected whsec_ and the base64 of 24 to 64 bytes");
    }
    wipe(&content);
}

static void read_signer(struct reading *reading, const char *path)
{
    struct text content;
    struct error err;
    text_init(&content);
    if (read_secret_file(reading, "ed25519_key_file", path, &content) &&
        crypto_signer_from_pem(&reading->endpoint->signer, content.bytes, content.length, &err) !=
            STATUS_OK) {
        mistakes_weigh(reading->mistakes, err.status);
        mistake(reading, "ed25519_key_file", err.text);
    }
    wipe(&content);
}

/* --- one file ------------------------------------------------------------------------------------------------- */

static void check_certificate_file(struct reading *reading, const char *key, const char *path)
{
    struct file_info info;
    struct error err;
    if (!path)
        return;
    if (file_stat(path, &info, &err) != STATUS_OK)
        mistake(reading, key, err.text);
    else if (!info.is_file) {
        error_set(&err, STATUS_CONFIG, "%s is not there or no file", path);
        mistake(reading, key, err.text);
    }
}

static void check_key_file(struct reading *reading, const char *path)
{
    struct text content;
    text_init(&content);
    if (path)
        (void)read_secret_file(reading, "client_key_file", path, &content);
    wipe(&content);
}

static void make_endpoint(struct reading *reading)
{
    const struct township_options *values = &reading->file->values;
    struct endpoint_config *endpoint = reading->endpoint;
    endpoint->url = values->url;
    endpoint->ca_file = values->ca_file;
    endpoint->client_cert_file = values->client_cert_file;
    endpoint->client_key_file = values->client_key_file;
    endpoint->disclosure = values->named ? ENDPOINT_NAMED : ENDPOINT_MASKED;
    endpoint->connections =
        (unsigned)(values->connections > 0 ? values->connections
                                           : reading->options->delivery_connections_per_endpoint);
    if (values->url && strncasecmp(values->url, "http:", 5) == 0 && !reading->options->delivery_plain_http &&
        !http_client_is_loopback(values->url))
        mistake(reading, "url",
                "http:// may lead to this machine alone; use https://, or allow [delivery] plain_http");
    if (values->secret_file)
        read_secret(reading, "secret_file", values->secret_file);
    if (values->secret_file_previous && endpoint->secret_count == 1)
        read_secret(reading, "secret_file_previous", values->secret_file_previous);
    if (values->ed25519_key_file)
        read_signer(reading, values->ed25519_key_file);
    check_certificate_file(reading, "ca_file", values->ca_file);
    check_certificate_file(reading, "client_cert_file", values->client_cert_file);
    check_key_file(reading, values->client_key_file);
    if (values->client_key_file && !values->client_cert_file)
        mistake(reading, "client_key_file", "a key without client_cert_file");
}

/* The code of "610922103.conf"; the county's own endpoint has 6 digits. */
static bool code_of_name(const char *name, int64_t county, int64_t *code)
{
    size_t length = strlen(name) - strlen(".conf");
    struct slice digits = {name, length};
    if (length == 6)
        return area_parse_county(digits, code) && *code == county;
    return area_parse_township(digits, code) && area_county_of_township(*code) == county;
}

static enum status read_township(struct townships *townships, struct reading *reading, const char *name,
                                 struct error *err)
{
    struct township_file *file = reading->file;
    file->set =
        (struct option_set){.table = &township_table, .arena = townships->arena, .values = &file->values};
    file->set.file = arena_printf(townships->arena, "%s/%s", reading->options->delivery_townships, name);
    if (!file->set.file)
        return error_set(err, STATUS_FATAL, "no memory for the townships");
    reading->endpoint->file = file->set.file;
    if (!code_of_name(name, reading->options->county_code, &reading->endpoint->code)) {
        mistakes_add(
            reading->mistakes, file->set.file, 0,
            "a township's file is named by its 9 digits within county %lld (the county's own by its 6) and "
            ".conf",
            (long long)reading->options->county_code);
        return STATUS_OK;
    }
    struct text text;
    text_init(&text);
    enum status status = file_read(file->set.file, INI_FILE_MAX_BYTES, &text, err);
    if (status == STATUS_OK) {
        option_set_read(&file->set, (struct slice){text.bytes, text.length}, reading->mistakes);
        make_endpoint(reading);
    } else if (status == STATUS_CONFIG || status == STATUS_REJECT) {
        mistakes_add_text(reading->mistakes, err->text);
        status = STATUS_OK;
    }
    text_fini(&text);
    return status;
}

/* --- the folder ----------------------------------------------------------------------------------------------- */

static bool is_conf(const char *name)
{
    size_t length = strlen(name);
    return length > 5 && strcmp(name + length - 5, ".conf") == 0;
}

/* Names are in order of their bytes; the county's 6 digits come before its townships' 9, as their numbers do. */
static enum status read_all(struct townships *townships, const struct file_list *list,
                            const struct options *options, struct mistakes *mistakes, struct error *err)
{
    townships->endpoints = arena_array(townships->arena, list->count, sizeof *townships->endpoints);
    townships->files = arena_array(townships->arena, list->count, sizeof *townships->files);
    if (!townships->endpoints || !townships->files)
        return error_set(err, STATUS_FATAL, "no memory for the townships");
    for (size_t i = 0; i < list->count; i++) {
        if (!is_conf(list->names[i]))
            continue;
        struct reading reading = {.options = options,
                                  .mistakes = mistakes,
                                  .file = &townships->files[townships->count],
                                  .endpoint = &townships->endpoints[townships->count]};
        townships->count++;
        enum status status = read_township(townships, &reading, list->names[i], err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

enum status townships_read(struct townships *townships, const struct options *options,
                           struct mistakes *mistakes, struct error *err)
{
    *townships = (struct townships){.arena = arena_new(0)};
    if (!townships->arena)
        return error_set(err, STATUS_FATAL, "no memory for the townships");
    struct file_info info;
    enum status status = file_stat(options->delivery_townships, &info, err);
    if (status != STATUS_OK || !info.exists)
        return status;
    struct file_list list;
    status = file_list_open(&list, options->delivery_townships, 4 * TOWNSHIPS_MAX, err);
    if (status != STATUS_OK)
        return status;
    status = read_all(townships, &list, options, mistakes, err);
    file_list_close(&list);
    return status;
}

void townships_free(struct townships *townships)
{
    for (size_t i = 0; i < townships->count; i++) {
        crypto_signer_free(townships->endpoints[i].signer);
        crypto_wipe(townships->endpoints[i].secrets, sizeof townships->endpoints[i].secrets);
    }
    arena_free(townships->arena);
    *townships = (struct townships){0};
}
