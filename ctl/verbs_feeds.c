/* SPDX-License-Identifier: PostgreSQL */
/* Verbs about feeds and their batches. They work while the daemon is down. */
#include "ctl.h"

#include "base/arena.h"
#include "base/clock.h"
#include "io/pg.h"
#include "store/batch.h"
#include "store/volume.h"

#include <stdio.h>
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
    day_t period_to = batch->period_to;
    char age[32] = "-";
    if (period_to != DAY_NONE)
        snprintf(age, sizeof age, "%d days", clock_today() - period_to);
    printf("%6lld  %-20s %-24s %-8s to %-10s age %-11s %lld rows, %lld stored, %lld quarantined, %lld not on "
           "the register%s%s\n",
           (long long)batch->batch_id, batch->source_name, batch->name,
           batch->accepted ? "accepted" : "refused", civil_format(period_to, to), age,
           (long long)batch->counts.rows_total, (long long)batch->counts.rows_stored,
           (long long)batch->counts.rows_quarantined, (long long)batch->counts.rows_stranger,
           batch->accepted ? "" : ": ", batch->accepted ? "" : batch->reason);
}

/* Where the last round found that batches swing. */
struct found_swings {
    const struct volume_swing *items;
    size_t count;
};

/* Told beside the newest accepted batch of the source, though they may be of a full one before it. */
static bool is_told_with(const struct volume_swing *swing, const struct batch_info *batch)
{
    return batch->accepted && swing->source == batch->source;
}

/* Null where nobody has said that the batch is right. */
static json_t *word_json(const struct volume_word *word)
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

static json_t *feed_json(const struct found_swings *found, const struct batch_info *batch)
{
    json_t *object = batch_json(batch), *swings = json_array();
    for (size_t i = 0; i < found->count; i++)
        if (is_told_with(&found->items[i], batch))
            json_array_append_new(swings, swing_json(&found->items[i]));
    json_object_set_new(object, "swings", swings);
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

static void print_feed(const struct found_swings *found, const struct batch_info *batch)
{
    print_batch(batch);
    for (size_t i = 0; i < found->count; i++)
        if (is_told_with(&found->items[i], batch))
            print_swing(&found->items[i]);
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
    struct found_swings found = {NULL, 0};
    enum status status = batch_list_newest(ctl->pg, arena, &batches, &count, &err);
    if (status == STATUS_OK)
        status = volume_swings(ctl->pg, 0, arena, &found.items, &found.count, &err);
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

static enum status quarantine_json(void *context, const struct quarantine_row *row, struct error *err)
{
    json_t *item = json_pack("{s:I, s:o, s:s, s:o, s:s, s:b}", "line", (json_int_t)row->line, "column",
                             ctl_json_slice(row->column), "reason", row->reason, "found",
                             ctl_json_slice(row->found), "expected", row->expected, "kept", row->kept);
    return json_array_append_new(context, item) == 0 ? STATUS_OK
                                                     : error_set(err, STATUS_FATAL, "out of memory");
}

static enum status quarantine_print(void *context, const struct quarantine_row *row, struct error *err)
{
    (void)context;
    (void)err;
    printf("  line %lld, ", (long long)row->line);
    ctl_print_visible(row->column);
    printf(": %s: found \"", row->reason);
    ctl_print_visible(row->found);
    printf("\", expected %s%s\n", row->expected, row->kept ? " (kept)" : "");
    return STATUS_OK;
}

static int show_batch(struct ctl *ctl, const struct batch_info *batch)
{
    struct error err;
    if (!ctl->json) {
        print_batch(batch);
        return batch_quarantine(ctl->pg, batch->batch_id, quarantine_print, NULL, &err) == STATUS_OK
                   ? 0
                   : ctl_fail_error(&err);
    }
    json_t *document = batch_json(batch);
    json_t *rows = json_array();
    if (batch_quarantine(ctl->pg, batch->batch_id, quarantine_json, rows, &err) != STATUS_OK) {
        json_decref(document);
        json_decref(rows);
        return ctl_fail_error(&err);
    }
    json_object_set_new(document, "quarantine", rows);
    return ctl_print_json(document);
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
        exit_code = show_batch(ctl, batch);
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

static int print_trust(const struct ctl *ctl, const struct batch_info *batch, const struct volume_word *word,
                       bool given)
{
    char at[CLOCK_RFC3339_SIZE];
    if (ctl->json)
        return ctl_print_json(json_pack("{s:I, s:s, s:s, s:b, s:o}", "batch_id", (json_int_t)batch->batch_id,
                                        "feed", batch->source_name, "batch", batch->name, "given", given,
                                        "trusted", word_json(word)));
    if (given)
        printf("batch %s of %s is trusted: where it swings, the next round ends warnings by it all the same; "
               "shouwangctl round --dry-run shows which\n",
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
    struct volume_word word = {"", "", 0};
    bool given = false;
    const struct batch_info *batch = find_batch(ctl, arena, &exit_code);
    if (batch != NULL && volume_trust(ctl->pg, batch->batch_id, ctl_account(), reason, arena, &word, &given,
                                      &err) != STATUS_OK)
        exit_code = ctl_fail_error(&err);
    else if (batch != NULL)
        exit_code = print_trust(ctl, batch, &word, given);
    arena_free(arena);
    return exit_code;
}
