/* SPDX-License-Identifier: PostgreSQL */
/* shouwangd: reads its arguments and starts the daemon. */
#include "app/daemon.h"
#include "app/json_memory.h"
#include "app/options.h"
#include "base/kill_point.h"
#include "config.h"
#include "io/file.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const char usage[] = "usage: shouwangd [-c FILE] [-f] [--once]\n"
                            "       shouwangd [-c FILE] --check-config\n"
                            "       shouwangd --print-config | --version | --help\n";

static const char help[] =
    "Watches over a county's households: takes in what partner agencies send, compares everything with the "
    "policy, and\n"
    "tells the townships. Stays in the foreground; a service manager keeps it running.\n"
    "\n"
    "  -c FILE         the configuration (default: $SHOUWANG_CONF, or " SHOUWANG_SYSCONFDIR
    "/shouwang.conf)\n"
    "  -f              log to stderr even if [log] file is set\n"
    "  --once          take in what lies in the drop directory, run one round, deliver what is due, end\n"
    "  --check-config  read everything that the configuration names, tell every mistake, end\n"
    "  --print-config  print a configuration with every option, its meaning and its default\n"
    "  --version, --help\n"
    "\n"
    "SIGHUP reloads the configuration, SIGTERM ends when attempts in flight are finished, SIGUSR1 opens the "
    "log again.\n"
    "\n"
    "Example: shouwangd -c /etc/shouwang/shouwang.conf --check-config\n";

enum { OPTION_CHECK = 256, OPTION_ONCE, OPTION_PRINT, OPTION_VERSION, OPTION_HELP, OPTION_MANUAL };

static const struct option long_options[] = {
    {"check-config", no_argument, 0, OPTION_CHECK},
    {"once", no_argument, 0, OPTION_ONCE},
    {"print-config", no_argument, 0, OPTION_PRINT},
    {"print-manual", no_argument, 0, OPTION_MANUAL},
    {"version", no_argument, 0, OPTION_VERSION},
    {"help", no_argument, 0, OPTION_HELP},
    {0, 0, 0, 0},
};

enum action {
    ACTION_RUN,
    ACTION_CHECK,
    ACTION_PRINT,
    ACTION_MANUAL,
    ACTION_VERSION,
    ACTION_HELP,
    ACTION_WRONG
};

static enum action read_arguments(int argc, char **argv, struct daemon_arguments *arguments)
{
    enum action action = ACTION_RUN;
    for (int letter; (letter = getopt_long(argc, argv, "c:f", long_options, 0)) != -1;)
        switch (letter) {
        case 'c':
            arguments->conf = optarg;
            break;
        case 'f':
            arguments->log_to_stderr = true;
            break;
        case OPTION_ONCE:
            arguments->once = true;
            break;
        case OPTION_CHECK:
            action = ACTION_CHECK;
            break;
        case OPTION_PRINT:
            action = ACTION_PRINT;
            break;
        case OPTION_MANUAL:
            action = ACTION_MANUAL;
            break;
        case OPTION_VERSION:
            action = ACTION_VERSION;
            break;
        case OPTION_HELP:
            action = ACTION_HELP;
            break;
        default:
            return ACTION_WRONG;
        }
    if (optind == argc)
        return action;
    fprintf(stderr, "%s: unexpected argument \"%s\"\n", argv[0], argv[optind]);
    return ACTION_WRONG;
}

static int put(const struct text *text)
{
    bool written =
        !text->failed && fwrite(text->bytes, 1, text->length, stdout) == text->length && fflush(stdout) == 0;
    return written ? EX_OK : EX_IOERR;
}

static int print_config(void)
{
    struct text text;
    text_init(&text);
    option_print_sample(&options_table, options_heading, &text);
    int exit_code = put(&text);
    text_fini(&text);
    return exit_code;
}

/* The tables of the manual page, for the build. */
static int print_manual(void)
{
    struct text text;
    text_init(&text);
    option_print_manual(&options_table, &text);
    option_print_manual(&township_table, &text);
    int exit_code = put(&text);
    text_fini(&text);
    return exit_code;
}

int main(int argc, char **argv)
{
#ifdef SHOUWANG_KILL_POINTS
    if (argc == 2 && strcmp(argv[1], "--list-kill-points") == 0)
        return kill_point_list();
#endif
    file_fill_standard();
    json_memory_guard();
    struct daemon_arguments arguments = {.conf = options_default_path()};
    switch (read_arguments(argc, argv, &arguments)) {
    case ACTION_RUN:
        return daemon_run(&arguments);
    case ACTION_CHECK:
        return daemon_check_config(arguments.conf);
    case ACTION_PRINT:
        return print_config();
    case ACTION_MANUAL:
        return print_manual();
    case ACTION_VERSION:
        return puts(PACKAGE_STRING) < 0 || fflush(stdout) != 0 ? EX_IOERR : EX_OK;
    case ACTION_HELP:
        return printf("%s\n%s", usage, help) < 0 || fflush(stdout) != 0 ? EX_IOERR : EX_OK;
    case ACTION_WRONG:
        break;
    }
    fputs(usage, stderr);
    return EX_USAGE;
}
