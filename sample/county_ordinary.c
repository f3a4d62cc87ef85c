/* SPDX-License-Identifier: PostgreSQL */
/*
 * Ordinary households: a story is drawn first (what happened to this family), then written as facts of the
 * register and the agencies. The weights are tuned so that about 5 % of the people are in assistance and
 * about 2 % of the households deserve a colour; tests/reference/check-expected.mjs shows the shares.
 *
 * Invariant: register and agencies agree on what counts: an agency's wages of a window add up to the
 * register's (but for a few disagreements that move no household over a line).
 */
#include "base/money.h"
#include "county.h"

#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

enum { YUAN = 100 };

/* Dibao per person and year in fen, in force from 2021-01-01 (004 篇五). */
enum { LINE_RURAL_FEN = 483000, LINE_URBAN_FEN = 732000 };

enum story {
    STORY_ORDINARY,
    STORY_UNDECLARED, /* too little is known, nothing points to hardship */
    STORY_APPLY,      /* under the dibao line and not enrolled */
    STORY_MARGIN,
    STORY_SURGE,
    STORY_COLLAPSE,
    STORY_DISASTER,
    STORY_MONITORED,
    STORY_LEFT,
    STORY_HOUSING,
    STORY_WATER,
    STORY_DROPOUT,
    STORY_VERIFY, /* income not declared, a large hospital bill */
    STORY_DIBAO,
    STORY_TEKUN,
};

/* Of 10,000 households, `weight`; income in percent of the dibao line, the year before in percent of that. */
static const struct story_kind {
    unsigned weight;
    unsigned income_low, income_high, before_low, before_high;
    bool small; /* mostly one- and two-person households */
} stories[] = {
    [STORY_ORDINARY] = {8548, 190, 700, 80, 115, false}, [STORY_UNDECLARED] = {300, 20, 260, 80, 115, false},
    [STORY_APPLY] = {15, 55, 98, 80, 115, false},        [STORY_MARGIN] = {55, 101, 148, 80, 120, false},
    [STORY_SURGE] = {35, 155, 230, 90, 110, false},      [STORY_COLLAPSE] = {15, 105, 145, 170, 300, false},
    [STORY_DISASTER] = {10, 152, 220, 90, 110, false},   [STORY_MONITORED] = {30, 190, 320, 80, 110, false},
    [STORY_LEFT] = {18, 102, 148, 80, 120, false},       [STORY_HOUSING] = {12, 190, 350, 80, 110, false},
    [STORY_WATER] = {5, 190, 350, 80, 110, false},       [STORY_DROPOUT] = {4, 190, 350, 80, 110, false},
    [STORY_VERIFY] = {8, 0, 60, 80, 110, false},         [STORY_DIBAO] = {845, 25, 96, 80, 120, true},
    [STORY_TEKUN] = {100, 0, 40, 80, 120, true},
};

/* E e elders, A a husband and wife, c child, y youth, p a parent of A; weights for all and for small
 * households. */
static const struct shape {
    const char *roles;
    unsigned weight, weight_small;
} shapes[] = {
    {"E", 5, 30},   {"e", 5, 22},    {"Ee", 12, 22},  {"A", 5, 12},   {"Aa", 10, 5},
    {"Aac", 16, 2}, {"Aay", 8, 1},   {"Aacc", 12, 1}, {"Aacy", 7, 0}, {"Aacpp", 6, 0},
    {"Aap", 5, 0},  {"Aaccp", 4, 0}, {"Ac", 3, 4},    {"Ap", 2, 1},
};

struct household {
    struct county *county;
    char number[COUNTY_NO_SIZE];
    struct county_place place;
    enum story story;
    struct county_person persons[COUNTY_PERSONS_MAX];
    char roles[COUNTY_PERSONS_MAX + 1];
    size_t members, count; /* those after `members` have died or moved away */
    int64_t line;          /* dibao of all members */
    int64_t income, before;
    int64_t purse; /* rigid expense that the story still has to place in the last 12 months */
    bool assisted;
};

/* --- chance and dates -------------------------------------------------------------------------------------------- */

static bool chance(const struct household *home, unsigned parts, unsigned in_all)
{
    return county_chance(home->county, parts, in_all);
}

static int64_t draw(const struct household *home, int64_t low, int64_t high)
{
    return (int64_t)county_draw(home->county, (uint64_t)low, (uint64_t)high);
}

static day_t today(const struct household *home)
{
    return home->county->options.date;
}

