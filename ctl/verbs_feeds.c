/* SPDX-License-Identifier: PostgreSQL */
/* Verbs about feeds and their batches. They work while the daemon is down. */
#include "ctl.h"

#include "base/arena.h"
#include "base/clock.h"
#include "io/pg.h"
#include "store/batch.h"
#include "store/trust.h"
#include "store/unusable.h"
#include "store/volume.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static json_t *batch_json(const struct batch_info *batch)
{
    return json_pack(
        "{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:I, s:I, s:I, s:I}", "batch_id",
        (json_int_t)batch->batch_id, "feed", batch->source_name, "title", batch->source_title, "batch",
        batch->name, "mode", batch_mode_name(batch->mode), "status", batch->accepted ? "accepted" : "refused",
        "reason", batch->reason, "period_from", ctl_json_day(batch->period_from), "period_to",
        ctl_json_day(batch->period_to), "sent_at", ctl_json_time(batch->sent_at_ms), "received_at",
        ctl_json_time(batch->received_at_ms), "file", batch->file_name, "rows_total",
        (json_int_t)batch->counts.rows_total, "rows_stored", (json_int_t)batch->counts.rows_stored,
        "rows_quarantined", (json_int_t)batch->counts.rows_quarantined, "rows_stranger",
        (json_int_t)batch->counts.rows_stranger);
}

static void print_batch(const struct batch_info *batch)
{
    char to[CIVIL_TEXT_SIZE];
    day_t speaks_to = batch_speaks_to(batch);
    char age[32] = "-";
    if (speaks_to != DAY_NONE)
        snprintf(age, sizeof age, "%d days", clock_today() - speaks_to);
    printf("%6lld  %-20s %-24s %-8s to %-10s age %-11s %lld rows, %lld stored, %lld quarantined, %lld not on "
           "the register%s%s\n",
           (long long)batch->batch_id, batch->source_name, batch->name,
           batch->accepted ? "accepted" : "refused", civil_format(batch->period_to, to), age,
           (long long)batch->counts.rows_total, (long long)batch->counts.rows_stored,
           (long long)batch->counts.rows_quarantined, (long long)batch->counts.rows_stranger,
           batch->accepted ? "" : ": ", batch->accepted ? "" : batch->reason);
}

/* Where the last round found that batches swing; and of which much is lost, as a round would find it now. */
struct found {
    const struct volume_swing *swings;
    size_t swing_count;
    const struct unusable *unusable;
    size_t unusable_count;
};

/* Told beside the newest accepted batch of the source, though they may be of ones before it. */
static bool is_told_with(int source, const struct batch_info *batch)
{
    return batch->accepted && source == batch->source;
}

/* Null where nobody has said that the batch is right. */
static json_t *word_json(const struct trust_word *word)
{
    if (word->by[0] == '\0')
        return json_null();
    return json_pack("{s:s, s:o, s:s}", "by", word->by, "at", ctl_json_time(word->at_ms), "reason",
                     word->reason);
}

static json_t *swing_json(const struct volume_swing *swing)
{
    char township[24];
    snprintf(township, sizeof township, "%lld", (long long)swing->township);
    return json_pack("{s:s, s:o, s:I, s:I, s:I, s:b, s:o}", "batch", swing->batch, "township_code",
                     swing->township == VOLUME_NO_TOWNSHIP ? json_null() : json_string(township), "rows",
                     (json_int_t)swing->rows, "low", (json_int_t)swing->low, "high", (json_int_t)swing->high,
                     "withholds", !swing->trusted, "trusted", word_json(&swing->word));
}

static json_t *unusable_json(const struct unusable *item)
{
    return json_pack("{s:s, s:I, s:I, s:b, s:o}", "batch", item->batch, "rows", (json_int_t)item->rows,
                     "quarantined", (json_int_t)item->quarantined, "withholds", !item->trusted, "trusted",
                     word_json(&item->word));
}

