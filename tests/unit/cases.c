/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "cases.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cases {
    FILE *file;
    char name[128];
    char where[512];
    int cells;
    int count;
    char *line;
    size_t capacity;
    struct case_row row;
};

struct cases *cases_open(const char *name, int cells)
{
    const char *top = getenv("abs_top_srcdir");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/tests/cases/%s", top ? top : ".", name);
    struct cases *cases = calloc(1, sizeof *cases);
    ck_assert_ptr_nonnull(cases);
    cases->file = fopen(path, "r");
    ck_assert_msg(cases->file != NULL, "%s: %s", path, strerror(errno));
    ck_assert_int_le(cells, CASE_CELLS_MAX);
    snprintf(cases->name, sizeof cases->name, "%s", name);
    cases->cells = cells;
    return cases;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c | 0x20) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Undoes the escapes in place; returns the length. */
static size_t unescape(char *cell, const char *where)
{
    if (strcmp(cell, "(empty)") == 0)
        cell[0] = '\0';
    char *to = cell;
    for (const char *from = cell; *from; from++) {
        if (*from != '\\') {
            *to++ = *from;
            continue;
        }
        char kind = *++from;
        if (kind == 'x' && hex_digit(from[1]) >= 0 && hex_digit(from[2]) >= 0) {
            *to++ = (char)(hex_digit(from[1]) * 16 + hex_digit(from[2]));
            from += 2;
            continue;
        }
        const char *known = kind ? strchr("t\tn\nr\r\\\\", kind) : NULL;
        ck_assert_msg(known != NULL, "%s: unknown escape \\%c", where, kind);
        *to++ = known[1];
    }
    *to = '\0';
    return (size_t)(to - cell);
}

static void split(struct cases *cases)
{
    char *at = cases->line;
    for (int i = 0; i < cases->cells; i++) {
        ck_assert_msg(at != NULL, "%s: fewer than %d cells", cases->where, cases->cells);
        char *cell = strsep(&at, "\t");
        if (i == cases->cells - 1) {
            size_t used = strlen(cases->where);
            snprintf(cases->where + used, sizeof cases->where - used, " %s", cell);
        }
        cases->row.cell[i] = (struct slice){cell, unescape(cell, cases->where)};
    }
    ck_assert_msg(at == NULL, "%s: more than %d cells", cases->where, cases->cells);
}

const struct case_row *cases_next(struct cases *cases)
{
    for (;;) {
        ssize_t length = getline(&cases->line, &cases->capacity, cases->file);
        if (length < 0)
            return NULL;
        cases->row.line++;
        if (length > 0 && cases->line[length - 1] == '\n')
            cases->line[--length] = '\0';
        if (length == 0 || cases->line[0] == '#')
            continue;
        cases->count++;
        snprintf(cases->where, sizeof cases->where, "%s:%d:", cases->name, cases->row.line);
        split(cases);
        return &cases->row;
    }
}

const char *cases_where(const struct cases *cases)
{
    return cases->where;
}

void cases_close(struct cases *cases)
{
    ck_assert_msg(cases->count > 0, "%s holds no case", cases->name);
    fclose(cases->file);
    free(cases->line);
    free(cases);
}

int64_t case_number(const struct case_row *row, int cell)
{
    char *end;
    errno = 0;
    long long number = strtoll(row->cell[cell].bytes, &end, 10);
    ck_assert_msg(errno == 0 && end != row->cell[cell].bytes && !*end, "line %d: \"%s\" is no number",
                  row->line, row->cell[cell].bytes);
    return number;
}

bool case_is(const struct case_row *row, int cell, const char *text)
{
    return slice_is(row->cell[cell], text);
}

int unit_run(Suite *const *suites, int count)
{
    SRunner *runner = srunner_create(NULL);
    for (int i = 0; i < count; i++)
        srunner_add_suite(runner, suites[i]);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
