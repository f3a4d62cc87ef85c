/* SPDX-License-Identifier: PostgreSQL */
/* The command line: [-c FILE] VERB [options] [words]; global options may stand anywhere. */
#include "config.h"
#include "ctl.h"

#include "app/json_memory.h"
#include "app/options.h"
#include "base/log.h"
#include "base/nearest.h"
#include "domain/fact.h"
#include "io/file.h"
#include "io/pg.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

static void print_verbs(FILE *out)
{
    fputs("usage: shouwangctl [-c FILE] VERB [options] …\n\n", out);
    for (const struct ctl_verb *verb = ctl_verbs; verb->name != NULL; verb++)
        fprintf(out, "  %s%s%-*s %s\n", verb->name, *verb->arguments ? " " : "",
                26 - (int)strlen(verb->name) - (*verb->arguments != '\0'), verb->arguments, verb->summary);
    fputs("\n  -c FILE    the configuration (default $SHOUWANG_CONF, else " SHOUWANG_SYSCONFDIR
          "/shouwang.conf)\n"
          "  --json     one JSON document on stdout\n"
          "  --help     this, or a verb's own help\n"
          "  --version\n\n"
          "Examples:\n"
          "  shouwangctl status\n"
          "  shouwangctl warnings --level red\n"
          "  shouwangctl round --help\n",
          out);
}

