/* SPDX-License-Identifier: PostgreSQL */
/*
 * Two agencies in columns of their own, as they would send them to a county that cannot make them follow the exchange
 * format: Chinese headers, GB18030, their own dates, codes and units. README.md describes the columns. Each row holds
 * the columns of one fact and leaves the others empty; what such a table cannot say is left out of it.
 */
#include "county.h"

#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

enum { NATIVE_COLUMNS_MAX = 12, NATIVE_FIELD = 128 };

enum native_form {
    FORM_TEXT,
    FORM_DATE_PLAIN,   /* 20210630 */
    FORM_DATE_SLASHES, /* 2021/6/30 */
    FORM_FEN,          /* 400001 */
    FORM_DONE,         /* 已救助 when the fact holds, 未救助 when it does not */
    FORM_GRADE,        /* the certificate's grade in words, beside its number: 二级 */
};

enum native_part { PART_VALUE, PART_FROM, PART_TO, PART_REF };

/* Which part of a fact goes into which column, in which form. */
struct native_cell {
    const char *code;
    enum native_part part;
    const char *column;
    enum native_form form;
};

struct native_table {
    const char *columns[NATIVE_COLUMNS_MAX];
    struct native_cell cells[24];
};

static const struct native_table medical = {
    .columns = {"单据号", "身份证号", "姓名", "入院日期", "结算日期", "自付金额", "大病病种", "大病认定日期",
                "大病终止日期", "医疗救助", "医疗救助日期", "医疗救助截止"},
    .cells =
        {
            {"expense.medical_self_paid", PART_REF, "单据号", FORM_TEXT},
            {"expense.medical_self_paid", PART_FROM, "入院日期", FORM_DATE_PLAIN},
            {"expense.medical_self_paid", PART_TO, "结算日期", FORM_DATE_PLAIN},
            {"expense.medical_self_paid", PART_VALUE, "自付金额", FORM_FEN},
            {"illness.serious", PART_VALUE, "大病病种", FORM_TEXT},
            {"illness.serious", PART_FROM, "大病认定日期", FORM_DATE_PLAIN},
            {"illness.serious", PART_TO, "大病终止日期", FORM_DATE_PLAIN},
            {"relief.medical", PART_VALUE, "医疗救助", FORM_DONE},
            {"relief.medical", PART_FROM, "医疗救助日期", FORM_DATE_PLAIN},
            {"relief.medical", PART_TO, "医疗救助截止", FORM_DATE_PLAIN},
        },
};

static const struct native_table disabled = {
    .columns = {"身份证号", "姓名", "残疾证号", "残疾等级", "发证日期", "注销日期", "生活补贴起始",
                "生活补贴终止", "护理补贴起始", "护理补贴终止"},
    .cells =
        {
            {"disability.certificate", PART_VALUE, "残疾证号", FORM_TEXT},
            {"disability.certificate", PART_VALUE, "残疾等级", FORM_GRADE},
            {"disability.certificate", PART_FROM, "发证日期", FORM_DATE_SLASHES},
            {"disability.certificate", PART_TO, "注销日期", FORM_DATE_SLASHES},
            {"relief.disability_living", PART_FROM, "生活补贴起始", FORM_DATE_SLASHES},
            {"relief.disability_living", PART_TO, "生活补贴终止", FORM_DATE_SLASHES},
            {"relief.disability_nursing", PART_FROM, "护理补贴起始", FORM_DATE_SLASHES},
            {"relief.disability_nursing", PART_TO, "护理补贴终止", FORM_DATE_SLASHES},
        },
};

static const struct native_table *const tables[COUNTY_SOURCES] = {
    [COUNTY_MEDICAL] = &medical,
    [COUNTY_DISABLED] = &disabled,
};

bool county_native_has(enum county_source source)
{
    return tables[source] != NULL;
}

static size_t column_count(const struct native_table *table)
{
    size_t count = 0;
    while (count < COUNT_OF(table->columns) && table->columns[count])
        count++;
    return count;
}

void county_native_open(struct county_file *file, const char *path, enum county_source source)
{
    county_file_open(file, path, COUNTY_GB18030, tables[source]->columns, column_count(tables[source]));
}

/* What is no date or amount of the exchange format goes through as it is: it is damaged on purpose. */
static const char *form_text(const char *text, enum native_form form, char out[NATIVE_FIELD])
{
    day_t day;
    int year, month, day_of_month;
    switch (form) {
    case FORM_DATE_PLAIN:
    case FORM_DATE_SLASHES:
        if (!civil_parse(slice_of(text), &day))
            break;
        civil_to_ymd(day, &year, &month, &day_of_month);
        snprintf(out, NATIVE_FIELD, form == FORM_DATE_PLAIN ? "%04d%02d%02d" : "%d/%d/%d", year, month,
                 day_of_month);
        return out;
    case FORM_FEN:
        if (strspn(text, "0123456789") == 0 || strspn(text, "0123456789") + 3 != strlen(text) ||
            text[strlen(text) - 3] != '.')
            break;
        snprintf(out, NATIVE_FIELD, "%.*s%s", (int)strlen(text) - 3, text, text + strlen(text) - 2);
        return out;
    case FORM_DONE:
        return strcmp(text, "no") == 0 ? "未救助" : "已救助";
    case FORM_GRADE: {
        static const char *const grades[] = {"一级", "二级", "三级", "四级"};
        bool whole = strlen(text) >= 20 && text[19] >= '1' && text[19] <= '4';
        return whole ? grades[text[19] - '1'] : "";
    }
    case FORM_TEXT:
        break;
    }
    return text;
}

static const char *part_of(const struct county_fact *fact, enum native_part part)
{
    const char *const parts[] = {
        [PART_VALUE] = fact->value, [PART_FROM] = fact->from, [PART_TO] = fact->to, [PART_REF] = fact->ref};
    return parts[part];
}

/* Has the table columns for all that the fact says? */
static bool can_say(const struct native_table *table, const struct county_fact *fact)
{
    bool any = false, value = strcmp(fact->value, "no") != 0; /* a date alone says yes */
    for (size_t i = 0; i < COUNT_OF(table->cells) && table->cells[i].code; i++) {
        bool same = strcmp(table->cells[i].code, fact->code) == 0;
        any = any || same;
        value = value || (same && table->cells[i].part == PART_VALUE);
    }
    return any && value && fact->id_number;
}

void county_native_put(struct county_file *file, const struct county_fact *fact)
{
    const struct native_table *table = tables[fact->source];
    if (!can_say(table, fact))
        return;
    const char *fields[NATIVE_COLUMNS_MAX] = {NULL};
    char texts[NATIVE_COLUMNS_MAX][NATIVE_FIELD];
    size_t columns = column_count(table);
    for (size_t i = 0; i < columns; i++) {
        if (strcmp(table->columns[i], "身份证号") == 0)
            fields[i] = fact->id_number;
        if (strcmp(table->columns[i], "姓名") == 0)
            fields[i] = fact->name;
        for (size_t c = 0; c < COUNT_OF(table->cells) && table->cells[c].code; c++) {
            const struct native_cell *cell = &table->cells[c];
            if (strcmp(cell->code, fact->code) == 0 && strcmp(cell->column, table->columns[i]) == 0)
                fields[i] = form_text(part_of(fact, cell->part), cell->form, texts[i]);
        }
    }
    county_file_row(file, fields, columns);
}