static day_t days_ago(const struct household *home, int fewest, int most)
{
    return today(home) - (day_t)draw(home, fewest, most);
}

static int age_of(const struct household *home, size_t person)
{
    return civil_age_years(home->persons[person].birth, today(home));
}

/* The last such day not after the evaluation date: within the last 12 months, whatever that date is. */
static day_t last_date(const struct household *home, int month, int day_of_month)
{
    int year, this_month, this_day;
    civil_to_ymd(today(home), &year, &this_month, &this_day);
    if (month > this_month || (month == this_month && day_of_month > this_day))
        year--;
    day_t day = DAY_NONE;
    civil_from_ymd(year, month, day_of_month, &day);
    return day;
}

static int64_t max_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t min_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* --- writing one fact -------------------------------------------------------------------------------------------- */

enum { HOUSEHOLD = -1 };

/* Agencies' systems lose rare characters and have dots of their own. */
static void name_in_feed(const char *name, uint64_t variant, char out[COUNTY_NAME_SIZE])
{
    size_t used = 0;
    for (const char *c = name; *c != '\0' && used + 5 < COUNTY_NAME_SIZE;) {
        if (variant % 2 == 0 && (unsigned char)*c >= 0xF0) {
            out[used++] = '?';
            c += 4;
        } else if (variant % 3 == 0 && strncmp(c, "·", strlen("·")) == 0) {
            memcpy(out + used, "•", strlen("•"));
            used += strlen("•");
            c += strlen("·");
        } else
            out[used++] = *c++;
    }
    out[used] = '\0';
}

static bool is_amount(const char *code)
{
    return strncmp(code, "expense.", 8) == 0 ||
           (strncmp(code, "income.", 7) == 0 && strcmp(code, "income.declared") != 0);
}

static void put(struct household *home, enum county_source source, int person, const char *code,
                const char *value, day_t from, day_t to, const char *ref)
{
    char from_text[CIVIL_TEXT_SIZE], to_text[CIVIL_TEXT_SIZE], name[COUNTY_NAME_SIZE];
    struct county_fact fact = {
        .source = source,
        .code = code,
        .value = value,
        .from = civil_format(from, from_text),
        .to = civil_format(to, to_text),
        .ref = ref,
        .known_on = is_amount(code) && to != DAY_NONE ? to : from,
    };
    if (person == HOUSEHOLD)
        fact.household_no = home->number;
    else {
        fact.id_number = home->persons[person].id;
        name_in_feed(home->persons[person].name, home->county->next_ref, name);
        fact.name = name;
    }
    county_fact_put(home->county, &fact);
}

static void put_amount(struct household *home, enum county_source source, int person, const char *code,
                       int64_t fen, day_t from, day_t to)
{
    char value[MONEY_TEXT_SIZE], ref[24] = "";
    if (source == COUNTY_MEDICAL)
        snprintf(ref, sizeof ref, "YB%09llu", (unsigned long long)++home->county->next_ref);
    put(home, source, person, code, money_format(fen, value), from, to, ref);
}

static void put_state(struct household *home, enum county_source source, int person, const char *code,
                      const char *value, day_t from, day_t to)
{
    put(home, source, person, code, value, from, to, "");
}

/* --- the plan ---------------------------------------------------------------------------------------------------- */

static enum story draw_story(struct county *county)
{
    uint64_t mark = random_below(&county->random, 10000);
    for (size_t i = COUNT_OF(stories) - 1; i > 0; i--) {
        if (mark < stories[i].weight)
            return (enum story)i;
        mark -= stories[i].weight;
    }
    return STORY_ORDINARY;
}

static const char *draw_shape(struct household *home)
{
    if (home->story == STORY_DROPOUT)
        return "Aac";
    if (home->story == STORY_TEKUN)
        return "E";
    bool small = stories[home->story].small;
    unsigned total = 0;
    for (size_t i = 0; i < COUNT_OF(shapes); i++)
        total += small ? shapes[i].weight_small : shapes[i].weight;
    uint64_t mark = random_below(&home->county->random, total);
    size_t at = 0;
    for (unsigned share; mark >= (share = small ? shapes[at].weight_small : shapes[at].weight); at++)
        mark -= share;
    return shapes[at].roles;
}

