/* SPDX-License-Identifier: PostgreSQL */
/* People and places of the sample county. All are invented; no list here is a register of anything. */
#include "county.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* The invented county 610922: two subdistricts, nine towns, one township; `urban` of 100 households are
 * urban. */
static const struct township {
    const char *code, *name;
    unsigned urban, weight;
    unsigned communities, villages; /* village codes 001… are urban communities, 200… are villages */
} townships[] = {
    {"610922001", "东关街道", 92, 12, 6, 2}, {"610922002", "西门街道", 88, 9, 5, 3},
    {"610922100", "云溪镇", 55, 14, 4, 9},   {"610922101", "双桥镇", 18, 10, 2, 12},
    {"610922102", "柳湾镇", 15, 9, 1, 11},   {"610922103", "池坪镇", 10, 8, 1, 10},
    {"610922104", "云岭镇", 8, 8, 1, 12},    {"610922105", "两河口镇", 12, 8, 1, 9},
    {"610922106", "迎丰镇", 8, 7, 1, 10},    {"610922107", "麻石镇", 6, 6, 1, 8},
    {"610922108", "后坝镇", 5, 5, 1, 8},     {"610922200", "青石乡", 2, 4, 1, 7},
};

static const char *const surnames[] = {
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "周",   "吴",   "徐",   "孙",   "马", "朱", "胡", "郭",
    "何", "林", "高", "罗", "郑", "梁", "谢", "宋", "唐",   "许",   "邓",   "韩",   "冯", "曹", "彭", "曾",
    "肖", "田", "董", "潘", "袁", "蔡", "蒋", "余", "于",   "杜",   "叶",   "程",   "魏", "苏", "吕", "丁",
    "任", "卢", "姚", "沈", "钟", "姜", "崔", "谭", "陆",   "范",   "汪",   "廖",   "石", "金", "韦", "贾",
    "夏", "付", "方", "邹", "熊", "白", "孟", "秦", "欧阳", "司马", "上官", "诸葛",
};
static const char *const given[] = {
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛",
    "明", "超", "秀", "霞", "平", "刚", "桂", "英", "华", "玉", "兰", "建", "国", "红", "梅",
    "春", "生", "福", "贵", "元", "宝", "山", "林", "水", "金", "银", "志", "文", "学", "德",
    "仁", "义", "孝", "忠", "安", "康", "宁", "和", "顺", "子", "涵", "雨", "欣", "怡", "浩",
    "宇", "轩", "梓", "晨", "诗", "琪", "俊", "凯", "思", "远", "家", "瑞",
};
/* What breaks careless software: extension A and B, and characters that GBK does not have. */
static const char *const rare[] = {"𠮷", "㐱", "䶮", "𬀩", "㛃", "𣲘", "喆", "堃", "珺"};
static const char *const dotted[] = {
    "阿卜杜拉·买买提", "古丽娜尔·吐尔逊", "扎西·多吉", "卓玛·央宗", "艾力·玉素甫·江",
};
static const char *const streets[] = {
    "幸福路", "解放街", "滨河路", "桥头巷", "中心街", "新民路", "和平里", "西关巷", "学府路", "文昌街",
};
static const char *const hamlets[] = {
    "上坪", "下湾", "石坎", "柳树沟", "大院子", "麻柳坝", "核桃坪", "龙王庙", "新屋", "水田沟",
};
static const char *const villages[] = {
    "红星", "前进", "新联", "双河", "高坎", "青龙", "白云", "长岭", "板桥", "杨柳", "金竹", "三官",
};

uint64_t county_draw(struct county *county, uint64_t low, uint64_t high)
{
    return low + random_below(&county->random, high - low + 1);
}

bool county_chance(struct county *county, unsigned parts, unsigned in_all)
{
    return random_below(&county->random, in_all) < parts;
}

static const char *pick(struct county *county, const char *const *texts, size_t count)
{
    return texts[random_below(&county->random, count)];
}

