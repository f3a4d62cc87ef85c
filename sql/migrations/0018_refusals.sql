-- SPDX-License-Identifier: PostgreSQL
-- An event fails for good when its receiver has refused it five times. Attempts that met nobody were counted among those, so that
-- after an outage a single refusal, such as a gateway's that knows its way before the receiver behind it is up, ended
-- all that had waited. Refusals are counted apart.
alter table delivery add column refusals smallint not null default 0;
comment on column delivery.refusals is 'Attempts that were answered with 3xx or 4xx, but 408, 410, 425 and 429.';

-- As in 0009, with refusals.
drop function claim_deliveries(bigint, bigint[], integer[], bigint);
create function claim_deliveries(leader bigint, townships bigint[], takes integer[], lease_ms bigint)
returns table (household_id bigint, event_id uuid, township_code bigint, sequence bigint, attempts integer, refusals smallint, priority smallint,
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
        returning d.household_id, d.event_id, d.township_code, d.sequence, d.attempts, d.refusals, d.priority, n.fresh, d.expires_at,
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

create or replace function record_results(leader bigint, households bigint[], events uuid[], townships bigint[], tries integer[],
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
            refusals = d.refusals + (g.http between 300 and 499 and g.http not in (408, 410, 425, 429))::integer,
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
