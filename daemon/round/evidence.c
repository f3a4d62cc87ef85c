/* SPDX-License-Identifier: PostgreSQL */
#include "round/evidence.h"

#include "round/jtext.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* --- writing -------------------------------------------------------------------------------------------------- */

struct writing {
    const struct policy *policy;
    const struct dictionary *dictionary;
    struct text *out;
};

/* person: its position, or -1 for the household. */
static void write_fact(const struct writing *w, int64_t person, const struct policy_fact *fact,
                       const struct dossier_note *note)
{
    size_t code_count;
    const int16_t *codes = policy_codes(w->policy, &code_count);
    struct text *out = w->out;
    jtext_open(out, '{');
    if (person >= 0)
        jtext_put_int(out, "person", person);
    jtext_put_text(out, "code", dictionary_by_number(w->dictionary, codes[fact->code])->name);
    if (fact->value == FACT_UNKNOWN)
        jtext_put_null(out, "value");
    else
        jtext_put_int(out, "value", fact->value);
    if (fact->from != DAY_NONE)
        jtext_put_day(out, "from", fact->from);
    if (fact->to != DAY_NONE)
        jtext_put_day(out, "to", fact->to);
    jtext_put_int(out, "source", fact->source);
    jtext_put_int(out, "batch", fact->batch);
    jtext_put_int(out, "row", fact->row);
    if (note->ref[0] != '\0')
        jtext_put_text(out, "ref", note->ref);
    if (note->recorded != DAY_NONE)
        jtext_put_day(out, "recorded", note->recorded);
    jtext_close(out, '}');
}

/* Facts name their batch by number; what is to be said of it stands here once. */
static void write_batch(const struct policy_fact *fact, const struct dossier_note *note, struct text *out)
{
    jtext_open(out, '{');
    jtext_put_int(out, "batch", fact->batch);
    jtext_put_text(out, "name", note->batch);
    jtext_put_text(out, "source", note->source);
    jtext_put_text(out, "title", note->source_title);
    jtext_put_day(out, "as_of", note->batch_as_of);
    jtext_close(out, '}');
}

/* The household's facts and the persons' facts lie behind each other. */
static void write_batches(const struct dossier *dossier, struct text *out)
{
    const struct policy_fact *facts = dossier->block.household_facts;
    jtext_key(out, "batches");
    jtext_open(out, '[');
    for (size_t f = 0; f < dossier->fact_count; f++) {
        size_t before = 0;
        if (f > 0 && facts[f - 1].batch == facts[f].batch)
            continue;
        while (before < f && facts[before].batch != facts[f].batch)
            before++;
        if (before == f)
            write_batch(&facts[f], &dossier->household_notes[f], out);
    }
    jtext_close(out, ']');
}

static void write_persons(const struct dossier *dossier, const struct policy *policy, struct text *out)
{
    jtext_key(out, "persons");
    jtext_open(out, '[');
    for (size_t p = 0; p < dossier->person_count; p++) {
        jtext_open(out, '{');
        jtext_put_int_text(out, "person_id", dossier->persons[p].person_id);
        jtext_put_day(out, "birth", dossier->persons[p].birth);
        if (policy_reads_traits(policy))
            jtext_put_int(out, "traits", dossier->persons[p].traits);
        jtext_close(out, '}');
    }
    jtext_close(out, ']');
}

static void write_facts(const struct dossier *dossier, const struct writing *w)
{
    const struct policy_block *block = &dossier->block;
    jtext_key(w->out, "facts");
    jtext_open(w->out, '[');
    for (uint32_t f = 0; f < block->household_fact_begin[1]; f++)
        write_fact(w, -1, &block->household_facts[f], &dossier->household_notes[f]);
    for (size_t p = 0; p < dossier->person_count; p++)
        for (uint32_t f = block->person_fact_begin[p]; f < block->person_fact_begin[p + 1]; f++)
            write_fact(w, (int64_t)p, &block->person_facts[f], &dossier->person_notes[f]);
    jtext_close(w->out, ']');
}

void evidence_write(const struct dossier *dossier, const struct policy *policy,
                    const struct dictionary *dictionary, const char *policy_hash, day_t as_of,
                    struct text *out)
{
    const struct writing w = {policy, dictionary, out};
    jtext_open(out, '{');
    jtext_put_day(out, "as_of", as_of);
    jtext_put_text(out, "policy", policy_hash);
    jtext_put_text(out, "area", dossier->urban ? "urban" : "rural");
    jtext_put_bool(out, "on_register", dossier->on_register);
    write_persons(dossier, policy, out);
    if (dossier->fact_count > EVIDENCE_FACTS_MAX) {
        jtext_put_int(out, "facts_left_out", (int64_t)dossier->fact_count);
    } else {
        write_batches(dossier, out);
        write_facts(dossier, &w);
    }
    jtext_close(out, '}');
}

