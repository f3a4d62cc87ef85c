/* SPDX-License-Identifier: PostgreSQL */
#include "store/trust.h"

#include "io/pg.h"
#include "store/fetch.h"

struct trust_word trust_fetch(struct fetch *fetch, int column)
{
    return (struct trust_word){fetch_text(fetch, column), fetch_text(fetch, column + 1),
                               pg_get_unix_ms(fetch->result, fetch->row, column + 2)};
}

static enum status read_word(struct pg *pg, int64_t batch_id, struct arena *arena, struct trust_word *word,
                             struct error *err)
{
    struct fetch fetch;
    enum status status =
        fetch_query(&fetch, pg, "select actor, reason, at from batch_trust where batch_id = $1",
                    pg_params(pg_of_int64(batch_id)), arena, err);
    if (fetch.rows > 0)
        *word = trust_fetch(&fetch, 0);
    return fetch_done(&fetch, status, err);
}

enum status trust_give(struct pg *pg, int64_t batch_id, const char *by, const char *reason,
                       struct arena *arena, struct trust_word *word, bool *given, struct error *err)
{
    int64_t noted = 0;
    enum status status = pg_update(
        pg,
        "with word as (insert into batch_trust (batch_id, actor, reason) values ($1, $2, $3)"
        "  on conflict do nothing returning batch_id, actor, reason)"
        " insert into audit (actor, action, detail) select word.actor, 'feed.trust', jsonb_build_object('feed',"
        "  s.name, 'batch', b.batch, 'batch_id', b.batch_id, 'reason', word.reason)"
        "  from word join batch b using (batch_id) join source s using (source)",
        pg_params(pg_of_int64(batch_id), pg_of_text(by), pg_of_text(reason)), &noted, err);
    *given = noted > 0;
    return status == STATUS_OK ? read_word(pg, batch_id, arena, word, err) : status;
}

enum status trust_given(struct pg *pg, const int64_t *batch_ids, size_t count, struct arena *arena,
                        const int64_t **trusted, size_t *trusted_count, struct error *err)
{
    return fetch_int64s(pg, "select batch_id from batch_trust where batch_id = any($1)",
                        pg_params(pg_of_int64_array(batch_ids, count)), arena, trusted, trusted_count, err);
}
