/* SPDX-License-Identifier: PostgreSQL */
/*
 * Files for the benches of taking data in:
 *   bench/made_county DIR PERSONS HOUSEHOLDS
 * writes DIR/first and DIR/second: a register (household.csv, person.csv, fact.csv with about 2.5 facts a person) and
 * the same with 2 % of its rows changed, gone or new; and DIR/feed: 1.csv, a full batch of one fact a person, in an
 * order of the partner's own; 2.csv, the next full batch, of which 98 % says the same; 3.csv, a delta of 2 % of its
 * size, one half corrections and one half new. Nothing is random: the same arguments write the same bytes.
 */
#include "config.h"

#include "base/civil.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FIRST_BIRTH = -14610,
    BIRTH_DAYS = 30000,
    PERMILLE = 1000,
    PERSONS_MAX = 100000000, /* four times as many have a number each */
};

struct county {
    const char *directory;
    uint64_t persons, households;
};

/* splitmix64: what chance there is. */
static uint64_t mix(uint64_t x, uint64_t what)
{
    x += (what + 1) * UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

/* True for `permille` of all x; another `what` takes others. */
static bool falls(uint64_t x, uint64_t what, uint64_t permille)
{
    return mix(x, what) % PERMILLE < permille;
}

static FILE *create(const struct county *county, const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/%s", county->directory, folder, name);
    FILE *file = fopen(path, "w");
    if (!file) {
        fprintf(stderr, "made_county: %s cannot be written\n", path);
        exit(73);
    }
    return file;
}

static void close_file(FILE *file)
{
    if (ferror(file) || fclose(file) != 0) {
        fprintf(stderr, "made_county: the disk is full\n");
        exit(74);
    }
}

/* Every person has another birth date or sequence number. */
static const char *id_of(uint64_t person, char out[20])
{
    static const int weights[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    char day[CIVIL_TEXT_SIZE];
    civil_format((day_t)(FIRST_BIRTH + (int64_t)(person % BIRTH_DAYS)), day);
    snprintf(out, 20, "610%03u%.4s%.2s%.2s%03u", (unsigned)(900 + person / BIRTH_DAYS / PERMILLE), day,
             day + 5, day + 8, (unsigned)(person / BIRTH_DAYS % PERMILLE));
    int sum = 0;
    for (int i = 0; i < 17; i++)
        sum += (out[i] - '0') * weights[i];
    out[17] = "10X98765432"[sum % 11];
    out[18] = '\0';
    return out;
}

static const char *name_of(uint64_t person, uint64_t version, char out[16])
{
    static const char *const family[] = {"王", "李", "张", "刘", "陈", "杨", "赵", "黄",
                                         "周", "吴", "徐", "孙", "胡", "朱", "高", "林"};
    static const char *const given[] = {"伟", "芳", "娜", "敏", "静", "丽", "强", "磊",
                                        "军", "洋", "勇", "艳", "杰", "娟", "涛", "明"};
    uint64_t r = mix(person, 100 + version);
    snprintf(out, 16, "%s%s%s", family[r % 16], given[r / 16 % 16], r / 256 % 4 ? given[r / 1024 % 16] : "");
    return out;
}

/* --- the register ----------------------------------------------------------------------------------------------------- */

static uint64_t household_of(const struct county *county, uint64_t person, bool second)
{
    uint64_t household = person * county->households / county->persons;
    return second && falls(person, 1, 5) ? mix(person, 2) % county->households : household;
}

static void write_households(const struct county *county, const char *folder, bool second)
{
    FILE *file = create(county, folder, "household.csv");
    fputs("household_no,township_code,village_code,area,address\n", file);
    for (uint64_t h = 0; h < county->households; h++) {
        unsigned township = (unsigned)(mix(h, 3) % 18), village = (unsigned)(mix(h, 4) % 20);
        unsigned house = (unsigned)(mix(h, 5) % 400) + (second && falls(h, 6, 20) ? 400 : 0);
        fprintf(file, "H%08u,610922%03u,610922%03u%03u,%s,云岭镇金竹村柳树沟%u号\n", (unsigned)h,
                100 + township, 100 + township, 200 + village, falls(h, 7, 250) ? "urban" : "rural", house);
    }
    close_file(file);
}

static void write_persons(const struct county *county, const char *folder, bool second)
{
    FILE *file = create(county, folder, "person.csv");
    char id[20], name[16];
    fputs("household_no,id_number,name,kinship,labour\n", file);
    for (uint64_t p = 0; p < county->persons; p++) {
        static const char *const labour[] = {"full", "weak", "none", ""};
        /* As many are gone as are new: those have the numbers behind the last. */
        uint64_t who = second && falls(p, 8, 5) ? county->persons + p : p;
        fprintf(file, "H%08u,%s,%s,%02u,%s\n", (unsigned)household_of(county, p, second), id_of(who, id),
                name_of(p, second && falls(p, 9, 5), name), (unsigned)(mix(p, 10) % 8),
                labour[(mix(p, 11) + (second && falls(p, 12, 5))) % 4]);
    }
    close_file(file);
}

static void write_wage(FILE *file, const char *id, uint64_t p, bool second, unsigned quarter)
{
    static const char *const periods[2] = {"2021-01-01,2021-03-31,,2021-03-31",
                                           "2021-04-01,2021-06-30,,2021-06-30"};
    uint64_t key = p * 2 + quarter;
    unsigned fen = (unsigned)(mix(key, 13) % 900000) + (second && falls(key, 14, 20) ? 1000 : 0);
    fprintf(file, ",%s,income.wage,%u.%02u,%s\n", id, fen / 100, fen % 100, periods[quarter]);
}

static void write_facts(const struct county *county, const char *folder, bool second)
{
    FILE *file = create(county, folder, "fact.csv");
    char id[20];
    fputs("household_no,id_number,code,value,from,to,ref,as_of\n", file);
    uint64_t before = UINT64_MAX;
    for (uint64_t p = 0; p < county->persons; p++) {
        uint64_t h = p * county->households / county->persons;
        if (h != before) {
            unsigned yuan = (unsigned)(mix(h, 15) % 20000) + (second && falls(h, 16, 20) ? 7 : 0);
            fprintf(file, "H%08u,,income.declared,yes,2015-01-01,,,2021-06-30\n", (unsigned)h);
            fprintf(file, "H%08u,,income.business,%u.00,2020-07-01,2021-06-30,,2021-06-30\n", (unsigned)h,
                    yuan);
            before = h;
        }
        if (!falls(p, 17, 920) || (second && falls(p, 8, 5)))
            continue;
        id_of(p, id);
        write_wage(file, id, p, second, 0);
        write_wage(file, id, p, second, 1);
    }
    close_file(file);
}

/* --- the feed --------------------------------------------------------------------------------------------------------- */

/* Whom row r of the feed is about: everybody in turn, in an order far from the register's; one in a hundred is unknown. */
static uint64_t subject_of(const struct county *county, uint64_t r)
{
    uint64_t person = r * UINT64_C(2654435761) % county->persons;
    return falls(r, 20, 10) ? 2 * county->persons + person : person;
}

static void write_row(FILE *file, const struct county *county, uint64_t r, uint64_t version)
{
    char id[20], name[16], day[CIVIL_TEXT_SIZE], to[CIVIL_TEXT_SIZE];
    uint64_t person = subject_of(county, r), kind = mix(r, 21) % 10;
    day_t from = (day_t)(18262 + mix(r, 22) % 500);
    unsigned fen = (unsigned)(mix(r, 23 + version) % 500000);
    civil_format(from, day);
    fprintf(file, "%s,,%s,", id_of(person, id), name_of(person, 0, name));
    if (kind < 7)
        fprintf(file, "expense.medical_self_paid,%u.%02u,%s,%s,YB%09u\n", fen / 100, fen % 100, day,
                civil_format((day_t)(from + (day_t)(mix(r, 24) % 20)), to), (unsigned)r);
    else if (kind < 9)
        fprintf(file, "illness.chronic,I%02u.%u,%s,,\n", (unsigned)(mix(r, 25 + version) % 99),
                (unsigned)(fen % 10), day);
    else
        fprintf(file, "relief.medical,%u.00,%s,,\n", fen / 100, day);
}

static void write_feed(const struct county *county)
{
    static const char header[] = "id_number,household_no,name,code,value,from,to,ref\n";
    FILE *first = create(county, "feed", "1.csv"), *second = create(county, "feed", "2.csv"),
         *delta = create(county, "feed", "3.csv");
    fputs(header, first);
    fputs(header, second);
    fputs(header, delta);
    for (uint64_t r = 0; r < county->persons; r++) {
        write_row(first, county, r, 0);
        if (!falls(r, 30, 5))
            write_row(second, county, r, falls(r, 31, 10) ? 100 : 0);
        if (falls(r, 30, 5))
            write_row(second, county, county->persons + r, 0);
        if (falls(r, 32, 10)) {
            write_row(delta, county, r, 200);
            write_row(delta, county, 3 * county->persons + r, 0);
        }
    }
    close_file(first);
    close_file(second);
    close_file(delta);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: made_county DIR PERSONS HOUSEHOLDS\n"
                        "DIR holds the folders first, second and feed\n");
        return 64;
    }
    struct county county = {argv[1], strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10)};
    if (county.persons == 0 || county.persons > PERSONS_MAX || county.households == 0 ||
        county.households > county.persons) {
        fprintf(stderr, "made_county: expected 1 to %d persons and at most as many households\n",
                PERSONS_MAX);
        return 64;
    }
    for (int second = 0; second < 2; second++) {
        const char *folder = second ? "second" : "first";
        write_households(&county, folder, second);
        write_persons(&county, folder, second);
        write_facts(&county, folder, second);
    }
    write_feed(&county);
    return 0;
}