/* --- reading -------------------------------------------------------------------------------------------------- */

struct read_batch {
    uint32_t number;
    struct dossier_note note; /* what its facts share */
};

struct reading {
    const struct policy *policy;
    const struct dictionary *dictionary;
    struct arena *arena;
    struct error *err;
    size_t batch_count;
    struct read_batch *batches;
};

static enum status damaged(struct error *err, const char *what)
{
    return error_set(err, STATUS_REJECT, "stored evidence: %s is missing or is not what it should be", what);
}

/* *copy is NULL when there is no such text. False without memory. */
static bool copy_text(struct arena *arena, const json_t *object, const char *key, const char **copy)
{
    const char *text = json_string_value(json_object_get(object, key));
    *copy = text == NULL ? NULL : arena_strdup(arena, text);
    return text == NULL || *copy != NULL;
}

/* False unless the key holds a date or null, or is missing. */
static bool read_day(const json_t *object, const char *key, day_t *day)
{
    const json_t *value = json_object_get(object, key);
    *day = DAY_NONE;
    return value == NULL || json_is_null(value) ||
           (json_is_string(value) && civil_parse(slice_of(json_string_value(value)), day));
}

/* The position of a named code in policy_codes(), or -1. */
static int find_code(const struct reading *r, const char *name)
{
    size_t count;
    const int16_t *codes = policy_codes(r->policy, &count);
    const struct fact_code *code = name == NULL ? NULL : dictionary_by_name(r->dictionary, slice_of(name));
    for (size_t i = 0; code != NULL && i < count; i++)
        if (codes[i] == code->number)
            return (int)i;
    return -1;
}

static enum status read_note(const struct reading *r, const json_t *fact, uint32_t batch,
                             struct dossier_note *note)
{
    const char *ref = json_string_value(json_object_get(fact, "ref"));
    size_t i = 0;
    while (i < r->batch_count && r->batches[i].number != batch)
        i++;
    if (i == r->batch_count)
        return damaged(r->err, "a fact's batch");
    *note = r->batches[i].note;
    note->ref = ref == NULL ? "" : arena_strdup(r->arena, ref);
    if (!read_day(fact, "recorded", &note->recorded))
        return damaged(r->err, "a fact's date");
    note->as_of = note->recorded != DAY_NONE ? note->recorded : note->batch_as_of;
    return note->ref == NULL ? error_set(r->err, STATUS_FATAL, "no memory for evidence") : STATUS_OK;
}

static enum status read_fact(const struct reading *r, const json_t *object,
                             const struct dossier_person *persons, size_t person_count,
                             struct dossier_fact *fact)
{
    const json_t *person = json_object_get(object, "person"), *value = json_object_get(object, "value");
    int code = find_code(r, json_string_value(json_object_get(object, "code")));
    json_int_t at = json_integer_value(person);
    if (code < 0)
        return damaged(r->err, "a fact's code");
    if (person != NULL && (!json_is_integer(person) || at < 0 || (size_t)at >= person_count))
        return damaged(r->err, "a fact's person");
    if (!json_is_null(value) && !json_is_integer(value))
        return damaged(r->err, "a fact's value");
    fact->of_household = person == NULL;
    fact->person_id = person == NULL ? 0 : persons[at].person_id;
    fact->fact = (struct policy_fact){
        .value = json_is_null(value) ? FACT_UNKNOWN : json_integer_value(value),
        .batch = (uint32_t)json_integer_value(json_object_get(object, "batch")),
        .row = (uint32_t)json_integer_value(json_object_get(object, "row")),
        .code = (uint16_t)code,
        .source = (uint8_t)json_integer_value(json_object_get(object, "source")),
    };
    if (!read_day(object, "from", &fact->fact.from) || !read_day(object, "to", &fact->fact.to))
        return damaged(r->err, "a fact's date");
    return read_note(r, object, fact->fact.batch, &fact->note);
}

static enum status read_person(const json_t *object, struct dossier_person *person, struct error *err)
{
    const char *id = json_string_value(json_object_get(object, "person_id"));
    if (id == NULL)
        return damaged(err, "a person's key");
    const json_t *traits = json_object_get(object, "traits"); /* where the policy reads them */
    *person = (struct dossier_person){.person_id = strtoll(id, NULL, 10),
                                      .traits = traits == NULL ? policy_traits(-1, LABOUR_NOT_GIVEN)
                                                               : (uint8_t)json_integer_value(traits)};
    return read_day(object, "birth", &person->birth) ? STATUS_OK : damaged(err, "a birth date");
}