static void add_person(struct household *home, char role)
{
    static const struct {
        char role;
        int youngest, oldest;
        const char *kinship; /* NULL: a child, by sex */
    } roles[] = {
        {'E', 62, 88, "02"}, {'e', 61, 86, "10"}, {'A', 27, 57, "02"}, {'a', 25, 55, "10"},
        {'c', 0, 15, NULL},  {'y', 16, 22, NULL}, {'p', 60, 85, "50"},
    };
    size_t at = 0;
    while (roles[at].role != role)
        at++;
    struct county_person *person = &home->persons[home->count];
    bool male = role == 'E' || role == 'A' || (strchr("cyp", role) && chance(home, 1, 2));
    int age = (int)draw(home, roles[at].youngest, roles[at].oldest);
    if (home->story == STORY_DROPOUT && role == 'c')
        age = (int)draw(home, 8, 14);
    county_person_make(home->county, person, male, county_birth_of_age(home->county, age));
    person->kinship = home->count == 0 ? "02" : roles[at].kinship ? roles[at].kinship : male ? "20" : "30";
    home->roles[home->count++] = role;
}

static void draw_household(struct household *home)
{
    bool urban = county_place_is_urban_draw(home->county);
    if (home->story == STORY_HOUSING || home->story == STORY_WATER || home->story == STORY_MONITORED ||
        home->story == STORY_TEKUN)
        urban = false;
    county_place_draw(home->county, &home->place, urban);
    for (const char *role = draw_shape(home); *role != '\0'; role++)
        add_person(home, *role);
    home->members = home->count;
    if (home->members > 1 && chance(home, 2, 100)) /* somebody who has died or moved away since */
        add_person(home, 'p');
    home->line = (int64_t)home->members * (urban ? LINE_URBAN_FEN : LINE_RURAL_FEN);
    home->assisted = home->story == STORY_DIBAO || home->story == STORY_TEKUN;
}

/* How much rigid expense the story needs or allows, by the lines of the scheme. */
static int64_t draw_purse(const struct household *home)
{
    int64_t over_line =
        home->income - home->line * 3 / 2; /* what may be spent before 1.5 × dibao is touched */
    switch (home->story) {
    case STORY_SURGE:
        return max_of(over_line, min_of(home->income / 2, 10000 * YUAN)) + draw(home, 1, 8000 * YUAN);
    case STORY_DISASTER:
        return max_of(over_line, 0) + draw(home, 1, 5000 * YUAN);
    case STORY_VERIFY:
        return 10000 * YUAN + draw(home, 1, 50000 * YUAN);
    case STORY_UNDECLARED: /* under what would count as evidence */
        return draw(home, 0, 8000 * YUAN);
    case STORY_DIBAO:
    case STORY_TEKUN:
        return draw(home, 0, (chance(home, 3, 100) ? 40000 : 9000) * YUAN);
    default: /* never below 1.6 × dibao */
        return min_of(max_of(home->income - home->line * 8 / 5, 0), 60000 * YUAN) * draw(home, 0, 100) / 100;
    }
}

static void draw_amounts(struct household *home)
{
    const struct story_kind *kind = &stories[home->story];
    home->income = home->line * draw(home, kind->income_low * 100, kind->income_high * 100) / 10000;
    if (home->story == STORY_DIBAO && chance(home, 1, 100)) /* does well again, and nobody has noticed */
        home->income = home->line * draw(home, 150, 220) / 100;
    home->before = home->income * draw(home, kind->before_low, kind->before_high) / 100;
    home->purse = draw_purse(home);
}

/* --- income ------------------------------------------------------------------------------------------------------ */

/* The first day of the quarter that runs on the day after the evaluation date: the quarter before it has
 * ended. */
static day_t quarter_begin(const struct household *home)
{
    int year, month, day;
    civil_to_ymd(today(home) + 1, &year, &month, &day);
    day_t begin = DAY_NONE;
    civil_from_ymd(year, (month - 1) / 3 * 3 + 1, 1, &begin);
    return begin;
}

/* The wages of one window: by the year in the register, by the quarter at the agency. */
static void put_wages(struct household *home, int person, int64_t fen, int years_back, bool at_agency)
{
    int64_t in_register =
        at_agency && home->story == STORY_ORDINARY && chance(home, 3, 100) ? fen * 9 / 10 : fen;
    day_t end = civil_add_months(last_date(home, 12, 31), -12 * years_back);
    put_amount(home, COUNTY_REGISTER, person, "income.wage", in_register, civil_add_months(end + 1, -12),
               end);
    if (!at_agency)
        return;
    day_t begin = civil_add_months(quarter_begin(home), -12 * years_back);
    for (int quarter = 4; quarter >= 1; quarter--)
        put_amount(home, COUNTY_HR, person, "income.wage", quarter == 1 ? fen - fen / 4 * 3 : fen / 4,
                   civil_add_months(begin, -3 * quarter), civil_add_months(begin, 3 - 3 * quarter) - 1);
}

