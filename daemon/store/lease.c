/* SPDX-License-Identifier: PostgreSQL */
#include "store/lease.h"

#include "io/pg.h"

#include <stdio.h>

static const char *const duty_names[] = {
    [LEASE_INGEST] = "ingest",
    [LEASE_ROUND] = "round",
    [LEASE_DELIVERY] = "delivery",
};

static enum status other_holder(struct pg *pg, enum lease_duty duty, char other[128], struct error *err)
{
    struct pg_result *result;
    enum status status = pg_query(pg, "select holder from lease where name = $1",
                                  pg_params(pg_of_text(duty_names[duty])), &result, err);
    if (status)
        return status;
    if (other && pg_result_rows(result)) {
        struct slice holder = pg_get_text(result, 0, 0);
        snprintf(other, 128, "%.*s", (int)utf8_cut(holder.bytes, holder.length, 127), holder.bytes);
    }
    pg_result_free(result);
    return STATUS_OK;
}

enum status lease_take(struct pg *pg, enum lease_duty duty, const char *holder, int ttl_ms,
                       struct lease *lease, char other[128], struct error *err)
{
    struct pg_result *result;
    *lease = (struct lease){.duty = duty};
    if (other)
        other[0] = '\0';
    enum status status = pg_query(
        pg,
        "update lease set token = token + (holder <> $2 or expires_at < clock_timestamp())::integer,"
        "  holder = $2, expires_at = clock_timestamp() + $3 * interval '1 millisecond'"
        " where name = $1 and (holder = $2 or holder = '' or expires_at < clock_timestamp())"
        " returning token",
        pg_params(pg_of_text(duty_names[duty]), pg_of_text(holder), pg_of_int32(ttl_ms)), &result, err);
    if (status)
        return status;
    bool taken = pg_result_rows(result) == 1;
    if (taken)
        lease->token = pg_get_int64(result, 0, 0);
    pg_result_free(result);
    return taken ? STATUS_OK : other_holder(pg, duty, other, err);
}

enum status lease_renew(struct pg *pg, struct lease *lease, int ttl_ms, struct error *err)
{
    int64_t affected;
    enum status status = pg_update(
        pg,
        "update lease set expires_at = clock_timestamp() + $3 * interval '1 millisecond'"
        " where name = $1 and token = $2 and holder <> ''",
        pg_params(pg_of_text(duty_names[lease->duty]), pg_of_int64(lease->token), pg_of_int32(ttl_ms)),
        &affected, err);
    if (!status && affected == 0)
        lease->token = 0;
    return status;
}

enum status lease_release(struct pg *pg, struct lease *lease, struct error *err)
{
    enum status status =
        pg_update(pg,
                  "update lease set holder = '', expires_at = '-infinity'"
                  " where name = $1 and token = $2",
                  pg_params(pg_of_text(duty_names[lease->duty]), pg_of_int64(lease->token)), NULL, err);
    if (!status)
        lease->token = 0;
    return status;
}

enum status lease_lock(struct pg *pg, enum lease_duty duty, int64_t token, struct error *err)
{
    struct pg_result *result;
    const char *name = duty_names[duty];
    enum status status = pg_query(pg, "select token from lease where name = $1 for update",
                                  pg_params(pg_of_text(name)), &result, err);
    if (status)
        return error_wrap(err, "waiting for the lease %s", name);
    int64_t stored = pg_result_rows(result) ? pg_get_int64(result, 0, 0) : -1;
    pg_result_free(result);
    if (stored < 0)
        return error_set(err, STATUS_CONFIG,
                         "the lease %s is missing in the database: run shouwangctl migrate", name);
    if (token != 0 && token != stored)
        return error_set(err, STATUS_RETRY,
                         "the lease %s has passed to somebody else (token %lld, ours was %lld)", name,
                         (long long)stored, (long long)token);
    return STATUS_OK;
}
