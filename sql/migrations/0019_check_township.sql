-- SPDX-License-Identifier: PostgreSQL
-- Which township was told of a check. A household that moves takes its checks along: the one hears that it has lost them, the
-- other that it has them. Until now the end of a check was told where the household lived by then, to who had never heard of it.
alter table finding add column township_code bigint;
comment on column finding.township_code is 'Of a check: the township that was told of it; null of all other kinds.';
update finding f set township_code = coalesce(
    (select o.township_code from outbox o where o.household_id = f.household_id and o.type = 'check.raised'
       and o.event::jsonb #>> '{data,reasons,0,rule}' = f.rule order by o.outbox_no desc limit 1),
    (select h.township_code from household h where h.household_id = f.household_id))
where kind = 'check';