static size_t find_workers(const struct household *home, int workers[COUNTY_PERSONS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < home->members; i++)
        if (strchr("Aa", home->roles[i]) || (home->roles[i] == 'y' && age_of(home, i) >= 18))
            workers[count++] = (int)i;
    return count;
}

static void put_income_of_year(struct household *home, int years_back, bool farms, bool at_agency)
{
    int workers[COUNTY_PERSONS_MAX];
    size_t count = find_workers(home, workers);
    int64_t left = years_back == 0 ? home->income : home->before;
    day_t end = civil_add_months(last_date(home, 12, 31), -12 * years_back);
    day_t begin = civil_add_months(end + 1, -12);
    int64_t business = farms ? left * 3 / 10 : 0, property = chance(home, 5, 100) ? left / 20 : 0;
    if (business > 0)
        put_amount(home, COUNTY_REGISTER, HOUSEHOLD, "income.business", business, begin, end);
    if (property > 0)
        put_amount(home, COUNTY_REGISTER, HOUSEHOLD, "income.property", property, begin, end);
    left -= business + property;
    for (size_t i = 0; i < count; i++) {
        int64_t wage = i + 1 == count ? left : left / 2;
        put_wages(home, workers[i], wage, years_back, at_agency);
        left -= wage;
    }
    if (count == 0)
        put_amount(home, COUNTY_REGISTER, 0, "income.transfer", left, begin, end);
}

static void put_income(struct household *home)
{
    bool farms = !home->place.urban && chance(home, 70, 100);
    bool at_agency = chance(home, home->place.urban ? 75 : 40, 100);
    put_income_of_year(home, 0, farms, at_agency);
    put_income_of_year(home, 1, farms, at_agency);
    if (home->story != STORY_UNDECLARED && home->story != STORY_VERIFY)
        put_state(home, COUNTY_REGISTER, HOUSEHOLD, "income.declared", "yes", days_ago(home, 900, 2500),
                  DAY_NONE);
    for (size_t i = 0; i < home->members; i++) /* not counted by the scheme */
        if (age_of(home, i) >= 60 && chance(home, 80, 100))
            put_amount(home, COUNTY_HR, (int)i, "income.basic_pension", 12 * draw(home, 110, 260) * YUAN,
                       civil_add_months(last_date(home, 12, 31) + 1, -12), last_date(home, 12, 31));
}

/* --- expense ----------------------------------------------------------------------------------------------------- */

static void put_hospital_stay(struct household *home, int person, int64_t fen, day_t end)
{
    put_amount(home, COUNTY_MEDICAL, person, "expense.medical_self_paid", fen, end - (day_t)draw(home, 0, 21),
               end);
}

static void put_medical(struct household *home)
{
    bool must = home->story == STORY_SURGE || home->story == STORY_DISASTER || home->story == STORY_VERIFY;
    if (!must && !chance(home, 45, 100))
        return;
    int person = (int)draw(home, 0, (int64_t)home->members - 1);
    if (home->story == STORY_DISASTER) {
        put_amount(home, COUNTY_EMERGENCY, HOUSEHOLD, "expense.disaster_loss", home->purse / 2,
                   days_ago(home, 100, 300), DAY_NONE);
        home->purse -= home->purse / 2;
    }
    for (int stays = (int)draw(home, 1, 4); stays >= 1 && home->purse > 0; stays--) {
        int64_t part = stays == 1 ? home->purse : (home->purse + 1) / 2;
        put_hospital_stay(home, person, part, days_ago(home, 0, 350));
        home->purse -= part;
    }
    if (home->assisted && chance(home, 80, 100))
        put_state(home, COUNTY_MEDICAL, person, "relief.medical", "", days_ago(home, 1, 300), DAY_NONE);
    if (chance(home, 30, 100)) /* the year before counts for nothing but the history */
        put_hospital_stay(home, person, draw(home, 50, 9000) * YUAN, days_ago(home, 400, 700));
}

