/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "by_hand.h"

#include <stdlib.h>
#include <string.h>

enum rule {
    RED_APPLY,
    RED_RIGID,
    RED_COLLAPSE,
    RED_DISASTER,
    ORANGE_MARGIN,
    YELLOW_MONITORED,
    YELLOW_LEFT,
    YELLOW_HOUSING,
    YELLOW_WATER,
    YELLOW_DROPOUT,
    VERIFY_UNREADABLE,
    CHECK_LIVING,
    CHECK_NURSING,
    CHECK_MEDICAL,
    CHECK_EDUCATION,
    CHECK_HOUSING,
    CHECK_DECEASED,
    CHECK_INCOME,
    SUGGEST_SINGLE,
    RULES
};

const char *const by_hand_clauses[] = {
    [RED_APPLY] = "red.apply",
    [RED_RIGID] = "red.rigid",
    [RED_COLLAPSE] = "red.collapse",
    [RED_DISASTER] = "red.disaster",
    [ORANGE_MARGIN] = "orange.margin",
    [YELLOW_MONITORED] = "yellow.monitored",
    [YELLOW_LEFT] = "yellow.left",
    [YELLOW_HOUSING] = "yellow.housing",
    [YELLOW_WATER] = "yellow.water",
    [YELLOW_DROPOUT] = "yellow.dropout",
    [VERIFY_UNREADABLE] = "verify.unreadable",
    [CHECK_LIVING] = "check.disability_living",
    [CHECK_NURSING] = "check.disability_nursing",
    [CHECK_MEDICAL] = "check.medical",
    [CHECK_EDUCATION] = "check.education",
    [CHECK_HOUSING] = "check.housing",
    [CHECK_DECEASED] = "check.deceased",
    [CHECK_INCOME] = "check.income",
    [SUGGEST_SINGLE] = "suggest.single_dibao",
    NULL,
};

#define BIT(rule) (UINT64_C(1) << (rule))
#define ALL_RULES (BIT(RULES) - 1)
#define REDS      (BIT(RED_APPLY) | BIT(RED_RIGID) | BIT(RED_COLLAPSE) | BIT(RED_DISASTER))
#define YELLOWS                                                                                              \
    (BIT(YELLOW_MONITORED) | BIT(YELLOW_LEFT) | BIT(YELLOW_HOUSING) | BIT(YELLOW_WATER) | BIT(YELLOW_DROPOUT))
#define COLOURS    (REDS | BIT(ORANGE_MARGIN) | YELLOWS | BIT(VERIFY_UNREADABLE))
#define ASSISTANCE (BIT(CHECK_MEDICAL) | BIT(CHECK_EDUCATION) | BIT(CHECK_HOUSING) | BIT(CHECK_INCOME))

/* Fen. */
#define RANGE INT64_C(500000000)
enum { LARGE = 1000000, LINE_RURAL = 483000, LINE_URBAN = 732000 };

/* What a code is asked for. */
enum meaning {
    NOTHING,
    INCOME,
    MEDICAL, /* an expense that is looked at for itself, too */
    EXPENSE,
    LATEST_FIRST,
    CERTIFICATE = LATEST_FIRST,
    GRADE,
    WATER,
    STATE_FIRST,
    ILLNESS = STATE_FIRST,
    STAGE,
    AWAY,
    DECLARED,
    DIBAO,
    TEKUN,
    RELIEF_MEDICAL,
    RELIEF_EDUCATION,
    RELIEF_HOUSING,
    LIVING,
    NURSING,
    MONITORED,
    DEATH,
    STRUCK,
    DROPOUT,
};