static json_t *feed_json(const struct found *found, const struct batch_info *batch)
{
    json_t *object = batch_json(batch), *swings = json_array(), *unusable = json_array();
    for (size_t i = 0; i < found->swing_count; i++)
        if (is_told_with(found->swings[i].source, batch))
            json_array_append_new(swings, swing_json(&found->swings[i]));
    for (size_t i = 0; i < found->unusable_count; i++)
        if (is_told_with(found->unusable[i].source, batch))
            json_array_append_new(unusable, unusable_json(&found->unusable[i]));
    json_object_set_new(object, "swings", swings);
    json_object_set_new(object, "unusable", unusable);
    return object;
}

static void print_swing(const struct volume_swing *swing)
{
    char where[40] = "all townships";
    bool in_sum = swing->township == VOLUME_NO_TOWNSHIP;
    if (!in_sum)
        snprintf(where, sizeof where, "township %lld", (long long)swing->township);
    printf("        SWINGS: %s, %s: %lld rows, usually %lld to %lld; ", swing->batch, where,
           (long long)swing->rows, (long long)swing->low, (long long)swing->high);
    if (!swing->trusted)
        printf("it ends no warning%s", in_sum ? "" : " there");
    if (swing->word.by[0] != '\0')
        printf("%strusted by %s: %s%s", swing->trusted ? "" : "; ", swing->word.by, swing->word.reason,
               swing->trusted ? "" : "; the next round heeds that");
    putchar('\n');
}

static void print_unusable(const struct unusable *item)
{
    printf("        UNUSABLE: %s: %lld of %lld rows; ", item->batch, (long long)item->quarantined,
           (long long)item->rows);
    if (item->trusted)
        printf("trusted by %s: %s\n", item->word.by, item->word.reason);
    else
        puts("it ends no warning");
}

static void print_feed(const struct found *found, const struct batch_info *batch)
{
    print_batch(batch);
    for (size_t i = 0; i < found->swing_count; i++)
        if (is_told_with(found->swings[i].source, batch))
            print_swing(&found->swings[i]);
    for (size_t i = 0; i < found->unusable_count; i++)
        if (is_told_with(found->unusable[i].source, batch))
            print_unusable(&found->unusable[i]);
}

int verb_feeds(struct ctl *ctl)
{
    struct error err;
    int exit_code = ctl_store(ctl);
    if (exit_code != 0)
        return exit_code;
    struct arena *arena = arena_new(0);
    const struct batch_info *batches = NULL;
    size_t count = 0;
    struct found found = {0};
    enum status status = batch_list_newest(ctl->pg, arena, &batches, &count, &err);
    if (status == STATUS_OK)
        status = volume_swings(ctl->pg, 0, arena, &found.swings, &found.swing_count, &err);
    if (status == STATUS_OK)
        status = unusable_find(ctl->pg, NULL, 0, arena, &found.unusable, &found.unusable_count, &err);
    if (status != STATUS_OK) {
        exit_code = ctl_fail_error(&err);
    } else if (ctl->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < count; i++)
            json_array_append_new(list, feed_json(&found, &batches[i]));
        exit_code = ctl_print_json(json_pack("{s:o}", "feeds", list));
    } else {
        for (size_t i = 0; i < count; i++)
            print_feed(&found, &batches[i]);
        if (count == 0)
            puts("no feed has sent anything yet");
    }
    arena_free(arena);
    return exit_code;
}

/* One document of any length: what stands before the rows, then each as it comes. */
struct quarantine_list {
    int64_t rows;
    bool failed; /* to write */
};

static bool print_json_part(json_t *part)
{
    bool done = part && json_dumpf(part, stdout, JSON_COMPACT) == 0;
    json_decref(part);
    return done;
}

static enum status quarantine_json(void *context, const struct quarantine_row *row, struct error *err)
{
    struct quarantine_list *list = context;
    if (list->rows++ > 0)
        putchar(',');
    json_t *item = json_pack("{s:I, s:o, s:s, s:o, s:s, s:b}", "line", (json_int_t)row->line, "column",
                             ctl_json_slice(row->column), "reason", row->reason, "found",
                             ctl_json_slice(row->found), "expected", row->expected, "kept", row->kept);
    list->failed = !print_json_part(item);
    return list->failed ? error_set(err, STATUS_FATAL, "cannot write the document") : STATUS_OK;
}

