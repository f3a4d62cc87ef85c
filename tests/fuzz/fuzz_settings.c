/* SPDX-License-Identifier: PostgreSQL */
/*
 * A whole configuration: the conf file, townships with their secrets and keys, feeds, a dictionary, a policy. The input is a
 * series of files, each after a line "=== NAME"; names are those that a configuration has, whatever else it asks for.
 */
#include "config.h"

#include "app/settings.h"
#include "fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INPUT_MAX = 64 * 1024, MARK_LENGTH = 4 };

static const char *const names[] = {
    "shouwang.conf",           "facts.conf",         "county.policy",       "townships.d/610922103.conf",
    "townships.d/610922.conf", "townships.d/secret", "townships.d/key.pem", "feeds.d/medical_insurance.conf",
    "feeds.d/water.conf",
};
enum { NAMES = sizeof names / sizeof *names };

static void path_of(size_t name, char *out, size_t size)
{
    snprintf(out, size, "%s/%s", fuzz_folder(), names[name]);
}

static void make_folders(void)
{
    static bool made;
    char path[128];
    if (made)
        return;
    made = true;
    snprintf(path, sizeof path, "%s/townships.d", fuzz_folder());
    FUZZ_CHECK(mkdir(path, 0700) == 0);
    snprintf(path, sizeof path, "%s/feeds.d", fuzz_folder());
    FUZZ_CHECK(mkdir(path, 0700) == 0);
}

static void write_file(size_t name, const char *bytes, size_t length)
{
    char path[128];
    path_of(name, path, sizeof path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_CHECK(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
    close(fd);
}

static void remove_files(void)
{
    char path[128];
    for (size_t i = 0; i < NAMES; i++) {
        path_of(i, path, sizeof path);
        unlink(path);
    }
}

/* Where the next "=== " begins a line; the end when there is none. */
static size_t next_file(const char *text, size_t at, size_t length)
{
    for (; at + 4 <= length; at++)
        if (memcmp(text + at, "=== ", 4) == 0 && (at == 0 || text[at - 1] == '\n'))
            return at;
    return length;
}

static void write_named(const char *text, size_t length)
{
    const char *line_end = memchr(text, '\n', length);
    for (size_t i = 0; line_end && i < NAMES; i++)
        if ((size_t)(line_end - text) == strlen(names[i]) && memcmp(text, names[i], strlen(names[i])) == 0)
            write_file(i, line_end + 1, (size_t)(text + length - line_end - 1));
}

static void write_files(const char *text, size_t length)
{
    for (size_t at = next_file(text, 0, length); at + MARK_LENGTH <= length;) {
        size_t begin = at + MARK_LENGTH;
        at = next_file(text, begin, length);
        if (at > begin)
            write_named(text + begin, at - begin);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length > INPUT_MAX)
        return 0;
    char conf[128];
    struct settings *settings = NULL, *again = NULL;
    struct mistakes mistakes;
    struct error err = {0};
    make_folders();
    remove_files();
    write_files((const char *)bytes, length);
    path_of(0, conf, sizeof conf);
    mistakes_init(&mistakes);
    enum status status = settings_load(conf, &settings, &mistakes, &err);
    FUZZ_CHECK((status == STATUS_OK) == (settings != NULL));
    FUZZ_CHECK(status == STATUS_OK ? mistakes.count == 0 : err.text[0] != '\0');
    if (settings) {
        for (size_t i = 0; i < settings->townships.count; i++)
            FUZZ_CHECK(settings->townships.endpoints[i].secret_count >= 1 &&
                       settings->townships.endpoints[i].url);
        FUZZ_CHECK(settings->policy && settings->dictionary);
        FUZZ_CHECK(settings_load_again(settings, &again, &mistakes, &err) == STATUS_OK);
        settings_release(again);
        settings_release(settings);
    }
    mistakes_fini(&mistakes);
    return 0;
}