/* By the dictionary's numbers (docs/feeds.md). */
static const struct {
    int16_t number;
    uint8_t meaning;
} meanings[] = {
    {1, INCOME},           {2, INCOME},   {3, INCOME},    {4, INCOME},           {30, MEDICAL},
    {31, EXPENSE},         {33, EXPENSE}, {34, EXPENSE},  {36, EXPENSE},         {100, CERTIFICATE},
    {101, ILLNESS},        {111, STAGE},  {120, GRADE},   {122, WATER},          {130, AWAY},
    {131, DECLARED},       {200, DIBAO},  {201, TEKUN},   {205, RELIEF_MEDICAL}, {206, RELIEF_EDUCATION},
    {207, RELIEF_HOUSING}, {210, LIVING}, {211, NURSING}, {230, MONITORED},      {231, MONITORED},
    {232, MONITORED},      {300, DEATH},  {301, STRUCK},  {302, STRUCK},         {303, STRUCK},
    {305, DROPOUT},
};
enum { CODE_NUMBER_MAX = 32767 };
enum { STAGE_SENIOR = 3, STAGE_BACHELOR = 6, GRADE_C = 3, GRADE_D = 4 }; /* positions among their choices */

/* What is true of a person or of a household by itself. */
enum {
    IS_DEAD = 1 << 0,
    DIED_THIS_YEAR = 1 << 1,
    IS_AWAY = 1 << 2,
    HAS_DIBAO = 1 << 3,
    HAS_TEKUN = 1 << 4,
    HAS_LEFT = 1 << 5,
    HELD_MEDICAL = 1 << 6,
    HELD_EDUCATION = 1 << 7,
    HELD_HOUSING = 1 << 8,
    HAS_LIVING = 1 << 9,
    HAS_NURSING = 1 << 10,
    HAS_CERTIFICATE = 1 << 11,
    IS_ILL = 1 << 12,
    IS_STUDENT = 1 << 13,
    IS_MONITORED = 1 << 14,
    IS_STRUCK = 1 << 15,
    DROPPED_OUT = 1 << 16,
    IS_DECLARED = 1 << 17,
    WAS_DECLARED = 1 << 18,
    IS_SEVERE = 1 << 19,
    MAY_BE_SEVERE = 1 << 20,
    BAD_HOUSE = 1 << 21,
    BAD_WATER = 1 << 22,
    /* what concerns the household when it is true of one member or of itself */
    ANYBODYS = HAS_DIBAO | HAS_TEKUN | HAS_LEFT | HELD_HOUSING | IS_MONITORED | IS_STRUCK,
    OWN_RELIEF = HAS_DIBAO | HAS_TEKUN | HAS_LIVING | HAS_NURSING,
};

struct by_hand {
    day_t as_of, year_after,
        before_after; /* the year is (year_after, as_of], the one before (before_after, year_after] */
    day_t born_until_6, born_after_16;
    uint8_t meaning[CODE_NUMBER_MAX]; /* by position */
    uint8_t rank[SOURCE_NUMBER_MAX + 1];
};

struct interval {
    int64_t low, high;
};

struct subject {
    struct interval income, before, expense, medical;
    uint32_t is;
    bool blurred; /* an expense that is not known */
};

struct by_hand *by_hand_new(const int16_t *codes, size_t count, day_t as_of)
{
    struct by_hand *hand = calloc(1, sizeof *hand);
    if (!hand)
        return NULL;
    hand->as_of = as_of;
    hand->year_after = civil_add_months(as_of, -12);
    hand->before_after = civil_add_months(as_of, -24);
    hand->born_until_6 = civil_add_months(as_of, -12 * 6);
    hand->born_after_16 = civil_add_months(as_of, -12 * 16);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < sizeof meanings / sizeof *meanings; j++)
            if (meanings[j].number == codes[i])
                hand->meaning[i] = meanings[j].meaning;
    /* The agencies by their numbers, which are in the scheme's order; the register last. */
    for (int source = 0; source <= SOURCE_NUMBER_MAX; source++)
        hand->rank[source] = (uint8_t)(source == SOURCE_REGISTER ? SOURCE_NUMBER_MAX : source - 1);
    return hand;
}

void by_hand_free(struct by_hand *hand)
{
    free(hand);
}

/* --- the facts of one subject and one code ----------------------------------------------------------------------------- */

