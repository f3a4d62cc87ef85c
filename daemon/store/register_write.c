/* SPDX-License-Identifier: PostgreSQL */
/*
 * Applying a snapshot. What the register holds is read once, as keys and fingerprints; each row of the snapshot is
 * compared with it here. New rows go straight into their tables while the caller reads on; what changes goes to small
 * temporary tables, from which register_apply updates.
 *
 * Ids go on from the greatest; nobody else gives any, since the ingest lease is held.
 */
#include "store/register_writer.h"

#include "base/kill_point.h"
#include "domain/resident_id.h"
#include "io/crypto.h"
#include "store/columns.h"
#include "store/fingerprint.h"

#include <stdlib.h>
#include <string.h>

/* Our own keys are given one after the other, so that they index arrays; one beyond this was not given by us. */
#define ID_MAX (INT64_C(1) << 31)

static const struct {
    const char *sql;
    int columns;
} targets[TARGETS] = {
    [TO_HOUSEHOLD_NUMBER] = {"copy household_number (household_no, household_id) from stdin (format binary)",
                             2},
    [TO_HOUSEHOLD] =
        {"copy household (household_id, household_no, township_code, village_code, urban, address,"
         " valid_from) from stdin (format binary)",
         7},
    [TO_PERSON] = {"copy person (person_id, name, raw_id) from stdin (format binary)", 3},
    [TO_IDENTITY] = {"copy person_identity (id_packed, person_id) from stdin (format binary)", 2},
    [TO_MEMBERSHIP] = {"copy membership (person_id, household_id, valid_from, birth, kinship, labour, line)"
                       " from stdin (format binary)",
                       7},
    [TO_CHANGED_HOUSEHOLD] = {"copy changed_household from stdin (format binary)", 6},
    [TO_RENAMED] = {"copy renamed_person from stdin (format binary)", 2},
    [TO_CHANGED_MEMBERSHIP] = {"copy changed_membership from stdin (format binary)", 7},
    [TO_MOVED] = {"copy moved_membership from stdin (format binary)", 7},
    [TO_TAKEN_UP] = {"copy taken_up from stdin (format binary)", 2},
};

static const char *const labours[] = {"", "full", "weak", "none"};
enum { LABOURS = sizeof labours / sizeof *labours };

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_FATAL, "no memory for an import");
}

/* Never null: an empty slice may have no address. */
static struct slice present(struct slice text)
{
    return text.bytes ? text : (struct slice){"", 0};
}

static bool grow(void *array, size_t item_bytes, size_t *capacity, size_t wanted)
{
    void *items;
    size_t count = *capacity ? *capacity : 1024;
    memcpy(&items, array, sizeof items);
    while (count < wanted)
        count *= 2;
    if (count == *capacity)
        return true;
    items = realloc(items, count * item_bytes);
    if (!items)
        return false;
    memset((char *)items + *capacity * item_bytes, 0, (count - *capacity) * item_bytes);
    memcpy(array, &items, sizeof items);
    *capacity = count;
    return true;
}

static struct known_household *household_at(struct register_writer *writer, int64_t id)
{
    if (id < 1 || id >= ID_MAX ||
        !grow(&writer->household, sizeof *writer->household, &writer->household_capacity, (size_t)id + 1))
        return NULL;
    if (id > writer->household_last)
        writer->household_last = id;
    return &writer->household[id];
}

static struct known_person *person_at(struct register_writer *writer, int64_t id)
{
    if (id < 1 || id >= ID_MAX ||
        !grow(&writer->person, sizeof *writer->person, &writer->person_capacity, (size_t)id + 1))
        return NULL;
    if (id > writer->person_last)
        writer->person_last = id;
    return &writer->person[id];
}

static uint8_t labour_of(struct slice text)
{
    for (uint8_t i = 1; i < LABOURS; i++)
        if (slice_is(text, labours[i]))
            return i;
    return 0;
}

/* --- fingerprints ------------------------------------------------------------------------------------------- */

