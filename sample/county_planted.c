/* SPDX-License-Identifier: PostgreSQL */
/*
 * The planted households: one line of county_cases.c each, written in this little language.
 *
 * household  "rural m45 f43=": `rural` or `urban`; persons by sex and age in years on the evaluation date D,
 * `=` when the birthday is D itself, `+` when it is D + 1 (so the next year is completed tomorrow); `!kind`
 * when the register's ID is damaged or unusual (id_kinds below); `same`: the first person of the case before,
 * again. `undeclared`: without income.declared, which all others have since 2015. `no:TEXT`: a household
 * number of its own, else P0001 and so on. `area:TEXT`: what household.csv says instead of urban or rural.
 *            `twice`: its row of household.csv is repeated, urban for rural.
 * facts      separated by `;`, each: SUBJECT [SOURCE] CODE VALUE FROM [TO] [#REF] [?FAULT]
 *            SUBJECT  h, the number of the person from 1, `s` somebody who is not on the register, `u` a
 * household that is not SOURCE   reg (default) med dis edu hr hou eme rev; `med.1` only in the first batch,
 * `med.2` only in the last VALUE    as it is; `-` empty; `cert:43` the person's certificate of type 4 and
 * grade 3 FROM TO  D, W = D - 12 months, V = D - 24 months, each with +days or -days; `-` empty; else as it
 * is. W + 1 is the first day of the window of the last 12 months, W the last day of the one before. FAULT
 * this row will be listed or refused: the word for expected_rows.tsv
 */
#include "config.h"

#include "county.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

enum { WORD_MAX = 96, SPEC_MAX = 2048 };

struct planted {
    const struct county_case *text;
    char number[COUNTY_NO_SIZE];
    struct county_place place;
    char area[16]; /* instead of the place's, if not empty */
    bool declared, twice;
    struct county_person persons[COUNTY_PERSONS_MAX];
    char feed_ids[COUNTY_PERSONS_MAX][COUNTY_ID_SIZE]; /* how the sources write the ID */
    const char *faults[COUNTY_PERSONS_MAX];            /* of the person's row */
    size_t count;
    struct county_person stranger;
};

static _Noreturn void bad_case(const struct planted *planted, const char *found)
{
    county_fail(EX_SOFTWARE, "case '%s': found '%s'", planted->text->what, found);
}

/* --- IDs that are damaged or unusual ----------------------------------------------------------------------------- */

static void id_scientific(char id[COUNTY_ID_SIZE])
{
    snprintf(id, COUNTY_ID_SIZE, "6.1E+17");
}

/* What a spreadsheet leaves: 15 digits, then 000. It must not pass its check by chance. */
static void id_zeros(char id[COUNTY_ID_SIZE])
{
    memcpy(id + 15, "000", 3);
    if (county_id_check_character(id) == '0')
        id[14] = id[14] == '9' ? '8' : (char)(id[14] + 1);
}

static void id_wrong_check(char id[COUNTY_ID_SIZE])
{
    if (id[16] == '0') /* so that it does not look like digits lost in a spreadsheet */
        id[16] = '2';
    id[17] = county_id_check_character(id) == '1' ? '2' : '1';
}

static void id_short(char id[COUNTY_ID_SIZE])
{
    id[16] = '\0';
}

static void id_letter(char id[COUNTY_ID_SIZE])
{
    id[9] = 'O'; /* the letter, for the digit */
}

static void id_impossible_date(char id[COUNTY_ID_SIZE])
{
    memcpy(id + 10, "0230", 4);
    id[17] = county_id_check_character(id);
}

static void id_empty(char id[COUNTY_ID_SIZE])
{
    id[0] = '\0';
}

/* 15 digits as before 1999: without the century and the check character. */
static void id_legacy(char id[COUNTY_ID_SIZE])
{
    memmove(id + 6, id + 8, 9);
    id[15] = '\0';
}

static void id_full_width(char id[COUNTY_ID_SIZE])
{
    char wide[COUNTY_ID_SIZE] = "";
    for (size_t i = 0; i < 18; i++)
        snprintf(wide + 3 * i, 4, "\xEF\xBC%c", id[i] == 'X' ? 0xB8 : 0x90 + (id[i] - '0'));
    memcpy(id, wide, COUNTY_ID_SIZE);
}

