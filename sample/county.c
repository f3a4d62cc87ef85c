/* SPDX-License-Identifier: PostgreSQL */
/* shouwang-county: the program around the generator (county.h says what it is). */
#include "county.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const char help_text[] =
    "Usage: shouwang-county --out DIR [OPTION]...\n"
    "Writes a sample county: a register, the batches of seven agencies, and what a round should find.\n"
    "The same arguments write the same bytes. Nobody in it exists.\n"
    "\n"
    "  --out DIR           where to write; a new or empty folder\n"
    "  --seed N            seed of all chance (default 1)\n"
    "  --households N      ordinary households, beside the planted ones (default 3000)\n"
    "  --date YYYY-MM-DD   the day on which the county is to be evaluated (default 2021-06-30)\n"
    "  --months K          monthly batches per feed, the last one ends on the date (2-24, default 2)\n"
    "  --encoding E        utf-8 (default), utf-8-bom, gb18030, or mixed: each feed its own\n"
    "  --native            also write feeds-native/: two agencies in columns of their own, GB18030\n"
    "  --damage            also write damaged/: files that must be refused whole\n"
    "  --help              this text\n"
    "\n"
    "Files: register/{household,person,fact}.csv, feeds/FEED/BATCH.csv with BATCH.csv.manifest.json,\n"
    "expected.tsv (the planted households and their outcome), expected_rows.tsv (the planted bad rows).\n"
    "\n"
    "Examples:\n"
    "  shouwang-county --out /tmp/county\n"
    "  shouwang-county --out /tmp/county --seed 7 --households 12000 --months 12 --encoding mixed\n"
    "  shouwang-county --out /tmp/leap --date 2024-02-29 --households 0\n";

static uint64_t parse_number(const char *option, const char *text, uint64_t low, uint64_t high)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || number < low || number > high)
        county_fail(EX_USAGE, "--%s: found '%s', expected a number from %llu to %llu", option, text,
                    (unsigned long long)low, (unsigned long long)high);
    return number;
}

static enum county_encoding parse_encoding(const char *text)
{
    static const struct {
        const char *name;
        enum county_encoding encoding;
    } names[] = {
        {"utf-8", COUNTY_UTF8},
        {"utf-8-bom", COUNTY_UTF8_BOM},
        {"gb18030", COUNTY_GB18030},
        {"mixed", COUNTY_MIXED},
    };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(names[i].name, text) == 0)
            return names[i].encoding;
    county_fail(EX_USAGE, "--encoding: found '%s', expected utf-8, utf-8-bom, gb18030 or mixed", text);
}

static day_t parse_date(const char *text)
{
    day_t day;
    /* Two years back must still be dates, and the scheme begins with 2021. */
    if (!civil_parse(slice_of(text), &day) || strcmp(text, "2021-01-01") < 0 ||
        strcmp(text, "2099-12-31") > 0)
        county_fail(EX_USAGE, "--date: found '%s', expected a date from 2021-01-01 to 2099-12-31", text);
    return day;
}

static struct county_options parse_options(int argc, char **argv)
{
    enum { SEED = 1, HOUSEHOLDS, DATE, MONTHS, ENCODING, OUT, NATIVE, DAMAGE, HELP };
    static const struct option options[] = {
        {"seed", required_argument, NULL, SEED},
        {"households", required_argument, NULL, HOUSEHOLDS},
        {"date", required_argument, NULL, DATE},
        {"months", required_argument, NULL, MONTHS},
        {"encoding", required_argument, NULL, ENCODING},
        {"out", required_argument, NULL, OUT},
        {"native", no_argument, NULL, NATIVE},
        {"damage", no_argument, NULL, DAMAGE},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    struct county_options parsed = {
        .seed = 1, .households = 3000, .date = parse_date("2021-06-30"), .months = 2};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case SEED:
            parsed.seed = parse_number("seed", optarg, 0, UINT64_MAX);
            break;
        case HOUSEHOLDS:
            parsed.households = parse_number("households", optarg, 0, 99999999);
            break;
        case DATE:
            parsed.date = parse_date(optarg);
            break;
        case MONTHS:
            parsed.months = (int)parse_number("months", optarg, COUNTY_MONTHS_MIN, COUNTY_MONTHS_MAX);
            break;
        case ENCODING:
            parsed.encoding = parse_encoding(optarg);
            break;
        case OUT:
            parsed.out = optarg;
            break;
        case NATIVE:
            parsed.native = true;
            break;
        case DAMAGE:
            parsed.damage = true;
            break;
        case HELP:
            fputs(help_text, stdout);
            exit(EX_OK);
        default:
            exit(EX_USAGE); /* getopt has said why */
        }
    }
    if (optind < argc || !parsed.out)
        county_fail(EX_USAGE, optind < argc ? "more arguments than options; see --help"
                                            : "--out DIR is missing; see --help");
    return parsed;
}

static FILE *open_expected(const struct county_options *options, const char *name, const char *header)
{
    char path[COUNTY_PATH_MAX];
    county_path(path, "%s/%s", options->out, name);
    FILE *stream = fopen(path, "wb");
    if (!stream)
        county_fail(EX_CANTCREAT, "%s: %s", path, strerror(errno));
    fputs(header, stream);
    return stream;
}

static void close_expected(FILE *stream)
{
    if (ferror(stream) || fclose(stream) != 0)
        county_fail(EX_IOERR, "writing failed: %s", strerror(errno));
}

static void open_all(struct county *county)
{
    static const char *const household_columns[] = {"household_no", "township_code", "village_code", "area",
                                                    "address"};
    static const char *const person_columns[] = {"household_no", "id_number", "name", "kinship", "labour"};
    const struct county_options *options = &county->options;
    enum county_encoding encoding = options->encoding == COUNTY_MIXED ? COUNTY_UTF8 : options->encoding;
    char path[COUNTY_PATH_MAX];
    county_require_empty(options->out);
    county_path(path, "%s/register", options->out);
    county_make_folder(path);
    county_path(path, "%s/register/household.csv", options->out);
    county_file_open(&county->household, path, encoding, household_columns, COUNT_OF(household_columns));
    county_path(path, "%s/register/person.csv", options->out);
    county_file_open(&county->person, path, encoding, person_columns, COUNT_OF(person_columns));
    county_feeds_open(county);
    county->expected = open_expected(options, "expected.tsv",
                                     "household_no\twhat\tlevel\trules\tchecks\tundecided\tsuggestions\n");
    county->expected_rows = open_expected(options, "expected_rows.tsv", "file\tline\treason\n");
}

static void close_all(struct county *county)
{
    char sha256[COUNTY_SHA256_HEX_SIZE];
    county_file_close(&county->household, sha256);
    county_file_close(&county->person, sha256);
    county_feeds_close(county);
    close_expected(county->expected);
    close_expected(county->expected_rows);
}

int main(int argc, char **argv)
{
    struct county county = {.options = parse_options(argc, argv)};
    random_seed(&county.random, county.options.seed);
    size_t days = (size_t)(county.options.date - DAY_MIN) + 1;
    county.births = calloc(days, sizeof *county.births);
    if (!county.births)
        county_fail(EX_OSERR, "out of memory");
    open_all(&county);
    county_planted_write(&county);
    for (uint64_t number = 1; number <= county.options.households; number++)
        county_ordinary_write(&county, number);
    close_all(&county);
    if (county.options.damage)
        county_damaged_write(&county);
    free(county.births);
    printf("%s: %llu households, %llu persons, %zu of the households planted\n", county.options.out,
           (unsigned long long)(county.options.households + county_case_count),
           (unsigned long long)county.persons, county_case_count);
    return EX_OK;
}