static uint64_t print_household(const struct register_writer *writer, int64_t township, int64_t village,
                                bool urban, struct slice address)
{
    const uint64_t fields[] = {(uint64_t)township, (uint64_t)village, urban};
    return fingerprint_of(writer->seed[0], fields, 3, present(address), (struct slice){NULL, 0});
}

static uint64_t print_name(const struct register_writer *writer, struct slice name)
{
    return fingerprint_of(writer->seed[0], NULL, 0, present(name), (struct slice){NULL, 0});
}

/* Two prints: what differs must never be taken for the same. */
static void print_nameless(const struct register_writer *writer, struct slice raw_id, struct slice name,
                           uint64_t key[2])
{
    for (int i = 0; i < 2; i++)
        key[i] = fingerprint_of(writer->seed[i], NULL, 0, present(raw_id), present(name));
}

static struct nameless *nameless_add(struct nameless_list *list)
{
    if (!grow(&list->items, sizeof *list->items, &list->capacity, list->count + 1))
        return NULL;
    return &list->items[list->count++];
}

/* --- what the register holds -------------------------------------------------------------------------------- */

static bool read_household(void *target, struct pg_row *row)
{
    struct register_writer *writer = target;
    int64_t id = 0, township = 0, village = 0;
    bool urban = false, on_register = false;
    pg_row_int64(row, &id);
    struct slice number = pg_row_text(row);
    pg_row_int64(row, &township);
    pg_row_int64(row, &village);
    pg_row_bool(row, &urban);
    struct slice address = pg_row_text(row);
    pg_row_bool(row, &on_register);
    struct known_household *household = household_at(writer, id);
    if (!household || !number_map_put(&writer->households, number, id, NULL))
        return false;
    household->print = print_household(writer, township, village, urban, address);
    household->on_register = on_register;
    return true;
}

static bool read_identity(void *target, struct pg_row *row)
{
    struct register_writer *writer = target;
    int64_t id_packed = 0, person_id = 0;
    pg_row_int64(row, &id_packed);
    pg_row_int64(row, &person_id);
    return person_at(writer, person_id) &&
           identity_map_put(&writer->persons, (uint64_t)id_packed, person_id, NULL);
}

static bool read_person(void *target, struct pg_row *row)
{
    struct register_writer *writer = target;
    int64_t person_id = 0;
    pg_row_int64(row, &person_id);
    struct slice name = pg_row_text(row), raw_id = pg_row_text(row);
    struct known_person *person = person_at(writer, person_id);
    if (!person)
        return false;
    person->name_print = print_name(writer, name);
    if (!raw_id.bytes)
        return true;
    struct nameless *nameless = nameless_add(&writer->known);
    if (!nameless)
        return false;
    print_nameless(writer, raw_id, name, nameless->key);
    nameless->order = person_id;
    return true;
}

static bool read_membership(void *target, struct pg_row *row)
{
    struct register_writer *writer = target;
    int64_t person_id = 0, household_id = 0;
    int16_t kinship = REGISTER_KINSHIP_NONE;
    pg_row_int64(row, &person_id);
    pg_row_int64(row, &household_id);
    day_t birth = pg_row_day(row);
    pg_row_int16(row, &kinship);
    struct slice labour = pg_row_text(row);
    struct known_person *person = person_at(writer, person_id);
    if (!person || household_id < 1 || household_id >= ID_MAX)
        return false;
    person->household = (uint32_t)household_id;
    person->birth = birth;
    person->kinship = kinship;
    person->labour = labour_of(labour);
    return true;
}

static bool read_stranger(void *target, struct pg_row *row)
{
    struct register_writer *writer = target;
    int64_t id_packed = 0;
    pg_row_int64(row, &id_packed);
    return identity_map_put(&writer->strangers, (uint64_t)id_packed, 1, NULL);
}