static inline void add(struct interval *sum, int64_t value)
{
    bool known = value >= 0 && value <= RANGE;
    sum->low += known ? value : 0;
    sum->high += known ? value : RANGE;
}

static inline day_t day_of(const struct policy_fact *fact)
{
    return fact->to != DAY_NONE ? fact->to : fact->from;
}

static inline bool within(day_t day, day_t after, day_t until)
{
    return day > after && day <= until;
}

/* The sum over (after, until], of the best source that says anything there. */
static inline void add_window(const struct by_hand *hand, const struct policy_fact *facts, size_t count,
                              day_t after, day_t until, struct interval *sum)
{
    int best = SOURCE_NUMBER_MAX + 1;
    bool several = false;
    for (size_t i = 1; i < count; i++)
        several |= facts[i].source != facts[0].source;
    for (size_t i = 0; several && i < count; i++)
        if (hand->rank[facts[i].source] < best && within(day_of(&facts[i]), after, until))
            best = hand->rank[facts[i].source];
    for (size_t i = 0; i < count; i++)
        if (within(day_of(&facts[i]), after, until) && (!several || hand->rank[facts[i].source] == best))
            add(sum, facts[i].value);
}

static bool is_active(const struct policy_fact *fact, day_t day)
{
    return fact->from <= day && (fact->to == DAY_NONE || fact->to >= day);
}

/* The rank of the first source that says anything about the days up to D. */
static inline int believed(const struct by_hand *hand, const struct policy_fact *facts, size_t count)
{
    int best = SOURCE_NUMBER_MAX + 1;
    for (size_t i = 0; i < count; i++)
        if (facts[i].from <= hand->as_of && hand->rank[facts[i].source] < best)
            best = hand->rank[facts[i].source];
    return best;
}

static bool is_later(const struct policy_fact *a, const struct policy_fact *b)
{
    if (a->from != b->from)
        return a->from > b->from;
    return a->batch != b->batch ? a->batch > b->batch : a->row > b->row;
}

static const struct policy_fact *latest(const struct by_hand *hand, const struct policy_fact *facts,
                                        size_t count)
{
    int rank = believed(hand, facts, count);
    const struct policy_fact *found = NULL;
    for (size_t i = 0; i < count; i++)
        if (hand->rank[facts[i].source] == rank && is_active(&facts[i], hand->as_of) &&
            (!found || is_later(&facts[i], found)))
            found = &facts[i];
    return found;
}

static uint32_t severity(int64_t certificate)
{
    int64_t type = certificate / 10, grade = certificate % 10;
    if (grade <= 2 || (grade == 3 && (type == 5 || type == 6)))
        return IS_SEVERE;
    return grade == 3 && type == 7 ? MAY_BE_SEVERE : 0;
}

static uint32_t of_latest(const struct by_hand *hand, int meaning, const struct policy_fact *facts,
                          size_t count)
{
    const struct policy_fact *fact = latest(hand, facts, count);
    if (!fact)
        return 0;
    if (meaning == GRADE)
        return fact->value == GRADE_C || fact->value == GRADE_D ? BAD_HOUSE : 0;
    if (meaning == WATER)
        return fact->value == 0 ? BAD_WATER : 0;
    return severity(fact->value);
}

