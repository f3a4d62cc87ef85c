/* SPDX-License-Identifier: PostgreSQL */
#include "api/health.h"

#include "base/clock.h"

#include <string.h>

static void database_line(const struct api_view *view, bool verbose, struct text *out)
{
    if (!view->database_up)
        text_printf(out, "[-] database: %s: %s\n", view->database_state, view->database_reason);
    else if (verbose)
        text_add_str(out, "[+] database: up, schema as this program expects it\n");
}

static void transaction_line(const struct api_view *view, struct text *out)
{
    const struct transaction *old = api_view_old_transaction(view);
    if (old)
        text_printf(out,
                    "[!] database: session %lld of %s has kept dead rows from being cleaned for %lld s\n",
                    (long long)old->pid, old->account, (long long)(old->age_ms / 1000));
}

static void lease_line(const struct api_view *view, bool verbose, struct text *out)
{
    if (view->leading && verbose)
        text_printf(out, "[+] lease: this daemon leads (token %lld)\n", (long long)view->leader_token);
    else if (view->leader_refusal[0])
        text_printf(out, "[-] lease: %s: %s\n", view->role, view->leader_refusal);
    else if (strcmp(view->role, "standby") == 0)
        text_printf(out, "[-] lease: standby, %s leads\n",
                    view->leader_holder[0] ? view->leader_holder : "it is not known who");
    else if (!view->leading)
        text_printf(out, "[-] lease: %s\n", view->role);
}

static void swings_line(const struct api_view *view, const struct api_feed *feed, struct text *out)
{
    const struct volume_swinging *swinging = api_view_swinging(view, feed->source);
    if (!swinging)
        return;
    text_printf(out, "[!] feed %s: unusually many or few rows in %lld townships%s: it ends no warning%s\n",
                feed->name, (long long)swinging->townships, swinging->in_sum ? " and in sum" : "",
                swinging->in_sum ? "" : " there");
}

static void unusable_line(const struct api_view *view, const struct api_feed *feed, struct text *out)
{
    const struct unusable *newest;
    size_t batches = api_view_unusable(view, feed->source, &newest);
    if (batches == 0)
        return;
    text_printf(out, "[!] feed %s: %lld of %lld rows of batch %s cannot be used: it ends no warning\n",
                feed->name, (long long)newest->quarantined, (long long)newest->rows, newest->batch);
    if (batches > 1)
        text_printf(out, "[!] feed %s: nor can much of %zu batches before it\n", feed->name, batches - 1);
}

static void feed_line(const struct api_view *view, const struct api_feed *feed, struct text *out)
{
    int64_t days = api_view_feed_age_days(view, feed->source);
    const struct batch_info *refused = api_view_refused(view, feed->source);
    if (days < 0)
        text_printf(out, "[!] feed %s: nothing taken in yet\n", feed->name);
    else if (feed->freshness_days > 0 && days > feed->freshness_days)
        text_printf(out, "[!] feed %s: speaks of %lld days ago, fresh within %d: it ends no warning\n",
                    feed->name, (long long)days, feed->freshness_days);
    else
        text_printf(out, "[+] feed %s: speaks of %lld days ago\n", feed->name, (long long)days);
    swings_line(view, feed, out);
    unusable_line(view, feed, out);
    if (refused)
        text_printf(out, "[!] feed %s: batch %s was refused\n", feed->name, refused->name);
}

static void queue_line(const struct api_view *view, struct text *out)
{
    const struct listing_status *status = &view->facts->status;
    const int64_t stuck = status->queue_failed + status->queue_held + status->queue_expired;
    text_printf(out, "[%c] queue: %lld waiting, %lld failed, %lld held, %lld expired, oldest %lld s\n",
                stuck > 0 ? '!' : '+', (long long)status->queue_waiting, (long long)status->queue_failed,
                (long long)status->queue_held, (long long)status->queue_expired,
                (long long)(status->queue_oldest_ms / 1000));
    for (size_t i = 0; i < view->facts->held_count; i++)
        text_printf(out, "[!] township %lld: its receiver answered 410 and is held\n",
                    (long long)view->facts->held[i]);
    for (size_t i = 0; i < view->facts->queue_count; i++) {
        const struct listing_shape *shape = &view->facts->queue[i];
        if (api_view_waiting(shape) > 0 && !api_view_has_endpoint(view, shape->township))
            text_printf(out, "[!] township %lld: %lld events wait, but no receiver is configured for it\n",
                        (long long)shape->township, (long long)api_view_waiting(shape));
    }
    if (status->rounds_held > 0)
        text_printf(out, "[!] rounds: %lld held, see shouwangctl rounds\n", (long long)status->rounds_held);
}

static void failure_line(const char *what, const struct api_failure *failure, struct text *out)
{
    char at[CLOCK_RFC3339_SIZE];
    if (failure->unix_ms != 0)
        text_printf(out, "[!] %s: failed at %s: %s\n", what, clock_rfc3339(failure->unix_ms, at),
                    failure->text);
}

bool health_render(const struct api_view *view, bool verbose, struct text *out)
{
    bool acts = view->database_up && view->leading && !view->draining;
    bool ready = acts && view->waits[0] == '\0';
    database_line(view, verbose, out);
    if (view->database_up)
        lease_line(view, verbose, out);
    if (view->draining)
        text_add_str(out, "[-] daemon: stopping\n");
    if (acts && !ready)
        text_printf(out, "[-] work: waits: %s\n", view->waits);
    if (!verbose)
        return ready;
    char since[CLOCK_RFC3339_SIZE];
    transaction_line(view, out);
    text_printf(out, "[+] policy: %s version %s\n", view->policy_name, view->policy_version);
    if (view->settings_failed)
        text_printf(out, "[!] configuration: the last reload was refused, the settings of %s are in use\n",
                    clock_rfc3339(view->settings_loaded_unix_ms, since));
    else
        text_add_str(out, "[+] configuration: as on disk\n");
    failure_line("scan", &view->scan_failed, out);
    failure_line("round", &view->round_failed, out);
    for (size_t i = 0; view->facts && i < view->feed_count; i++)
        feed_line(view, &view->feeds[i], out);
    if (view->facts)
        queue_line(view, out);
    return ready;
}