static enum status load(struct register_writer *writer, struct error *err)
{
    static const struct {
        const char *sql;
        columns_read *read;
    } tables[] = {
        {"copy (select household_id, household_no, township_code, village_code, urban, address, valid_to is null"
         " from household) to stdout (format binary)",
         read_household},
        {"copy person_identity (id_packed, person_id) to stdout (format binary)", read_identity},
        {"copy person (person_id, name, raw_id) to stdout (format binary)", read_person},
        {"copy (select person_id, household_id, birth, kinship, labour from membership where valid_to is null)"
         " to stdout (format binary)",
         read_membership},
        {"copy (select distinct id_packed from stranger_fact) to stdout (format binary)", read_stranger},
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && !status; i++)
        status = columns_copy(writer->pg, tables[i].sql, tables[i].read, writer, err);
    return status ? error_wrap(err, "reading the register") : STATUS_OK;
}

enum status register_writer_new(struct pg *pg, day_t today, struct sender *sender,
                                struct register_writer **writer, struct error *err)
{
    *writer = NULL;
    enum status status = register_stage(pg, err);
    if (status)
        return error_wrap(err, "staging the register");
    struct register_writer *new = calloc(1, sizeof *new);
    if (!new)
        return no_memory(err);
    new->pg = pg;
    new->sender = sender;
    new->owns_sender = sender == NULL;
    new->today = today;
    number_map_init(&new->households);
    identity_map_init(&new->persons);
    identity_map_init(&new->strangers);
    text_init(&new->given_texts);
    for (int i = 0; i < TARGETS; i++)
        pg_rows_init(&new->rows[i]);
    status = crypto_random(new->seed, sizeof new->seed, err);
    if (!status && new->owns_sender)
        status = sender_new(pg, &new->sender, err);
    if (!status)
        status = load(new, err);
    if (status) {
        register_writer_free(new);
        return status;
    }
    new->household_old = new->household_last;
    new->person_old = new->person_last;
    *writer = new;
    return STATUS_OK;
}

void register_writer_free(struct register_writer *writer)
{
    if (!writer)
        return;
    if (writer->owns_sender)
        sender_free(writer->sender);
    for (int i = 0; i < TARGETS; i++)
        pg_rows_fini(&writer->rows[i]);
    number_map_fini(&writer->households);
    identity_map_fini(&writer->persons);
    identity_map_fini(&writer->strangers);
    text_fini(&writer->given_texts);
    free(writer->household);
    free(writer->person);
    free(writer->known.items);
    free(writer->given.items);
    free(writer);
}

/* --- rows out ----------------------------------------------------------------------------------------------- */

static struct pg_rows *row_to(struct register_writer *writer, enum target target)
{
    writer->sent[target]++;
    pg_rows_begin(&writer->rows[target], targets[target].columns);
    return &writer->rows[target];
}

static enum status send(struct register_writer *writer, enum target target, struct error *err)
{
    return sender_send(writer->sender, targets[target].sql, &writer->rows[target], err);
}

static enum status send_full(struct register_writer *writer, struct error *err)
{
    enum status status = STATUS_OK;
    for (int i = 0; i < TARGETS && !status; i++)
        if (pg_rows_full(&writer->rows[i]))
            status = send(writer, (enum target)i, err);
    return status;
}

static void put_membership(struct register_writer *writer, enum target target, int64_t person_id,
                           const struct known_person *person)
{
    struct pg_rows *rows = row_to(writer, target);
    pg_put_int64(rows, person_id);
    pg_put_int64(rows, person->household);
    pg_put_day(rows, writer->today);
    pg_put_day(rows, person->birth);
    if (person->kinship == REGISTER_KINSHIP_NONE)
        pg_put_null(rows);
    else
        pg_put_int16(rows, person->kinship);
    pg_put_str(rows, labours[person->labour]);
    pg_put_int32(rows, (int32_t)person->line);
}

static void put_person(struct register_writer *writer, int64_t person_id, struct slice name,
                       struct slice raw_id)
{
    struct pg_rows *rows = row_to(writer, TO_PERSON);
    pg_put_int64(rows, person_id);
    pg_put_text(rows, present(name));
    pg_put_text(rows, raw_id);
}

/* --- households --------------------------------------------------------------------------------------------- */

