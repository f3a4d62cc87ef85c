-- SPDX-License-Identifier: PostgreSQL
-- A receiver that answers nothing but failures is probed by one event after the other, with rests between. Were it always the
-- most urgent, those at which it fails (a bug of its own that one kind of event meets) would be the probes again and again,
-- and keep back all others. So a probe is any of those that are due.

-- The condition is claim_deliveries' (there: picked), which looks again. An endpoint test (priority -1) comes first: somebody waits.
create function any_due(township bigint) returns bigint
language plpgsql
set search_path = shouwang
as $$
begin
    return (select d.outbox_no from delivery d where d.township_code = township and d.finished_at is null
              and (d.state = 'queued' and d.next_attempt_at <= now() or d.state = 'in_flight' and d.lease_until <= now())
              and d.expires_at > now()
              and not exists (select from delivery b where b.household_id = d.household_id
                and b.township_code = d.township_code and b.finished_at is null
                and (b.outbox_no < d.outbox_no
                  or b.outbox_no > d.outbox_no and b.state = 'in_flight' and b.lease_until > now()))
            order by d.priority >= 0, random() limit 1);
end
$$;
comment on function any_due is 'One of the events that could be claimed for a township now, whichever; null without any.';

-- As in 0018; a negative number to take asks for a probe.
create or replace function claim_deliveries(leader bigint, townships bigint[], takes integer[], lease_ms bigint)
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
        select e.township_code, e.last_sequence, abs(a.take) as take, a.take < 0 as probing,
               case when a.take < 0 then any_due(e.township_code) end as probe
        from unnest(townships, takes) as a (township_code, take) join endpoint e using (township_code)
        where e.state = 'active' and (e.paused_until is null or e.paused_until <= now())
        order by e.township_code for update of e skip locked
    ), picked as materialized (
        select p.*, o.last_sequence from open o cross join lateral (
            select d.ctid as place, d.township_code, d.priority, d.outbox_no, d.sequence
            from delivery d where d.township_code = o.township_code and d.finished_at is null
              and (d.state = 'queued' and d.next_attempt_at <= now() or d.state = 'in_flight' and d.lease_until <= now())
              and d.expires_at > now()
              and (not o.probing or d.outbox_no = o.probe)
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