/* What one fact that exists on D and is believed says. */
static inline uint32_t of_state(const struct by_hand *hand, int meaning, const struct policy_fact *fact)
{
    bool active = fact->to == DAY_NONE || fact->to >= hand->as_of;
    bool held = fact->to == DAY_NONE || fact->to > hand->year_after;
    bool this_year = fact->from > hand->year_after;
    switch (meaning) {
    case CERTIFICATE:
        return active ? HAS_CERTIFICATE : 0;
    case ILLNESS:
        return active ? IS_ILL : 0;
    case STAGE:
        return active && fact->value >= STAGE_SENIOR && fact->value <= STAGE_BACHELOR ? IS_STUDENT : 0;
    case AWAY:
        return active ? IS_AWAY : 0;
    case DECLARED:
        return (active ? IS_DECLARED : 0) | (is_active(fact, hand->year_after) ? WAS_DECLARED : 0);
    case DIBAO:
    case TEKUN:
        return (active ? meaning == DIBAO ? HAS_DIBAO : HAS_TEKUN : 0) |
               (fact->to > hand->before_after && fact->to < hand->as_of ? HAS_LEFT : 0);
    case RELIEF_MEDICAL:
        return held ? HELD_MEDICAL : 0;
    case RELIEF_EDUCATION:
        return held ? HELD_EDUCATION : 0;
    case RELIEF_HOUSING:
        return held ? HELD_HOUSING : 0;
    case LIVING:
        return active ? HAS_LIVING : 0;
    case NURSING:
        return active ? HAS_NURSING : 0;
    case MONITORED:
        return active ? IS_MONITORED : 0;
    case DEATH:
        return IS_DEAD | (this_year ? DIED_THIS_YEAR : 0);
    case STRUCK:
        return this_year ? IS_STRUCK : 0;
    default:
        return this_year ? DROPPED_OUT : 0;
    }
}

static inline uint32_t of_states(const struct by_hand *hand, int meaning, const struct policy_fact *facts,
                                 size_t count)
{
    int rank = count == 1 ? hand->rank[facts[0].source] : believed(hand, facts, count);
    uint32_t is = 0;
    for (size_t i = 0; i < count; i++)
        if (facts[i].value != 0 && facts[i].from <= hand->as_of && hand->rank[facts[i].source] == rank)
            is |= of_state(hand, meaning, &facts[i]);
    return is;
}

static inline void read_subject(const struct by_hand *hand, const struct policy_fact *facts, size_t count,
                                struct subject *out)
{
    for (size_t at = 0, end; at < count; at = end) {
        uint16_t code = facts[at].code;
        for (end = at + 1; end < count && facts[end].code == code;)
            end++;
        const struct policy_fact *run = facts + at;
        size_t length = end - at;
        int meaning = hand->meaning[code];
        if (meaning == INCOME) {
            add_window(hand, run, length, hand->year_after, hand->as_of, &out->income);
            add_window(hand, run, length, hand->before_after, hand->year_after, &out->before);
        } else if (meaning == MEDICAL || meaning == EXPENSE) {
            struct interval sum = {0, 0};
            add_window(hand, run, length, hand->year_after, hand->as_of, &sum);
            out->expense.low += sum.low;
            out->expense.high += sum.high;
            out->blurred |= sum.high > sum.low;
            if (meaning == MEDICAL)
                out->medical = sum;
        } else if (meaning != NOTHING) {
            if (meaning < STATE_FIRST)
                out->is |= of_latest(hand, meaning, run, length);
            if (meaning >= STATE_FIRST || meaning == CERTIFICATE)
                out->is |= of_states(hand, meaning, run, length);
        }
    }
}

/* --- one household ------------------------------------------------------------------------------------------------------- */

/* A condition: surely, and possibly. */
struct answer {
    bool yes, may;
};

static inline struct answer certainly(bool is)
{
    return (struct answer){is, is};
}

static inline struct answer below(int64_t low, int64_t high, int64_t other_low, int64_t other_high)
{
    return (struct answer){high < other_low, low < other_high};
}

static inline struct answer not(struct answer a)
{
    return (struct answer){!a.may, !a.yes};
}

static inline struct answer and (struct answer a, struct answer b)
{
    return (struct answer){a.yes & b.yes, a.may & b.may};
}

static inline struct answer or (struct answer a, struct answer b)
{
    return (struct answer){a.yes | b.yes, a.may | b.may};
}

/* A clause holds; `shown`: what is evidence by itself is true. */
static inline void put(struct policy_outcome *out, enum rule rule, struct answer holds, bool shown)
{
    out->fired |= (uint64_t)holds.yes << rule;
    out->undecided |= (uint64_t)(!holds.yes & holds.may & shown) << rule;
    out->denied |= (uint64_t)!holds.may << rule;
}