static enum status quarantine_print(void *context, const struct quarantine_row *row, struct error *err)
{
    struct quarantine_list *list = context;
    (void)err;
    list->rows++;
    printf("  line %lld, ", (long long)row->line);
    ctl_print_visible(row->column);
    printf(": %s: found \"", row->reason);
    ctl_print_visible(row->found);
    printf("\", expected %s%s\n", row->expected, row->kept ? " (kept)" : "");
    return STATUS_OK;
}

/* What the rows amount to. */
struct quarantine_kinds {
    const struct quarantine_kind *items;
    size_t count;
    int64_t rows;
};

static void print_kinds(const struct quarantine_kinds *kinds)
{
    for (size_t i = 0; i < kinds->count; i++) {
        const struct quarantine_kind *kind = &kinds->items[i];
        printf("  %lld rows with %s", (long long)kind->rows, kind->reason);
        if (kind->column[0] != '\0') {
            printf(" in ");
            ctl_print_visible(slice_of(kind->column));
        }
        printf("%s, the first in line %lld\n", kind->kept ? " (kept)" : "", (long long)kind->first_line);
    }
}

static json_t *kinds_json(const struct quarantine_kinds *kinds)
{
    json_t *list = json_array();
    for (size_t i = 0; i < kinds->count; i++) {
        const struct quarantine_kind *kind = &kinds->items[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:b, s:I, s:I}", "reason", kind->reason, "column",
                                        kind->column, "kept", kind->kept, "rows", (json_int_t)kind->rows,
                                        "first_line", (json_int_t)kind->first_line));
    }
    return list;
}

static int show_text(struct ctl *ctl, const struct batch_info *batch, const struct quarantine_kinds *kinds,
                     int64_t limit)
{
    struct error err;
    struct quarantine_list list = {0};
    print_batch(batch);
    print_kinds(kinds);
    if (batch_quarantine(ctl->pg, batch->batch_id, limit, quarantine_print, &list, &err) != STATUS_OK)
        return ctl_fail_error(&err);
    if (list.rows < kinds->rows)
        printf("  and %lld more\n", (long long)(kinds->rows - list.rows));
    return 0;
}

static int show_json(struct ctl *ctl, const struct batch_info *batch, const struct quarantine_kinds *kinds,
                     int64_t limit)
{
    struct error err;
    struct quarantine_list list = {0};
    json_t *document = batch_json(batch);
    json_object_set_new(document, "kinds", kinds_json(kinds));
    char *head = document ? json_dumps(document, JSON_COMPACT) : NULL;
    json_decref(document);
    if (head == NULL)
        return ctl_fail(EX_OSERR, "out of memory");
    printf("%.*s,\"quarantine\":[", (int)strlen(head) - 1, head);
    free(head);
    enum status status = batch_quarantine(ctl->pg, batch->batch_id, limit, quarantine_json, &list, &err);
    puts("]}");
    if (list.failed)
        return ctl_fail(EX_IOERR, "%s", err.text);
    return status == STATUS_OK ? 0 : ctl_fail_error(&err);
}

static int show_batch(struct ctl *ctl, const struct batch_info *batch, struct arena *arena)
{
    struct error err;
    struct quarantine_kinds kinds = {0};
    int64_t limit = 0;
    if (!ctl_number(ctl, "--limit", &limit))
        return EX_USAGE;
    if (batch_quarantine_kinds(ctl->pg, batch->batch_id, arena, &kinds.items, &kinds.count, &err) !=
        STATUS_OK)
        return ctl_fail_error(&err);
    for (size_t i = 0; i < kinds.count; i++)
        kinds.rows += kinds.items[i].rows;
    return ctl->json ? show_json(ctl, batch, &kinds, limit) : show_text(ctl, batch, &kinds, limit);
}