static void put_schooling(struct household *home, int person)
{
    static const struct stage {
        int youngest, oldest, begins;
        const char *name;
        int64_t fee_yuan;
    } stages[] = {
        {3, 5, 3, "preschool", 0},    {6, 14, 6, "compulsory", 0},   {15, 15, 15, "vocational", 0},
        {16, 17, 15, "senior", 1600}, {18, 20, 18, "college", 5000}, {21, 22, 19, "bachelor", 4500},
    };
    int age = age_of(home, (size_t)person);
    const struct stage *stage = NULL;
    for (size_t i = 0; i < COUNT_OF(stages); i++)
        if (age >= stages[i].youngest && age <= stages[i].oldest)
            stage = &stages[i];
    if (!stage || (age >= 18 && !chance(home, 55, 100)))
        return;
    day_t term = last_date(home, 9, 1);
    put_state(home, COUNTY_EDUCATION, person, "student.stage", stage->name,
              civil_add_months(term, -12 * (age - stage->begins)), DAY_NONE);
    int64_t fee = stage->fee_yuan * YUAN;
    if (fee > 0 && fee <= home->purse) {
        put_amount(home, COUNTY_EDUCATION, person, "expense.education", fee, term, term);
        home->purse -= fee;
    }
    if (home->assisted && age >= 15 && chance(home, 97, 100))
        put_state(home, COUNTY_EDUCATION, person, "relief.education", "", term, DAY_NONE);
}

/* --- disability, assistance, dwelling and the rest --------------------------------------------------------------- */

static void put_disability(struct household *home, int person)
{
    if (!chance(home, home->assisted ? 22 : 3, 100))
        return;
    char type = "1234444562"[draw(home, 0, 9)], grade = "1223344"[draw(home, 0, 6)];
    char value[COUNTY_ID_SIZE + 2];
    snprintf(value, sizeof value, "%s%c%c", home->persons[person].id, type, grade);
    day_t begin = days_ago(home, 200, 3000);
    put_state(home, COUNTY_DISABLED, person, "disability.certificate", value, begin, DAY_NONE);
    bool severe = grade <= '2' || (grade == '3' && (type == '5' || type == '6'));
    if (severe && chance(home, 985, 1000))
        put_state(home, COUNTY_DISABLED, person, "relief.disability_nursing", "80.00", begin + 60, DAY_NONE);
    if (home->story == STORY_DIBAO && chance(home, 98, 100))
        put_state(home, COUNTY_DISABLED, person, "relief.disability_living", "60.00", begin + 60, DAY_NONE);
}

static void put_assistance(struct household *home)
{
    char value[MONEY_TEXT_SIZE];
    int64_t monthly = max_of((home->line - home->income) / 12 / YUAN, 50) * YUAN;
    if (home->story == STORY_DIBAO)
        put_state(home, COUNTY_REGISTER, HOUSEHOLD, "relief.dibao", money_format(monthly, value),
                  days_ago(home, 60, 2400), DAY_NONE);
    if (home->story == STORY_TEKUN)
        put_state(home, COUNTY_REGISTER, 0, "relief.tekun", "523.00", days_ago(home, 60, 2400), DAY_NONE);
    if (home->story == STORY_LEFT)
        put_state(home, COUNTY_REGISTER, HOUSEHOLD, "relief.dibao", "180.00", days_ago(home, 1000, 2400),
                  days_ago(home, 20, 650));
    if (home->story == STORY_ORDINARY && chance(home, 1, 200)) /* left, and is well off since */
        put_state(home, COUNTY_REGISTER, HOUSEHOLD, "relief.dibao", "150.00", days_ago(home, 1500, 3000),
                  days_ago(home, 20, 1200));
    if (chance(home, home->assisted ? 12 : 1, 100))
        put_state(home, COUNTY_MEDICAL, 0, "illness.serious", "yes", days_ago(home, 30, 1500), DAY_NONE);
}

static void put_dwelling(struct household *home)
{
    bool dangerous =
        home->story == STORY_HOUSING || (home->assisted && !home->place.urban && chance(home, 3, 100));
    if (!dangerous && (home->place.urban || !chance(home, 60, 100)))
        return;
    const char *grade = chance(home, 70, 100) ? "A" : "B";
    if (dangerous)
        grade = chance(home, 80, 100) ? "C" : "D";
    else if (chance(home, 3, 100)) /* it was dangerous and has been rebuilt */
        put_state(home, COUNTY_HOUSING, HOUSEHOLD, "housing.grade", "D", days_ago(home, 1500, 2500),
                  DAY_NONE);
    day_t surveyed = days_ago(home, 30, 1400);
    put_state(home, COUNTY_HOUSING, HOUSEHOLD, "housing.grade", grade, surveyed, DAY_NONE);
    put_state(home, COUNTY_HOUSING, HOUSEHOLD, "housing.sole", "yes", surveyed, DAY_NONE);
    if (dangerous && home->assisted && chance(home, 80, 100))
        put_state(home, COUNTY_HOUSING, HOUSEHOLD, "relief.housing", "", days_ago(home, 1, 350), DAY_NONE);
}

