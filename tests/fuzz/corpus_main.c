/* SPDX-License-Identifier: PostgreSQL */
/*
 * Gives a fuzz target each file of its corpus: those named, or without arguments all of tests/fuzz/corpus/NAME, where the
 * program is called fuzz_NAME. Ends with a line in Check's form; says which file was the last when the target aborts.
 */
#include "config.h"

#include "fuzz.h"

#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { INPUT_MAX = 1 << 20, FILES_MAX = 5000 };

static const char *current = "";

static void tell_current(int signal_number)
{
    ssize_t told = write(STDERR_FILENO, "\nfuzz: with ", 12);
    told += write(STDERR_FILENO, current, strlen(current));
    told += write(STDERR_FILENO, "\n", 1);
    (void)told;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "fuzz: %s cannot be opened\n", path);
        exit(66);
    }
    char *bytes = malloc(INPUT_MAX);
    FUZZ_CHECK(bytes);
    size_t length = fread(bytes, 1, INPUT_MAX, file);
    fclose(file);
    /* of that size, so that a sanitizer sees every byte too far */
    uint8_t *exact = malloc(length ? length : 1);
    FUZZ_CHECK(exact);
    memcpy(exact, bytes, length);
    free(bytes);
    current = path;
    LLVMFuzzerTestOneInput(exact, length);
    current = "";
    free(exact);
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int run_corpus(const char *program)
{
    const char *source = getenv("abs_top_srcdir"), *name = strstr(program, "fuzz_");
    char folder[4096], path[8192];
    struct dirent **entries;
    if (!name)
        return 0;
    snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s", source ? source : ".", name + strlen("fuzz_"));
    int count = scandir(folder, &entries, not_hidden, alphasort);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        run_file(path);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return count;
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    int count = argc - 1;
    signal(SIGABRT, tell_current);
    for (int i = 1; i < argc; i++)
        run_file(argv[i]);
    if (argc == 1)
        count = run_corpus(slash ? slash + 1 : argv[0]);
    if (count <= 0) {
        fprintf(stderr, "fuzz: no corpus\n");
        return 66;
    }
    printf("100%%: Checks: %d, Failures: 0, Errors: 0\n", count);
    return 0;
}