static void id_blanks(char id[COUNTY_ID_SIZE])
{
    memmove(id + 1, id, 18);
    id[0] = id[19] = ' ';
    id[20] = '\0';
}

static void id_lower_x(char id[COUNTY_ID_SIZE])
{
    id[17] = 'x';
}

static const struct id_kind {
    const char *name;
    void (*damage)(char id[COUNTY_ID_SIZE]);
    const char *fault; /* NULL: the ID is good all the same, and the sources write its usual form */
    bool needs_x;
} id_kinds[] = {
    {"scientific", id_scientific, "id.scientific", false},
    {"zeros", id_zeros, "id.check_zeros", false},
    {"check", id_wrong_check, "id.check", false},
    {"short", id_short, "id.length", false},
    {"letter", id_letter, "id.character", false},
    {"date", id_impossible_date, "id.birth_date", false},
    {"empty", id_empty, "id.empty", false},
    {"legacy", id_legacy, NULL, false},
    {"wide", id_full_width, NULL, false},
    {"blanks", id_blanks, NULL, false},
    {"x", id_lower_x, NULL, true},
};

static void apply_id_kind(struct county *county, struct planted *planted, const char *name)
{
    size_t at = planted->count;
    struct county_person *person = &planted->persons[at];
    for (size_t i = 0; i < COUNT_OF(id_kinds); i++) {
        const struct id_kind *kind = &id_kinds[i];
        if (strcmp(kind->name, name) != 0)
            continue;
        while (kind->needs_x && person->id[17] != 'X')
            county_person_make(county, person, person->male, person->birth);
        memcpy(planted->feed_ids[at], person->id, COUNTY_ID_SIZE);
        kind->damage(person->id);
        if (kind->fault)
            memcpy(planted->feed_ids[at], person->id, COUNTY_ID_SIZE);
        planted->faults[at] = kind->fault;
        return;
    }
    bad_case(planted, name);
}

/* --- the household ----------------------------------------------------------------------------------------------- */

static day_t birth_of(struct county *county, int age, char edge)
{
    day_t birthday = civil_add_months(county->options.date, -12 * age);
    if (edge == '=')
        return birthday;
    if (edge == '+') /* completes age + 1 tomorrow */
        return civil_add_months(county->options.date + 1, -12 * (age + 1));
    return county_birth_of_age(county, age);
}

static void read_person(struct county *county, struct planted *planted, const char *word)
{
    if (planted->count == COUNTY_PERSONS_MAX)
        bad_case(planted, word);
    char *end = NULL;
    int age = (int)strtol(word + 1, &end, 10);
    struct county_person *person = &planted->persons[planted->count];
    county_person_make(county, person, word[0] == 'm', birth_of(county, age, *end));
    person->kinship = planted->count == 0 ? "02"
                      : age < 26          ? (person->male ? "20" : "30")
                      : age > 60          ? "50"
                                          : "10";
    memcpy(planted->feed_ids[planted->count], person->id, COUNTY_ID_SIZE);
    if (*end == '=' || *end == '+')
        end++;
    if (*end == '!')
        apply_id_kind(county, planted, end + 1);
    else if (*end != '\0')
        bad_case(planted, word);
    planted->count++;
}

static void read_household_word(struct county *county, struct planted *planted, const struct planted *before,
                                char *word)
{
    if (strcmp(word, "rural") == 0 || strcmp(word, "urban") == 0)
        county_place_draw(county, &planted->place, word[0] == 'u');
    else if (strcmp(word, "undeclared") == 0)
        planted->declared = false;
    else if (strcmp(word, "twice") == 0)
        planted->twice = true;
    else if (strncmp(word, "no:", 3) == 0)
        snprintf(planted->number, sizeof planted->number, "%s", word + 3);
    else if (strncmp(word, "area:", 5) == 0)
        snprintf(planted->area, sizeof planted->area, "%s", word + 5);
    else if (strcmp(word, "same") == 0) {
        planted->persons[planted->count] = before->persons[0];
        memcpy(planted->feed_ids[planted->count], before->feed_ids[0], COUNTY_ID_SIZE);
        planted->faults[planted->count++] = "person.repeat";
    } else if (word[0] == 'm' || word[0] == 'f')
        read_person(county, planted, word);
    else
        bad_case(planted, word);
}