/* What the members bring to the clauses about some member. */
struct members {
    uint32_t count;
    bool living, nursing, nursing_open, education, dropout, needy;
    struct answer medical, may_need;
};

struct household {
    struct subject sum; /* of the household and its members; `is`: of anybody */
    uint32_t own;
    struct members members;
    bool deceased;
};

static inline void add_expense(struct subject *sum, const struct subject *person)
{
    sum->expense.low += person->expense.low;
    sum->expense.high += person->expense.high;
    sum->blurred |= person->blurred;
}

static inline void add_member(const struct by_hand *hand, struct household *household,
                              const struct subject *person, day_t birth)
{
    struct subject *sum = &household->sum;
    struct members *members = &household->members;
    uint32_t is = person->is, with_household = is | household->own;
    add_expense(sum, person);
    sum->income.low += person->income.low;
    sum->income.high += person->income.high;
    sum->before.low += person->before.low;
    sum->before.high += person->before.high;
    sum->is |= is & ANYBODYS;
    struct answer severe = {is & IS_SEVERE, is & (IS_SEVERE | MAY_BE_SEVERE)};
    bool certified = is & HAS_CERTIFICATE, bare = certified && !(with_household & HAS_NURSING);
    members->living |= certified && !(with_household & HAS_LIVING);
    members->nursing |= bare & severe.yes;
    members->nursing_open |= bare & severe.may & !severe.yes;
    members->education |= (is & IS_STUDENT) && !(with_household & HELD_EDUCATION);
    members->dropout |=
        (is & DROPPED_OUT) && birth != DAY_NONE && birth <= hand->born_until_6 && birth > hand->born_after_16;
    members->may_need = or (members->may_need, or (severe, certainly(is & IS_ILL)));
    if (!(with_household & HELD_MEDICAL))
        members->medical =
            or (members->medical, below(LARGE, LARGE, person->medical.low, person->medical.high));
}

static void judge_colours(const struct household *household, int64_t line, struct answer poor,
                          struct policy_outcome *out)
{
    const struct subject *sum = &household->sum;
    const struct interval I = sum->income, E = sum->expense, before = sum->before;
    struct answer lowest = below(I.low, I.high, line, line);
    struct answer pressed = below(2 * (I.low - E.high), 2 * (I.high - E.low), 3 * line, 3 * line);
    struct answer rigid =
        or (below(I.low, I.high, 2 * E.low, 2 * E.high), below(LARGE, LARGE, E.low, E.high));
    put(out, RED_APPLY, lowest, false);
    put(out, RED_RIGID, and(rigid, and(not(lowest), pressed)), rigid.yes);
    if (household->own & IS_DECLARED && household->own & WAS_DECLARED) {
        struct answer fell = not(below(7 * before.low, 7 * before.high, 10 * I.low, 10 * I.high));
        put(out, RED_COLLAPSE, and(and(below(0, 0, before.low, before.high), fell), poor), fell.yes);
    } else {
        out->denied |= BIT(RED_COLLAPSE);
    }
    struct answer struck = certainly(sum->is & IS_STRUCK), left = certainly(sum->is & HAS_LEFT);
    put(out, RED_DISASTER, and(struck, pressed), struck.yes);
    put(out, ORANGE_MARGIN, and(not(lowest), poor), false);
    put(out, YELLOW_MONITORED, certainly(sum->is & IS_MONITORED), false);
    put(out, YELLOW_LEFT, and(left, poor), left.yes);
    put(out, YELLOW_HOUSING, certainly(household->own & BAD_HOUSE), false);
    put(out, YELLOW_WATER, certainly(household->own & BAD_WATER), false);
    put(out, YELLOW_DROPOUT, certainly(household->members.dropout), false);
    put(out, VERIFY_UNREADABLE, and(certainly(sum->blurred), poor), sum->blurred);
}

