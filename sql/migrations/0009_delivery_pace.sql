-- SPDX-License-Identifier: PostgreSQL
-- Delivery by the thousand again (see 0005), and receivers that ask for a pause.

alter table endpoint add column paused_until timestamptz;
comment on column endpoint.paused_until is 'Retry-After of an answer 429 or 503: nothing is claimed for it before; null or past when it may be sent to.';

-- Claims and results are functions so that the server keeps their plans, whatever pooler stands between, and plans them
-- as we mean it: row by row, each row found by the place (ctid) at which it was seen last. A look into the primary key
-- for each cost a third of both. A place is a hint: who uses it compares the keys as well.

create function all_taken(picked bigint, taken bigint) returns boolean
language plpgsql as $$
begin
    if picked <> taken then
        raise exception 'a delivery was changed while it was claimed' using errcode = '40001';
    end if;
    return true;
end
$$;
comment on function all_taken is 'Refuses a claim (SQLSTATE 40001, to be repeated) that would leave a gap in the sequence numbers.';

-- open     The endpoints' rows are locked first; whoever finds one locked takes nothing for that township now. So
--          sequence numbers are given by one at a time, and the number read is the newest (a row that changed
--          since the snapshot is read again when it is locked).
-- picked   Per township the most urgent that are due. A row that somebody claimed or answered since the snapshot is
--          looked at again when it is locked, and left out if it no longer qualifies. What blocks it (an older event
--          of the household, or another one in flight) can only have become less since the snapshot: new blocks are
--          made under the lock of the endpoint alone.
-- numbered Those that were never attempted get the next numbers, in the order in which they are claimed.
-- noted    A row that was changed since the snapshot and still qualifies lies at another place than the snapshot knows:
--          it could not be updated, and its number would be missing. Nobody changes rows so (see picked); if somebody
--          does all the same, the claim is undone.
create function claim_deliveries(leader bigint, townships bigint[], takes integer[], lease_ms bigint)
returns table (household_id bigint, event_id uuid, township_code bigint, sequence bigint, attempts integer, priority smallint,
               fresh boolean, expires_at timestamptz, outbox_no bigint, place tid)
language plpgsql
set search_path = shouwang
set plan_cache_mode = force_custom_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
begin
    perform fence(leader);
    return query
    with open as materialized (
        select e.township_code, e.last_sequence, a.take
        from unnest(townships, takes) as a (township_code, take) join endpoint e using (township_code)
        where e.state = 'active' and (e.paused_until is null or e.paused_until <= now())
        order by e.township_code for update of e skip locked
    ), picked as materialized (
        select p.*, o.last_sequence from open o cross join lateral (
            select d.ctid as place, d.township_code, d.priority, d.outbox_no, d.sequence
            from delivery d where d.township_code = o.township_code and d.finished_at is null
              and (d.state = 'queued' and d.next_attempt_at <= now() or d.state = 'in_flight' and d.lease_until <= now())
              and d.expires_at > now()
              and not exists (select from delivery b where b.household_id = d.household_id
                and b.township_code = d.township_code and b.finished_at is null
                and (b.outbox_no < d.outbox_no
                  or b.outbox_no > d.outbox_no and b.state = 'in_flight' and b.lease_until > now()))
            order by d.priority, d.outbox_no limit o.take for update of d skip locked) p
    ), numbered as (
        select place, township_code, sequence is null as fresh,
               coalesce(sequence, last_sequence + row_number() over (partition by township_code, sequence is null
                   order by priority, outbox_no)) as number
        from picked
    ), claimed as (
        update delivery d set state = 'in_flight', attempts = d.attempts + 1, sequence = n.number,
            lease_until = now() + lease_ms * interval '1 millisecond', first_sent_at = coalesce(d.first_sent_at, now())
        from numbered n where d.ctid = n.place
        returning d.household_id, d.event_id, d.township_code, d.sequence, d.attempts, d.priority, n.fresh, d.expires_at,
            d.outbox_no, d.ctid
    ), noted as (
        update endpoint e set last_sequence = n.last
        from (select township_code, max(number) as last from numbered where fresh group by township_code) n
        where e.township_code = n.township_code
          and all_taken((select count(*) from picked), (select count(*) from claimed))
    )
    select * from claimed;
end
$$;
comment on function claim_deliveries is 'Of each township as many due events as asked: in flight under a lease, with their numbers, and where their rows lie now.';

-- A result of an attempt that was given up for lost and made anew counts only if it is a delivery: then the township
-- has the event, whatever else we believe. Whoever does not lie at his place any more is looked for by his key; what
-- counted the first time does not count again. That an endpoint takes events is noted once a second: its row is the one
-- that every claim needs.
create function record_results(leader bigint, households bigint[], events uuid[], townships bigint[], tries integer[],
                               states text[], waits_ms bigint[], answers integer[], errors text[], pauses_ms bigint[], places tid[])
returns bigint
language plpgsql
set search_path = shouwang
set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    counted bigint := 0;
    found bigint;
begin
    perform fence(leader);
    for pass in 1..2 loop
        update delivery d set state = case when g.state = 'released' then 'queued' else g.state end,
            attempts = case when g.state = 'released' then d.attempts - 1 else d.attempts end,
            first_sent_at = case when g.state = 'released' and d.attempts = 1 then null else d.first_sent_at end,
            lease_until = null,
            last_status = case when g.state = 'released' then d.last_status else nullif(g.http, 0) end,
            last_error = case when g.state = 'released' then d.last_error else nullif(g.error, '') end,
            next_attempt_at = case when g.state in ('queued', 'released')
                then now() + g.wait_ms * interval '1 millisecond' else d.next_attempt_at end,
            finished_at = case when g.state not in ('queued', 'released') then now() end
        from unnest(households, events, tries, states, waits_ms, answers, errors, places)
            as g (household_id, event_id, attempts, state, wait_ms, http, error, place)
        where d.ctid = g.place and d.household_id = g.household_id and d.event_id = g.event_id
          and (d.state = 'in_flight' and d.attempts = g.attempts or g.state = 'delivered' and d.state <> 'delivered');
        get diagnostics found = row_count;
        counted := counted + found;
        exit when pass = 2 or counted = cardinality(households);
        places := array(select d.ctid from unnest(households, events) with ordinality as g (household_id, event_id, n)
            left join delivery d using (household_id, event_id) order by g.n);
    end loop;
    update endpoint e set
        last_success_at = case when s.succeeded then now() else e.last_success_at end,
        last_failure_at = case when s.failed then now() else e.last_failure_at end,
        last_error = case when s.failed then s.error else e.last_error end,
        paused_until = case when s.pause_ms > 0
            then greatest(e.paused_until, now() + s.pause_ms * interval '1 millisecond') else e.paused_until end
    from (select g.township_code, bool_or(g.state = 'delivered') as succeeded, bool_or(g.state <> 'delivered') as failed,
                 max(nullif(g.error, '')) filter (where g.state <> 'delivered') as error, max(g.pause_ms) as pause_ms
          from unnest(townships, states, errors, pauses_ms) as g (township_code, state, error, pause_ms)
          where g.state <> 'released' group by g.township_code) s
    where e.township_code = s.township_code
      and (s.failed or e.last_success_at is null or e.last_success_at < now() - interval '1 second');
    return counted;
end
$$;
comment on function record_results is 'Records what became of attempts, and what that says about their endpoints; how many counted.';