static void write_household(struct county *county, const struct planted *planted)
{
    if (planted->area[0] != '\0') {
        const char *const fields[] = {planted->number, planted->place.township, planted->place.village,
                                      planted->area, planted->place.address};
        county_file_row(&county->household, fields, COUNT_OF(fields));
        county_expect_row(county, "register/household.csv", county->household.rows, "area.unknown");
    } else
        county_household_put(county, planted->number, &planted->place);
    if (planted->twice) {
        struct county_place other = planted->place;
        other.urban = !other.urban;
        county_household_put(county, planted->number, &other);
        county_expect_row(county, "register/household.csv", county->household.rows, "household.repeat");
    }
    for (size_t i = 0; i < planted->count; i++) {
        county_person_put(county, planted->number, &planted->persons[i]);
        const char *fault = planted->area[0] != '\0' ? "household.unknown" : planted->faults[i];
        if (fault)
            county_expect_row(county, "register/person.csv", county->person.rows, fault);
    }
    if (planted->declared)
        county_fact_put(county, &(struct county_fact){
                                    .source = COUNTY_REGISTER,
                                    .household_no = planted->number,
                                    .code = "income.declared",
                                    .value = "yes",
                                    .from = "2015-01-01",
                                    .known_on = DAY_NONE,
                                    .fault = planted->area[0] != '\0' ? "household.unknown" : NULL,
                                });
}

/* --- its facts --------------------------------------------------------------------------------------------------- */

/* The words of one fact, and room for the texts that are made of them. */
struct item {
    char words[8][WORD_MAX];
    size_t count, next;
    char value[WORD_MAX], from[WORD_MAX], to[WORD_MAX];
};

static bool read_source(const char *word, struct county_fact *fact)
{
    static const struct {
        const char *name;
        enum county_source source;
    } names[] = {
        {"reg", COUNTY_REGISTER},  {"med", COUNTY_MEDICAL},
        {"dis", COUNTY_DISABLED},  {"edu", COUNTY_EDUCATION},
        {"hr", COUNTY_HR},         {"hou", COUNTY_HOUSING},
        {"eme", COUNTY_EMERGENCY}, {"rev", COUNTY_REVITALISATION},
    };
    size_t length = strcspn(word, ".");
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strlen(names[i].name) != length || memcmp(names[i].name, word, length) != 0)
            continue;
        fact->source = names[i].source;
        if (strcmp(word + length, ".1") == 0)
            fact->batch = COUNTY_BATCH_FIRST;
        else if (strcmp(word + length, ".2") == 0)
            fact->batch = COUNTY_BATCH_LAST;
        return true;
    }
    return false;
}

static void read_subject(struct county *county, struct planted *planted, const char *word,
                         struct county_fact *fact)
{
    if (strcmp(word, "h") == 0)
        fact->household_no = planted->number;
    else if (strcmp(word, "u") == 0)
        fact->household_no = "U9999";
    else if (strcmp(word, "s") == 0) {
        if (planted->stranger.id[0] == '\0')
            county_person_make(county, &planted->stranger, true, county_birth_of_age(county, 50));
        fact->id_number = planted->stranger.id;
        fact->name = planted->stranger.name;
    } else {
        size_t index = (size_t)(word[0] - '1');
        if (index >= planted->count)
            bad_case(planted, word);
        fact->id_number = planted->feed_ids[index];
        fact->name = planted->persons[index].name;
    }
}

static const char *read_date(const struct county *county, const char *word, char out[WORD_MAX])
{
    day_t date = county->options.date;
    if (strcmp(word, "-") == 0)
        return "";
    if (word[0] != 'D' && word[0] != 'W' && word[0] != 'V') {
        snprintf(out, WORD_MAX, "%s", word);
        return out;
    }
    day_t day = word[0] == 'D' ? date : civil_add_months(date, word[0] == 'W' ? -12 : -24);
    day += (day_t)strtol(word + 1, NULL, 10);
    char text[CIVIL_TEXT_SIZE];
    snprintf(out, WORD_MAX, "%s", civil_format(day, text));
    return out;
}

