-- SPDX-License-Identifier: PostgreSQL
-- New batches of three sources that change one in a hundred of the warnings that stand: a third are raised, a third rise from
-- orange to red, a third are cleared. psql -v run=N: the N-th time, other households.
set search_path = shouwang;
begin;
select ceil(count(*) / 300.0)::bigint as n from warning where state <> 'closed' \gset
select greatest(1, count(*) / (8 * :n)) as step from household \gset
insert into batch (source, batch, mode, status, period_from, period_to, sent_at, file_name, rows_total, rows_stored)
select s, 'bench-' || :run, 'delta', 'accepted', '2021-06-01', '2021-06-30', '2021-06-30 12:00', 'facts.csv', :n, :n
  from unnest(array[0, 6, 7]) s;
select max(batch_id) filter (where source = 0) as register, max(batch_id) filter (where source = 6) as emergency,
       max(batch_id) filter (where source = 7) as revitalisation from batch \gset
insert into source_code values (0, 4, :register), (6, 301, :emergency), (7, 232, :revitalisation) on conflict do nothing;

-- Raised: monitored from now on, and nothing was wrong before.
insert into household_fact (household_id, value, batch_id, from_day, row_no, code, source)
select household_id, 1, :revitalisation, '2021-06-10', 1 + row_number() over (), 232, 7
  from (select household_id from household h
         where not exists (select from finding f where f.household_id = h.household_id)
           and not exists (select from household_fact f where f.household_id = h.household_id and f.code in (200, 201, 230, 231, 232))
           and not exists (select from membership m join person_fact f using (person_id)
                            where m.household_id = h.household_id and f.code in (200, 201, 300, 130))
           and h.household_id % :step = :run % :step
         order by hashint8extended(household_id, :run) limit :n) h;
-- Escalated: struck by a disaster on top of a low income.
insert into household_fact (household_id, value, batch_id, from_day, row_no, code, source)
select household_id, 1, :emergency, '2021-06-12', 1 + row_number() over (), 301, 6
  from (select household_id from warning w where state <> 'closed' and level = 'orange'
         order by hashint8extended(household_id, :run) limit :n) w;
-- Cleared: an income that the register did not have.
insert into household_fact (household_id, value, batch_id, from_day, to_day, row_no, code, source)
select household_id, 30000000, :register, '2021-05-01', '2021-05-31', 1 + row_number() over (), 4, 0
  from (select household_id from finding f join warning w using (household_id)
         where w.state <> 'closed' group by household_id
        having bool_and(rule in ('orange.margin', 'red.apply') and status = 'fired') and min(w.level) = 'red'
         order by hashint8extended(household_id, :run) limit :n) w;
commit;