static enum status add_new_household(struct register_writer *writer, const struct register_household *given,
                                     struct error *err)
{
    int64_t id = writer->household_last + 1;
    struct known_household *household = household_at(writer, id);
    if (!household || !number_map_put(&writer->households, given->household_no, id, NULL))
        return no_memory(err);
    household->given = true;
    struct pg_rows *rows = row_to(writer, TO_HOUSEHOLD_NUMBER);
    pg_put_text(rows, present(given->household_no));
    pg_put_int64(rows, id);
    rows = row_to(writer, TO_HOUSEHOLD);
    pg_put_int64(rows, id);
    pg_put_text(rows, present(given->household_no));
    pg_put_int64(rows, given->township);
    pg_put_int64(rows, given->village);
    pg_put_bool(rows, given->urban);
    pg_put_text(rows, present(given->address));
    pg_put_day(rows, writer->today);
    writer->counts.households_new++;
    return send_full(writer, err);
}

enum status register_writer_add_household(struct register_writer *writer,
                                          const struct register_household *given, struct error *err)
{
    writer->counts.households++;
    const int64_t *id = number_map_get(&writer->households, given->household_no);
    if (!id)
        return add_new_household(writer, given, err);
    struct known_household *household = &writer->household[*id];
    if (household->given) {
        writer->repeated_households++;
        return STATUS_OK;
    }
    household->given = true;
    bool changed = household->print !=
                   print_household(writer, given->township, given->village, given->urban, given->address);
    writer->counts.households_changed += changed;
    writer->counts.households_returned += !household->on_register;
    if (!changed && household->on_register)
        return STATUS_OK;
    struct pg_rows *rows = row_to(writer, TO_CHANGED_HOUSEHOLD);
    pg_put_int64(rows, *id);
    pg_put_int64(rows, given->township);
    pg_put_int64(rows, given->village);
    pg_put_bool(rows, given->urban);
    pg_put_text(rows, present(given->address));
    pg_put_bool(rows, !household->on_register);
    return send_full(writer, err);
}

/* --- persons ------------------------------------------------------------------------------------------------ */

static enum status add_new_person(struct register_writer *writer, const struct register_person *given,
                                  uint32_t household, struct error *err)
{
    int64_t id = writer->person_last + 1;
    struct known_person *person = person_at(writer, id);
    if (!person || !identity_map_put(&writer->persons, given->id_packed, id, NULL))
        return no_memory(err);
    *person = (struct known_person){.household = household,
                                    .line = (uint32_t)given->line,
                                    .birth = resident_id_birth(given->id_packed),
                                    .kinship = (int16_t)given->kinship,
                                    .labour = labour_of(given->labour)};
    put_person(writer, id, given->name, (struct slice){NULL, 0});
    struct pg_rows *rows = row_to(writer, TO_IDENTITY);
    pg_put_int64(rows, (int64_t)given->id_packed);
    pg_put_int64(rows, id);
    put_membership(writer, TO_MEMBERSHIP, id, person);
    if (identity_map_get(&writer->strangers, given->id_packed)) {
        rows = row_to(writer, TO_TAKEN_UP);
        pg_put_int64(rows, (int64_t)given->id_packed);
        pg_put_int64(rows, id);
    }
    writer->counts.persons_new++;
    writer->counts.memberships_new++;
    return send_full(writer, err);
}

/* The person is of that household now. Who was of another one leaves it first: the database allows one at a time. */
static void settle_membership(struct register_writer *writer, int64_t id, struct known_person *person,
                              const struct known_person *now)
{
    bool joins = person->household != now->household;
    bool changed = !joins && (person->birth != now->birth || person->kinship != now->kinship ||
                              person->labour != now->labour);
    if (joins)
        put_membership(writer, TO_MOVED, id, now);
    else if (changed)
        put_membership(writer, TO_CHANGED_MEMBERSHIP, id, now);
    person->moved = joins && person->household != 0;
    person->line = now->line;
    writer->counts.memberships_new += joins;
    writer->counts.memberships_changed += changed;
}