int verb_feed_show(struct ctl *ctl)
{
    struct error err;
    int exit_code = ctl_utf8(ctl, ctl->words[0]);
    if (exit_code == 0)
        exit_code = ctl_store(ctl);
    if (exit_code != 0)
        return exit_code;
    struct arena *arena = arena_new(0);
    const struct batch_info *batch = NULL;
    if (batch_lookup(ctl->pg, ctl->words[0], arena, &batch, &err) != STATUS_OK)
        exit_code = ctl_fail_error(&err);
    else if (batch == NULL)
        exit_code =
            ctl_fail(EX_NOINPUT, "there is no batch \"%s\"; shouwangctl feeds lists them", ctl->words[0]);
    else
        exit_code = show_batch(ctl, batch, arena);
    arena_free(arena);
    return exit_code;
}

/* --- trust ------------------------------------------------------------------------------------------------------ */

/* The batch that is meant, or NULL after a message. */
static const struct batch_info *find_batch(struct ctl *ctl, struct arena *arena, int *exit_code)
{
    const struct batch_info *batch = NULL;
    const char *feed = ctl->words[0], *name = ctl->words[1];
    struct error err;
    bool known = false;
    if (batch_lookup_of(ctl->pg, feed, name, arena, &batch, &known, &err) != STATUS_OK)
        *exit_code = ctl_fail_error(&err);
    else if (!known)
        *exit_code = ctl_fail(EX_NOINPUT, "there is no feed \"%s\"; shouwangctl feeds lists them", feed);
    else if (batch == NULL)
        *exit_code = ctl_fail(EX_NOINPUT, "feed %s has no batch \"%s\"; shouwangctl feeds lists the newest",
                              feed, name);
    else if (!batch->accepted)
        *exit_code =
            ctl_fail(EX_DATAERR, "batch %s of %s was refused: nothing of it is in use that could be trusted",
                     batch->name, feed);
    return *exit_code == 0 ? batch : NULL;
}

static int print_trust(const struct ctl *ctl, const struct batch_info *batch, const struct trust_word *word,
                       bool given)
{
    char at[CLOCK_RFC3339_SIZE];
    if (ctl->json)
        return ctl_print_json(json_pack("{s:I, s:s, s:s, s:b, s:o}", "batch_id", (json_int_t)batch->batch_id,
                                        "feed", batch->source_name, "batch", batch->name, "given", given,
                                        "trusted", word_json(word)));
    if (given)
        printf(
            "batch %s of %s is trusted: where it swings, and though rows of it cannot be used, the next round "
            "ends warnings by it all the same; shouwangctl round --dry-run shows which\n",
            batch->name, batch->source_name);
    else
        printf("batch %s of %s was trusted before, by %s at %s: %s\n", batch->name, batch->source_name,
               word->by, clock_rfc3339(word->at_ms, at), word->reason);
    return 0;
}

int verb_feed_trust(struct ctl *ctl)
{
    struct error err;
    const char *reason = ctl_value(ctl, "--reason");
    int exit_code = reason == NULL
                        ? ctl_usage(ctl, "--reason is missing: why the batch is right goes into the audit")
                        : ctl_reason(ctl, reason);
    if (exit_code == 0)
        exit_code = ctl_utf8(ctl, ctl->words[0]);
    if (exit_code == 0)
        exit_code = ctl_utf8(ctl, ctl->words[1]);
    if (exit_code == 0)
        exit_code = ctl_store(ctl);
    if (exit_code != 0)
        return exit_code;
    struct arena *arena = arena_new(0);
    struct trust_word word = {"", "", 0};
    bool given = false;
    const struct batch_info *batch = find_batch(ctl, arena, &exit_code);
    if (batch != NULL &&
        trust_give(ctl->pg, batch->batch_id, ctl_account(), reason, arena, &word, &given, &err) != STATUS_OK)
        exit_code = ctl_fail_error(&err);
    else if (batch != NULL)
        exit_code = print_trust(ctl, batch, &word, given);
    arena_free(arena);
    return exit_code;
}