char county_id_check_character(const char digits[17])
{
    /* GB 11643 */
    static const int weights[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    for (int i = 0; i < 17; i++)
        sum += (digits[i] - '0') * weights[i];
    return "10X98765432"[sum % 11];
}

/* Unique by construction: the counter of a birthday and sex gives the sequence number, and a new issuing area
 * whenever the 500 numbers of a sex are used up. The areas of one turn are disjoint from those of the next.
 */
static void make_id(struct county *county, struct county_person *person)
{
    static const char *const areas[][4] = {
        {"610922", "610922", "610922", "610902"},
        {"612422", "610921", "610923", "610924"},
        {"420381", "500101", "511723", "610102"},
        {"620102", "650102", "540102", "450103"},
    };
    enum { PER_SEX = 500 };
    uint16_t *counter = &county->births[person->birth - DAY_MIN][person->male];
    unsigned turn = *counter / PER_SEX;
    if (turn >= COUNT_OF(areas))
        county_fail(EX_USAGE,
                    "--households asks for more people than there are resident IDs on one birthday");
    unsigned sequence = (*counter + (unsigned)(person->birth - DAY_MIN) * 37U) % PER_SEX * 2U + person->male;
    ++*counter;
    int year, month, day;
    civil_to_ymd(person->birth, &year, &month, &day);
    snprintf(person->id, sizeof person->id, "%s%04d%02d%02d%03u", pick(county, areas[turn], 4), year, month,
             day, sequence);
    person->id[17] = county_id_check_character(person->id);
    person->id[18] = '\0';
}

void county_name_make(struct county *county, char out[COUNTY_NAME_SIZE], const char *surname)
{
    unsigned kind = (unsigned)random_below(&county->random, 1000);
    if (kind < 8) {
        snprintf(out, COUNTY_NAME_SIZE, "%s", pick(county, dotted, COUNT_OF(dotted)));
        return;
    }
    const char *family = surname ? surname : pick(county, surnames, COUNT_OF(surnames));
    const char *first = pick(county, given, COUNT_OF(given));
    const char *second = kind < 250 ? "" : pick(county, given, COUNT_OF(given));
    if (kind >= 980)
        second = pick(county, rare, COUNT_OF(rare));
    snprintf(out, COUNTY_NAME_SIZE, "%s%s%s", family, first, second);
}

void county_person_make(struct county *county, struct county_person *person, bool male, day_t birth)
{
    person->male = male;
    person->birth = birth;
    make_id(county, person);
    county_name_make(county, person->name, NULL);
    int age = civil_age_years(birth, county->options.date);
    person->labour = age < 16 || age >= 72 ? "none" : age < 60 ? "full" : "weak";
    if (county_chance(county, 3, 100))
        person->labour = "";
}

day_t county_birth_of_age(struct county *county, int age)
{
    return civil_add_months(county->options.date, -12 * age) - (day_t)county_draw(county, 20, 340);
}

bool county_place_is_urban_draw(struct county *county)
{
    return county_chance(county, 30, 100);
}

void county_place_draw(struct county *county, struct county_place *place, bool urban)
{
    unsigned total = 0;
    for (size_t i = 0; i < COUNT_OF(townships); i++)
        total += townships[i].weight * (urban ? townships[i].urban : 100 - townships[i].urban);
    uint64_t mark = random_below(&county->random, total);
    const struct township *at = townships;
    for (;; at++) {
        unsigned share = at->weight * (urban ? at->urban : 100 - at->urban);
        if (mark < share)
            break;
        mark -= share;
    }
    unsigned index = (unsigned)random_below(&county->random, urban ? at->communities : at->villages);
    unsigned number = (unsigned)county_draw(county, 1, 180);
    const char *village = villages[index % COUNT_OF(villages)];
    place->urban = urban;
    snprintf(place->township, sizeof place->township, "%s", at->code);
    snprintf(place->village, sizeof place->village, "%s%03u", at->code, urban ? 1 + index : 200 + index);
    if (urban)
        snprintf(place->address, sizeof place->address, "%s%s社区%s%u号%u单元%u室", at->name, village,
                 pick(county, streets, COUNT_OF(streets)), number, 1 + number % 4, 101 + number % 6 * 100);
    else if (number % 50 == 0) /* an address that needs the quotes of RFC 4180 */
        snprintf(place->address, sizeof place->address, "%s%s村\"%s\",%u组", at->name, village,
                 pick(county, hamlets, COUNT_OF(hamlets)), 1 + number % 9);
    else
        snprintf(place->address, sizeof place->address, "%s%s村%s%u组", at->name, village,
                 pick(county, hamlets, COUNT_OF(hamlets)), 1 + number % 9);
}

void county_household_put(struct county *county, const char *household_no, const struct county_place *place)
{
    const char *const fields[] = {household_no, place->township, place->village,
                                  place->urban ? "urban" : "rural", place->address};
    county_file_row(&county->household, fields, COUNT_OF(fields));
}

void county_person_put(struct county *county, const char *household_no, const struct county_person *person)
{
    const char *const fields[] = {household_no, person->id, person->name, person->kinship, person->labour};
    county_file_row(&county->person, fields, COUNT_OF(fields));
    county->persons++;
}