static enum status add_known_person(struct register_writer *writer, int64_t id,
                                    const struct register_person *given, uint32_t household,
                                    struct error *err)
{
    struct known_person *person = &writer->person[id];
    if (person->line != 0) {
        writer->repeated_persons++;
        return STATUS_OK;
    }
    if (person->name_print != print_name(writer, given->name)) {
        struct pg_rows *rows = row_to(writer, TO_RENAMED);
        pg_put_int64(rows, id);
        pg_put_text(rows, present(given->name));
        writer->counts.persons_renamed++;
    }
    const struct known_person now = {.household = household,
                                     .line = (uint32_t)given->line,
                                     .birth = resident_id_birth(given->id_packed),
                                     .kinship = (int16_t)given->kinship,
                                     .labour = labour_of(given->labour)};
    settle_membership(writer, id, person, &now);
    return send_full(writer, err);
}

/* Kept until the end: those with a number get theirs first, and the first of several is known by its line. */
static enum status keep_nameless(struct register_writer *writer, const struct register_person *given,
                                 uint32_t household, struct error *err)
{
    struct nameless *nameless = nameless_add(&writer->given);
    struct slice raw_id = present(given->raw_id);
    if (!nameless)
        return no_memory(err);
    *nameless = (struct nameless){.household_id = household,
                                  .order = given->line,
                                  .text_at = writer->given_texts.length,
                                  .raw_length = (uint32_t)raw_id.length,
                                  .name_length = (uint32_t)given->name.length,
                                  .kinship = (int16_t)given->kinship,
                                  .labour = labour_of(given->labour),
                                  .name_print = print_name(writer, given->name)};
    print_nameless(writer, raw_id, given->name, nameless->key);
    text_add(&writer->given_texts, raw_id.bytes, raw_id.length);
    text_add(&writer->given_texts, given->name.bytes, given->name.length);
    return writer->given_texts.failed ? no_memory(err) : STATUS_OK;
}

enum status register_writer_add_person(struct register_writer *writer, const struct register_person *given,
                                       struct error *err)
{
    writer->counts.persons++;
    int64_t household = register_writer_household(writer, given->household_no);
    if (!household) {
        writer->homeless++;
        return STATUS_OK;
    }
    writer->household[household].has_members = true;
    if (given->id_packed == 0)
        return keep_nameless(writer, given, (uint32_t)household, err);
    const int64_t *id = identity_map_get(&writer->persons, given->id_packed);
    return id ? add_known_person(writer, *id, given, (uint32_t)household, err)
              : add_new_person(writer, given, (uint32_t)household, err);
}

/* --- persons without a usable number ------------------------------------------------------------------------ */

static int compare_nameless(const void *a, const void *b)
{
    const struct nameless *one = a, *other = b;
    const uint64_t keys[][2] = {{(uint64_t)one->household_id, (uint64_t)other->household_id},
                                {one->key[0], other->key[0]},
                                {one->key[1], other->key[1]}};
    for (int i = 0; i < 3; i++)
        if (keys[i][0] != keys[i][1])
            return keys[i][0] < keys[i][1] ? -1 : 1;
    return 0;
}

static int compare_ordered(const void *a, const void *b)
{
    const struct nameless *one = a, *other = b;
    int order = compare_nameless(a, b);
    return order ? order : one->order < other->order ? -1 : one->order > other->order;
}

static int compare_lines(const void *a, const void *b)
{
    const struct nameless *one = a, *other = b;
    return one->order < other->order ? -1 : one->order > other->order;
}

static void sort(struct nameless_list *list, int (*compare)(const void *, const void *))
{
    if (list->count > 0)
        qsort(list->items, list->count, sizeof *list->items, compare);
}

static struct known_person person_now(const struct nameless *given)
{
    return (struct known_person){.household = (uint32_t)given->household_id,
                                 .line = (uint32_t)given->order,
                                 .birth = DAY_NONE,
                                 .kinship = given->kinship,
                                 .labour = given->labour};
}