static enum status read_batches(struct reading *r, const json_t *batches)
{
    size_t count = json_array_size(batches);
    r->batches = arena_array(r->arena, count, sizeof *r->batches);
    if (r->batches == NULL)
        return error_set(r->err, STATUS_FATAL, "no memory for evidence of %zu batches", count);
    for (; r->batch_count < count; r->batch_count++) {
        const json_t *object = json_array_get(batches, r->batch_count);
        struct read_batch *batch = &r->batches[r->batch_count];
        batch->number = (uint32_t)json_integer_value(json_object_get(object, "batch"));
        if (!copy_text(r->arena, object, "source", &batch->note.source) ||
            !copy_text(r->arena, object, "title", &batch->note.source_title) ||
            !copy_text(r->arena, object, "name", &batch->note.batch))
            return error_set(r->err, STATUS_FATAL, "no memory for evidence of %zu batches", count);
        if (batch->note.source == NULL || batch->note.source_title == NULL || batch->note.batch == NULL ||
            !read_day(object, "as_of", &batch->note.batch_as_of))
            return damaged(r->err, "a batch");
    }
    return STATUS_OK;
}

static enum status read_body(struct reading *r, const json_t *root, struct dossier *dossier)
{
    const json_t *persons_json = json_object_get(root, "persons"),
                 *facts_json = json_object_get(root, "facts");
    size_t person_count = json_array_size(persons_json), fact_count = json_array_size(facts_json);
    const char *area = json_string_value(json_object_get(root, "area"));
    if (!json_is_array(persons_json) || !json_is_array(facts_json) || area == NULL)
        return damaged(r->err, "area, persons or facts");
    struct dossier_person *persons = arena_array(r->arena, person_count, sizeof *persons);
    struct dossier_fact *facts = arena_array(r->arena, fact_count, sizeof *facts);
    if (persons == NULL || facts == NULL)
        return error_set(r->err, STATUS_FATAL, "no memory for evidence of %zu facts", fact_count);
    dossier->urban = strcmp(area, "urban") == 0;
    dossier->on_register = json_is_true(json_object_get(root, "on_register"));
    enum status status = read_batches(r, json_object_get(root, "batches"));
    for (size_t p = 0; p < person_count && status == STATUS_OK; p++)
        status = read_person(json_array_get(persons_json, p), &persons[p], r->err);
    for (size_t f = 0; f < fact_count && status == STATUS_OK; f++)
        status = read_fact(r, json_array_get(facts_json, f), persons, person_count, &facts[f]);
    return status == STATUS_OK
               ? dossier_build(dossier, persons, person_count, facts, fact_count, r->arena, r->err)
               : status;
}

static enum status parse(struct slice json, struct arena *arena, struct evidence *evidence, json_t **root,
                         struct error *err)
{
    json_error_t at;
    *evidence = (struct evidence){0};
    *root = json_loadb(json.bytes, json.length, JSON_REJECT_DUPLICATES, &at);
    if (*root == NULL)
        return error_set(err, STATUS_REJECT, "stored evidence is not JSON (byte %d)", at.position);
    if (!copy_text(arena, *root, "policy", &evidence->policy_hash))
        return error_set(err, STATUS_FATAL, "no memory for evidence");
    if (evidence->policy_hash == NULL || !read_day(*root, "as_of", &evidence->as_of) ||
        evidence->as_of == DAY_NONE)
        return damaged(err, "policy or as_of");
    json_int_t left_out = json_integer_value(json_object_get(*root, "facts_left_out"));
    evidence->facts_left_out = left_out > 0 ? (size_t)left_out : 0;
    return STATUS_OK;
}

enum status evidence_read_head(struct slice json, struct arena *arena, struct evidence *evidence,
                               struct error *err)
{
    json_t *root;
    enum status status = parse(json, arena, evidence, &root, err);
    json_decref(root);
    return status;
}

enum status evidence_read(struct slice json, const struct policy *policy, const struct dictionary *dictionary,
                          struct arena *arena, struct evidence *evidence, struct error *err)
{
    json_t *root;
    enum status status = parse(json, arena, evidence, &root, err);
    struct reading r = {.policy = policy, .dictionary = dictionary, .arena = arena, .err = err};
    if (status == STATUS_OK)
        status = read_body(&r, root, &evidence->dossier);
    json_decref(root);
    return status;
}