static void put_revitalisation(struct household *home)
{
    static const char *const kinds[] = {"monitor.unstable", "monitor.marginal", "monitor.sudden"};
    if (home->place.urban)
        return;
    if (home->story == STORY_WATER)
        put_state(home, COUNTY_REVITALISATION, HOUSEHOLD, "water.safe", "no", days_ago(home, 5, 200),
                  DAY_NONE);
    else if (chance(home, 40, 100))
        put_state(home, COUNTY_REVITALISATION, HOUSEHOLD, "water.safe", "yes", days_ago(home, 100, 900),
                  DAY_NONE);
    const char *kind = kinds[draw(home, 0, 2)];
    if (home->story == STORY_MONITORED)
        put_state(home, COUNTY_REVITALISATION, HOUSEHOLD, kind, "", days_ago(home, 5, 500), DAY_NONE);
    else if (chance(home, 1, 100)) /* the risk has been eliminated */
        put_state(home, COUNTY_REVITALISATION, HOUSEHOLD, kind, "", days_ago(home, 500, 900),
                  days_ago(home, 5, 400));
    if (chance(home, 4, 100))
        put_amount(home, COUNTY_REVITALISATION, HOUSEHOLD, "income.relief_project",
                   draw(home, 200, 3000) * YUAN, last_date(home, 12, 20), DAY_NONE);
}

static void put_events(struct household *home)
{
    if (home->story == STORY_DISASTER)
        put_state(home, COUNTY_EMERGENCY, HOUSEHOLD, chance(home, 3, 4) ? "event.disaster" : "event.accident",
                  "", days_ago(home, 10, 350), DAY_NONE);
    else if ((home->story == STORY_ORDINARY || home->assisted) && chance(home, 8, 1000)) {
        day_t day = days_ago(home, 10, 350);
        put_state(home, COUNTY_EMERGENCY, HOUSEHOLD, "event.disaster", "", day, DAY_NONE);
        put_state(home, COUNTY_EMERGENCY, HOUSEHOLD, "relief.disaster", "", day + 5, DAY_NONE);
    }
    if (home->story == STORY_DROPOUT)
        put_state(home, COUNTY_EDUCATION, 2, "event.dropout", "", days_ago(home, 5, 300), DAY_NONE);
    if (home->count == home->members)
        return;
    int gone = (int)home->members;
    if (chance(home, 1, 2)) {
        put_state(home, COUNTY_REGISTER, gone, "event.death", "", days_ago(home, 20, 1200), DAY_NONE);
        if (chance(home, 4, 100)) /* still paid */
            put_state(home, COUNTY_REGISTER, gone, "relief.tekun", "523.00", days_ago(home, 1300, 3000),
                      DAY_NONE);
    } else
        put_state(home, COUNTY_REGISTER, gone, "residence.moved_away", "yes", days_ago(home, 20, 1200),
                  DAY_NONE);
}

/* Somebody whom the register does not know has been in hospital. */
static void put_stranger(struct county *county)
{
    struct household none = {.county = county};
    county_person_make(county, &none.persons[0], true,
                       county_birth_of_age(county, (int)county_draw(county, 20, 80)));
    put_hospital_stay(&none, 0, draw(&none, 500, 40000) * YUAN, days_ago(&none, 1, 300));
}

void county_ordinary_write(struct county *county, uint64_t number)
{
    struct household home = {.county = county, .story = draw_story(county)};
    snprintf(home.number, sizeof home.number, "H%08llu", (unsigned long long)number);
    draw_household(&home);
    draw_amounts(&home);
    county_household_put(county, home.number, &home.place);
    for (size_t i = 0; i < home.count; i++)
        county_person_put(county, home.number, &home.persons[i]);
    put_income(&home);
    for (size_t i = 0; i < home.members; i++) {
        put_schooling(&home, (int)i);
        put_disability(&home, (int)i);
    }
    put_assistance(&home);
    put_medical(&home);
    put_dwelling(&home);
    put_revitalisation(&home);
    put_events(&home);
    if (county_chance(county, 5, 1000))
        put_stranger(county);
}