static void print_verb_help(const struct ctl_verb *verb)
{
    printf("usage: shouwangctl [-c FILE] %s%s%s%s\n\n%s\n\n", verb->name,
           verb->options[0].name ? " [options]" : "", *verb->arguments ? " " : "", verb->arguments,
           verb->summary);
    for (int i = 0; i < CTL_OPTIONS_MAX && verb->options[i].name != NULL; i++) {
        const struct ctl_option *option = &verb->options[i];
        char name[64];
        snprintf(name, sizeof name, "%s%s%s", option->name, option->argument ? " " : "",
                 option->argument ? option->argument : "");
        printf("  %-20s %s\n", name, option->help);
    }
    printf("  %-20s %s\n  %-20s %s\n\nExamples:\n", "--json", "one JSON document on stdout", "--help",
           "this");
    for (const char *line = verb->examples; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        printf("  shouwangctl %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

/* The verb that the words begin with (the longest that fits); *used gets the number of words it takes. */
static const struct ctl_verb *find_verb(char *const *words, int count, int *used)
{
    const struct ctl_verb *found = NULL;
    *used = 0;
    for (const struct ctl_verb *verb = ctl_verbs; verb->name != NULL; verb++) {
        const char *space = strchr(verb->name, ' ');
        size_t head = space ? (size_t)(space - verb->name) : strlen(verb->name);
        int needs = space ? 2 : 1;
        if (needs > count || strlen(words[0]) != head || strncmp(words[0], verb->name, head) != 0)
            continue;
        if (space && strcmp(words[1], space + 1) != 0)
            continue;
        if (needs > *used) {
            found = verb;
            *used = needs;
        }
    }
    return found;
}

/* Verbs that are spoken of (interfaces, plans), that this version does not have, and what does the same meanwhile. */
static const struct {
    const char *name, *meanwhile;
} later_verbs[] = {
    {"feed accept",
     "a file is accepted or refused when it is taken in; of a batch of unusual size see feed trust"},
    {"feed reject", "a wrong batch is put right by the sender's next one"},
    {"queue hold", "to stop sending, take the township's file out of townships.d and reload; events wait"},
    {"queue retry", "what waits is tried by itself; queue says when"},
    {"queue drop", "what cannot be delivered is given up by itself ([delivery] expiry)"},
    {"replay", "queue requeue sends again what failed or expired"},
    {"visits", "townships cannot report to this version yet"},
    {"report", "warnings --csv lists what stands, rounds what changed"},
    {"audit verify", "the table shouwang.audit holds the audit"},
};

/* 0, or an exit code after a message when the words are such a verb. */
static int refuse_later_verb(const char *first, const char *second)
{
    for (size_t i = 0; i < sizeof later_verbs / sizeof later_verbs[0]; i++) {
        const char *name = later_verbs[i].name, *space = strchr(name, ' ');
        const size_t head = space ? (size_t)(space - name) : strlen(name);
        if (strlen(first) == head && strncmp(first, name, head) == 0 &&
            (!space || (second && strcmp(second, space + 1) == 0)))
            return ctl_fail(EX_USAGE, "this version has no verb \"%s\" yet; %s", name,
                            later_verbs[i].meanwhile);
    }
    return 0;
}

/* What stands where a verb should. */
static int refuse_verb(const char *word)
{
    struct text verbs;
    text_init(&verbs);
    size_t head = strlen(word);
    for (const struct ctl_verb *verb = ctl_verbs; verb->name != NULL; verb++)
        if (strncmp(verb->name, word, head) == 0 && verb->name[head] == ' ')
            text_printf(&verbs, "%s%s", verbs.length > 0 ? ", " : "", verb->name);
    int exit_code;
    if (word[0] == '-')
        exit_code = ctl_fail(
            EX_USAGE,
            "unknown option %s; shouwangctl --help lists them, and shouwangctl VERB --help a verb's", word);
    else if (verbs.length > 0)
        exit_code = ctl_fail(EX_USAGE, "\"%s\" wants another word: %s; shouwangctl --help says what they do",
                             word, verbs.bytes);
    else {
        struct nearest nearest = nearest_to(slice_of(word));
        for (const struct ctl_verb *verb = ctl_verbs; verb->name != NULL; verb++)
            nearest_consider(&nearest, (struct slice){verb->name, strcspn(verb->name, " ")});
        exit_code = ctl_fail(EX_USAGE,
                             nearest.name.length
                                 ? "unknown verb \"%s\" (did you mean %.*s?); shouwangctl --help lists them"
                                 : "unknown verb \"%s\"%.*s; shouwangctl --help lists them",
                             word, (int)nearest.name.length, nearest.name.bytes);
    }
    text_fini(&verbs);
    return exit_code;
}

static int verb_option(const struct ctl_verb *verb, const char *name, size_t length)
{
    for (int i = 0; i < CTL_OPTIONS_MAX && verb->options[i].name != NULL; i++)
        if (strlen(verb->options[i].name) == length && strncmp(verb->options[i].name, name, length) == 0)
            return i;
    return -1;
}

/* Takes argv[i]; returns how many arguments it used, or 0 after a message. */
static int take_verb_option(struct ctl *ctl, int argc, char **argv, int i)
{
    const char *name = argv[i];
    size_t length = strcspn(name, "=");
    int index = verb_option(ctl->verb, name, length);
    if (index < 0) {
        struct nearest nearest = nearest_to((struct slice){name, length});
        nearest_consider(&nearest, slice_of("--json"));
        for (int j = 0; j < CTL_OPTIONS_MAX && ctl->verb->options[j].name != NULL; j++)
            nearest_consider(&nearest, slice_of(ctl->verb->options[j].name));
        ctl_usage(ctl,
                  nearest.name.length ? "unknown option %s (did you mean %.*s?)" : "unknown option %s%.*s",
                  name, (int)nearest.name.length, nearest.name.bytes);
        return 0;
    }
    bool wants_value = ctl->verb->options[index].argument != NULL;
    if (name[length] == '=') {
        if (!wants_value) {
            ctl_usage(ctl, "%.*s takes no value", (int)length, name);
            return 0;
        }
        ctl->values[index] = name + length + 1;
        return 1;
    }
    if (!wants_value) {
        ctl->values[index] = "";
        return 1;
    }
    if (i + 1 >= argc) {
        ctl_usage(ctl, "%s needs a %s", name, ctl->verb->options[index].argument);
        return 0;
    }
    ctl->values[index] = argv[i + 1];
    return 2;
}

/* First pass: global options, and the words that name the verb. An option's value is skipped only in the second pass, when
 * the verb is known; so the verb's words must come before its options' values, as they do when typed. */
static int read_globals(struct ctl *ctl, int argc, char **argv, bool *help, bool *version, char **rest,
                        int *rest_count)
{
    bool only_words = false;
    for (int i = 1; i < argc; i++) {
        if (only_words || argv[i][0] != '-' || argv[i][1] == '\0') {
            rest[(*rest_count)++] = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            only_words = true;
        } else if (strcmp(argv[i], "-c") == 0 || strcmp(argv[i], "--config") == 0) {
            if (i + 1 >= argc)
                return ctl_usage(ctl, "%s needs a FILE", argv[i]);
            ctl->conf_path = argv[++i];
            ctl->conf_given = true;
        } else if (strcmp(argv[i], "--json") == 0) {
            ctl->json = true;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            *help = true;
        } else if (strcmp(argv[i], "--version") == 0) {
            *version = true;
            return 0;
        } else {
            rest[(*rest_count)++] = argv[i];
        }
    }
    return 0;
}

static int read_verb(struct ctl *ctl, char **rest, int count)
{
    for (int i = 0; i < count;) {
        if (rest[i][0] == '-' && rest[i][1] != '\0') {
            int used = take_verb_option(ctl, count, rest, i);
            if (used == 0)
                return EX_USAGE;
            i += used;
        } else {
            if (ctl->word_count == CTL_WORDS_MAX)
                return ctl_usage(ctl, "too many arguments");
            ctl->words[ctl->word_count++] = rest[i++];
        }
    }
    if (ctl->word_count < ctl->verb->words_min)
        return ctl_usage(ctl, "%s is missing", ctl->verb->arguments);
    if (ctl->word_count > ctl->verb->words_max)
        return ctl_usage(ctl, "unexpected argument \"%s\"", ctl->words[ctl->verb->words_max]);
    return 0;
}

/* Only the conf file itself: what it names is read by the verbs that need it, so that a broken feed does not keep an
 * operator from looking. */
static int read_options(struct ctl *ctl, struct options_file *file)
{
    struct error err;
    struct mistakes mistakes;
    mistakes_init(&mistakes);
    enum options_use use = ctl->verb->settings == CTL_SOCKET ? OPTIONS_WITHOUT_CREDENTIALS : OPTIONS_WHOLE;
    enum status status = options_file_read(file, ctl->conf_path, use, &mistakes, &err);
    if (status == STATUS_OK)
        status = mistakes_verdict(&mistakes, &err);
    size_t count = mistakes.count;
    mistakes_fini(&mistakes);
    ctl->options = &file->values;
    if (status == STATUS_OK)
        return 0;
    int exit_code = ctl_permitted(ctl->conf_path, R_OK, err.text);
    if (exit_code != 0)
        return exit_code;
    return count > 1 ? ctl_fail(status_exit_code(status), "%s; shouwangd --check-config tells all", err.text)
                     : ctl_fail_error(&err);
}

static int run(struct ctl *ctl, struct options_file *file, int argc, char **argv)
{
    char **rest = calloc((size_t)argc, sizeof *rest);
    if (rest == NULL)
        return ctl_fail(EX_OSERR, "out of memory");
    int rest_count = 0, used = 0;
    bool help = false, version = false;
    int exit_code = read_globals(ctl, argc, argv, &help, &version, rest, &rest_count);
    if (version)
        rest_count = 0;
    if (exit_code == 0 && rest_count > 0)
        exit_code = refuse_later_verb(rest[0], rest_count > 1 ? rest[1] : NULL);
    if (exit_code == 0 && rest_count > 0) {
        ctl->verb = find_verb(rest, rest_count, &used);
        if (ctl->verb == NULL)
            exit_code = refuse_verb(rest[0]);
    }
    if (exit_code != 0) {
    } else if (version) {
        puts("shouwangctl " PACKAGE_VERSION);
    } else if (ctl->verb == NULL) {
        print_verbs(help ? stdout : stderr);
        exit_code = help ? 0 : EX_USAGE;
    } else if (help) {
        print_verb_help(ctl->verb);
    } else {
        exit_code = read_verb(ctl, rest + used, rest_count - used);
        if (exit_code == 0 && ctl->verb->settings != CTL_NOTHING)
            exit_code = read_options(ctl, file);
        if (exit_code == 0)
            exit_code = ctl->verb->run(ctl);
    }
    free(rest);
    return exit_code;
}

int main(int argc, char **argv)
{
    file_fill_standard();
    /* What is in our memory is about persons: a crash leaves no image of it in somebody's folder. */
    struct rlimit core;
    if (getrlimit(RLIMIT_CORE, &core) == 0)
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, core.rlim_max});
    json_memory_guard();
    setlocale(LC_CTYPE, "C.UTF-8");
    log_set_level(LOG_LEVEL_ERROR); /* what a verb does it says itself */
    struct options_file file = {0};
    struct ctl ctl = {.conf_path = options_default_path()};
    int exit_code = run(&ctl, &file, argc, argv);
    pg_close(ctl.pg);
    dictionary_free(ctl.dictionary);
    options_file_free(&file);
    if ((fflush(stdout) != 0 || ferror(stdout)) &&
        exit_code <= 1) /* 1: the answer is no, but it was not told */
        exit_code = ctl_fail(EX_IOERR, "cannot write the output");
    return exit_code;
}