/* When the source came to know it: an amount when its period has ended, a state or an event when it began. */
static day_t known_on(const struct county_fact *fact)
{
    bool amount = strncmp(fact->code, "income.", 7) == 0 || strncmp(fact->code, "expense.", 8) == 0;
    if (strcmp(fact->code, "income.declared") == 0)
        amount = false;
    day_t day = DAY_NONE;
    civil_parse(slice_of(amount && fact->to[0] != '\0' ? fact->to : fact->from), &day);
    return day;
}

static const char *next_word(struct item *item, char mark)
{
    if (item->next >= item->count || (mark != '\0' && item->words[item->next][0] != mark))
        return NULL;
    return item->words[item->next++];
}

static const char *need_word(const struct planted *planted, struct item *item)
{
    const char *word = next_word(item, '\0');
    if (!word)
        bad_case(planted, "too few words in a fact");
    return word;
}

static void write_fact(struct county *county, struct planted *planted, struct item *item)
{
    struct county_fact fact = {.source = COUNTY_REGISTER, .to = "", .ref = ""};
    read_subject(county, planted, need_word(planted, item), &fact);
    if (item->next < item->count && read_source(item->words[item->next], &fact))
        item->next++;
    fact.code = need_word(planted, item);
    fact.value = need_word(planted, item);
    if (strcmp(fact.value, "-") == 0)
        fact.value = "";
    if (strncmp(fact.value, "cert:", 5) == 0) {
        snprintf(item->value, WORD_MAX, "%s%s", fact.id_number, fact.value + 5);
        fact.value = item->value;
    }
    fact.from = read_date(county, need_word(planted, item), item->from);
    if (item->next < item->count && item->words[item->next][0] != '#' && item->words[item->next][0] != '?')
        fact.to = read_date(county, need_word(planted, item), item->to);
    const char *ref = next_word(item, '#'), *fault = next_word(item, '?');
    fact.ref = ref ? ref + 1 : "";
    fact.fault = fault ? fault + 1 : planted->area[0] != '\0' ? "household.unknown" : NULL;
    if (item->next != item->count)
        bad_case(planted, item->words[item->next]);
    if (fact.source == COUNTY_REGISTER)
        fact.name = NULL;
    fact.known_on = known_on(&fact);
    county_fact_put(county, &fact);
}

/* Splits at blanks; bounds every word. */
static void split_words(const struct planted *planted, const char *text, size_t length, struct item *item)
{
    const char *end = text + length;
    while (text < end) {
        size_t word = 0;
        while (text + word < end && text[word] != ' ')
            word++;
        if (word > 0) {
            if (item->count == COUNT_OF(item->words) || word >= WORD_MAX)
                bad_case(planted, text);
            memcpy(item->words[item->count], text, word);
            item->words[item->count++][word] = '\0';
        }
        text += word + 1;
    }
}

static void write_facts(struct county *county, struct planted *planted)
{
    const char *text = planted->text->facts;
    while (*text != '\0') {
        size_t length = strcspn(text, ";");
        struct item item = {.count = 0};
        split_words(planted, text, length, &item);
        if (item.count > 0)
            write_fact(county, planted, &item);
        text += length + (text[length] == ';');
    }
}

static void write_case(struct county *county, struct planted *planted, const struct planted *before)
{
    char spec[SPEC_MAX];
    snprintf(spec, sizeof spec, "%s", planted->text->household);
    char *rest = NULL;
    for (char *word = strtok_r(spec, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        read_household_word(county, planted, before, word);
    write_household(county, planted);
    write_facts(county, planted);
    const struct county_case *text = planted->text;
    fprintf(county->expected, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", planted->number, text->what, text->level,
            text->rules, text->checks, text->undecided, text->suggestions);
}

void county_planted_write(struct county *county)
{
    struct planted before = {.count = 0};
    for (size_t i = 0; i < county_case_count; i++) {
        struct planted planted = {.text = &county_cases[i], .declared = true};
        snprintf(planted.number, sizeof planted.number, "P%04zu", i + 1);
        write_case(county, &planted, &before);
        before = planted;
    }
}