static void judge_assisted(const struct household *household, bool urban, struct answer poor,
                           struct policy_outcome *out)
{
    const struct members *members = &household->members;
    put(out, CHECK_MEDICAL, members->medical, false);
    put(out, CHECK_EDUCATION, certainly(members->education), false);
    put(out, CHECK_HOUSING,
        certainly(!urban && household->own & BAD_HOUSE && !(household->sum.is & HELD_HOUSING)), false);
    put(out, CHECK_INCOME, not(poor), false);
}

static uint8_t level_of(const struct policy_outcome *out)
{
    if (out->fired & REDS)
        return LEVEL_RED;
    if (out->fired & BIT(ORANGE_MARGIN))
        return LEVEL_ORANGE;
    if (out->fired & YELLOWS)
        return LEVEL_YELLOW;
    return out->fired & BIT(VERIFY_UNREADABLE) || out->undecided & COLOURS ? LEVEL_VERIFY : LEVEL_NONE;
}

static void judge(struct household *household, bool urban, struct policy_outcome *out)
{
    const struct members *members = &household->members;
    struct subject *sum = &household->sum;
    *out = (struct policy_outcome){.fired = (uint64_t)household->deceased << CHECK_DECEASED,
                                   .denied = (uint64_t)!household->deceased << CHECK_DECEASED};
    if (members->count == 0) {
        out->denied |= ALL_RULES & ~BIT(CHECK_DECEASED);
        return;
    }
    sum->income.high += household->own & IS_DECLARED ? 0 : RANGE;
    sum->before.high += household->own & WAS_DECLARED ? 0 : RANGE;
    out->statistics = sum->income.high > sum->income.low;
    int64_t line = (int64_t)members->count * (urban ? LINE_URBAN : LINE_RURAL);
    struct answer poor = below(2 * sum->income.low, 2 * sum->income.high, 3 * line, 3 * line);
    bool assisted = sum->is & (HAS_DIBAO | HAS_TEKUN);
    if (assisted) {
        out->denied |= COLOURS;
        judge_assisted(household, urban, poor, out);
    } else {
        out->denied |= ASSISTANCE;
        judge_colours(household, line, poor, out);
    }
    put(out, CHECK_LIVING, certainly(sum->is & HAS_DIBAO && members->living), false);
    put(out, CHECK_NURSING, (struct answer){members->nursing, members->nursing | members->nursing_open},
        members->nursing_open);
    out->level = level_of(out);
    bool high = out->level == LEVEL_RED || out->level == LEVEL_ORANGE;
    put(out, SUGGEST_SINGLE, and(certainly(high), and(poor, members->may_need)), false);
}

static void read_household(const struct by_hand *hand, const struct policy_block *block, size_t index,
                           struct household *household)
{
    memset(household, 0, sizeof *household);
    uint32_t begin = block->household_fact_begin[index], end = block->household_fact_begin[index + 1];
    read_subject(hand, block->household_facts + begin, end - begin, &household->sum);
    household->own = household->sum.is;
    household->sum.is &= ANYBODYS;
    for (uint32_t p = block->person_begin[index]; p < block->person_begin[index + 1]; p++) {
        begin = block->person_fact_begin[p];
        end = block->person_fact_begin[p + 1];
        if (begin == end) {
            household->members.count++;
            continue;
        }
        struct subject person;
        memset(&person, 0, sizeof person);
        read_subject(hand, block->person_facts + begin, end - begin, &person);
        if (!(person.is & (IS_DEAD | IS_AWAY))) {
            household->members.count++;
            add_member(hand, household, &person, block->birth[p]);
            continue;
        }
        household->deceased |= person.is & IS_DEAD && person.is & OWN_RELIEF;
        if (person.is & DIED_THIS_YEAR)
            add_expense(&household->sum, &person);
    }
}

void by_hand_evaluate(const struct by_hand *hand, const struct policy_block *block,
                      struct policy_outcome *outcomes)
{
    for (size_t i = 0; i < block->household_count; i++) {
        struct household household;
        read_household(hand, block, i, &household);
        judge(&household, block->urban[i], &outcomes[i]);
    }
}
