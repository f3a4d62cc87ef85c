-- SPDX-License-Identifier: PostgreSQL
-- Results by the thousand (see 0009): `from unnest(a, b, …)` stores a copy of each array's elements before the first row comes, in a list
-- of results they are taken one by one.

-- As in 0018 but for that.
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
        from (select unnest(households) as household_id, unnest(events) as event_id, unnest(tries) as attempts, unnest(states) as state,
                unnest(waits_ms) as wait_ms, unnest(answers) as http, unnest(errors) as error, unnest(places) as place) g
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
          from (select unnest(townships) as township_code, unnest(states) as state, unnest(errors) as error,
                  unnest(pauses_ms) as pause_ms) g
          where g.state <> 'released' group by g.township_code) s
    where e.township_code = s.township_code
      and (s.failed or e.last_success_at is null or e.last_success_at < now() - interval '1 second');
    return counted;
end
$$;