static enum status add_new_nameless(struct register_writer *writer, const struct nameless *given,
                                    struct error *err)
{
    int64_t id = writer->person_last + 1;
    struct known_person *person = person_at(writer, id);
    if (!person)
        return no_memory(err);
    const char *texts = writer->given_texts.bytes + given->text_at;
    *person = person_now(given);
    put_person(writer, id, (struct slice){texts + given->raw_length, given->name_length},
               (struct slice){texts, given->raw_length});
    put_membership(writer, TO_MEMBERSHIP, id, person);
    writer->counts.persons_new++;
    writer->counts.memberships_new++;
    return send_full(writer, err);
}

/* Only who is a member now is known again. */
static void forget_former_members(struct register_writer *writer)
{
    struct nameless_list *known = &writer->known;
    size_t kept = 0;
    for (size_t i = 0; i < known->count; i++) {
        struct nameless *nameless = &known->items[i];
        nameless->household_id = writer->person[nameless->order].household;
        if (nameless->household_id != 0)
            known->items[kept++] = *nameless;
    }
    known->count = kept;
}

/* The first of the given who are of that household; they are in its order. */
static size_t first_of_household(const struct nameless_list *given, int64_t household_id)
{
    size_t low = 0, high = given->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (given->items[middle].household_id < household_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void note_missing(struct nameless_list *given, int64_t id, const struct known_person *person)
{
    struct nameless *only = NULL;
    for (size_t g = first_of_household(given, person->household);
         g < given->count && given->items[g].household_id == person->household; g++) {
        struct nameless *nameless = &given->items[g];
        if (nameless->name_length == 0 || nameless->name_print != person->name_print)
            continue;
        nameless->missing = id;
        nameless->missing_count = nameless->missing_count > 0 || only != NULL ? 2 : 1;
        if (only != NULL)
            only->missing_count = 2;
        only = nameless;
    }
}

/* Those of the given, in the order of households, that are the damaged rows of members: these are spared. */
static void spare_missing(struct register_writer *writer)
{
    struct nameless_list *given = &writer->given;
    size_t kept = 0;
    for (int64_t id = 1; given->count > 0 && id <= writer->person_old; id++) {
        const struct known_person *person = &writer->person[id];
        if (person->line == 0 && person->spared == 0 && person->household != 0 && person->birth != DAY_NONE)
            note_missing(given, id, person);
    }
    for (size_t g = 0; g < given->count; g++) {
        const struct nameless *nameless = &given->items[g];
        if (nameless->missing_count == 1) {
            writer->person[nameless->missing].spared = (uint32_t)nameless->order;
            writer->counts.persons--; /* counted where the spared are settled */
        } else {
            given->items[kept++] = *nameless;
        }
    }
    given->count = kept;
}

/* Of two who share household, number as written and name, the first stays the first. Both lists are sorted and walked
 * together; whoever is left over among the given is new, in the order of lines. */
static enum status match_nameless(struct register_writer *writer, struct error *err)
{
    struct nameless_list *known = &writer->known, *given = &writer->given;
    forget_former_members(writer);
    sort(known, compare_ordered);
    sort(given, compare_ordered);
    size_t new_count = 0, k = 0;
    for (size_t g = 0; g < given->count; g++) {
        while (k < known->count && compare_nameless(&known->items[k], &given->items[g]) < 0)
            k++;
        if (k == known->count || compare_nameless(&known->items[k], &given->items[g]) != 0) {
            given->items[new_count++] = given->items[g];
            continue;
        }
        int64_t id = known->items[k++].order;
        const struct known_person now = person_now(&given->items[g]);
        settle_membership(writer, id, &writer->person[id], &now);
    }
    given->count = new_count;
    spare_missing(writer);
    sort(given, compare_lines);
    enum status status = STATUS_OK;
    for (size_t g = 0; g < given->count && !status; g++)
        status = add_new_nameless(writer, &given->items[g], err);
    return status;
}

/* --- damaged rows --------------------------------------------------------------------------------------------- */

bool register_writer_spare_household(struct register_writer *writer, struct slice household_no)
{
    const int64_t *id = number_map_get(&writer->households, household_no);
    if (!id || !writer->household[*id].on_register)
        return false;
    writer->household[*id].spared = true;
    return true;
}

bool register_writer_spare_person(struct register_writer *writer, uint64_t id_packed, int32_t line)
{
    const int64_t *id = identity_map_get(&writer->persons, id_packed);
    if (!id || writer->person[*id].household == 0)
        return false;
    writer->person[*id].spared = (uint32_t)line;
    return true;
}

/* Who is spared is there as before, the persons as far as their households are. */
static void settle_spared(struct register_writer *writer)
{
    for (int64_t id = 1; id <= writer->household_last; id++) {
        struct known_household *household = &writer->household[id];
        writer->counts.households += household->spared && !household->given;
        household->given = household->given || household->spared;
    }
    for (int64_t id = 1; id <= writer->person_old; id++) {
        struct known_person *person = &writer->person[id];
        writer->counts.members_before += person->household != 0;
        if (person->line == 0 && person->spared != 0 && writer->household[person->household].given) {
            person->line = person->spared;
            writer->household[person->household].has_members = true;
            writer->counts.persons++;
        }
        writer->counts.members_gone += person->household != 0 && person->line == 0;
    }
}

/* --- the end ------------------------------------------------------------------------------------------------ */

static enum status check(const struct register_writer *writer, struct error *err)
{
    const struct {
        int64_t found;
        const char *words;
    } damages[] = {
        {writer->repeated_households, "household numbers stand more than once in the snapshot"},
        {writer->repeated_persons, "persons stand more than once in the snapshot"},
        {writer->homeless, "persons belong to a household that the snapshot does not hold"},
    };
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++)
        if (damages[i].found)
            return error_set(err, STATUS_REJECT, "%lld %s", (long long)damages[i].found, damages[i].words);
    return STATUS_OK;
}

static enum status send_everything(struct register_writer *writer, struct error *err)
{
    enum status status = STATUS_OK;
    for (int i = 0; i < TARGETS && !status; i++)
        status = send(writer, (enum target)i, err);
    if (!status)
        status = sender_wait(writer->sender, err);
    KILL_POINT("register.copied");
    return status;
}

enum status register_writer_finish(struct register_writer *writer, struct register_counts *counts,
                                   struct error *err)
{
    enum status status = match_nameless(writer, err);
    settle_spared(writer);
    if (!status)
        status = send_everything(writer, err);
    if (!status)
        status = check(writer, err);
    if (!status)
        status = register_apply(writer, err);
    for (int64_t id = 1; id <= writer->household_last; id++)
        writer->counts.households_empty += writer->household[id].given && !writer->household[id].has_members;
    *counts = writer->counts;
    return status;
}

/* --- what the snapshot holds -------------------------------------------------------------------------------- */

int64_t register_writer_household(const struct register_writer *writer, struct slice household_no)
{
    const int64_t *id = number_map_get(&writer->households, household_no);
    return id && (writer->household[*id].given || writer->household[*id].spared) ? *id : 0;
}

bool register_writer_is_given(const struct register_writer *writer, struct slice household_no)
{
    const int64_t *id = number_map_get(&writer->households, household_no);
    return id && writer->household[*id].given;
}

int64_t register_writer_line(const struct register_writer *writer, uint64_t id_packed)
{
    const int64_t *id = identity_map_get(&writer->persons, id_packed);
    return id ? (int64_t)writer->person[*id].line : 0;
}

void register_writer_persons(const struct register_writer *writer, const uint64_t *ids, size_t count,
                             int64_t *person_ids)
{
    identity_map_get_group(&writer->persons, ids, count, 0, person_ids);
    for (size_t i = 0; i < count; i++)
        if (person_ids[i] != 0)
            __builtin_prefetch(&writer->person[person_ids[i]]);
    for (size_t i = 0; i < count; i++)
        if (person_ids[i] != 0 && writer->person[person_ids[i]].line == 0)
            person_ids[i] = 0;
}
