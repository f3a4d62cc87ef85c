-- SPDX-License-Identifier: PostgreSQL
-- The staged peer, first session: what each household earned in the last twelve months and in the twelve before, over its
-- members and the household itself, and how many members it has. Sources are never added: of a person's facts of one code in
-- one window those of the first source count. Few facts have a better source beside them; they are looked for only where
-- several sources speak of a code, and left out of one pass over the rest.
\ir session.sql
create temp table gone as
select distinct person_id from person_fact
 where code in (300, 130) and value <> 0 and from_day <= '2021-06-30' and (code = 300 or to_day is null or to_day >= '2021-06-30');
create temp table masked (person_id bigint, code smallint, source smallint, newer boolean);
create temp table masked_own (household_id bigint, code smallint, source smallint, newer boolean);
select format($$ insert into masked
    select distinct f.person_id, f.code, f.source, coalesce(f.to_day, f.from_day) > '2020-06-30'
      from person_fact f join person_fact g on g.person_id = f.person_id
       and (coalesce(g.to_day, g.from_day) > '2020-06-30') = (coalesce(f.to_day, f.from_day) > '2020-06-30')
     where f.code = %1$s and f.source = %2$s and g.code = %1$s and coalesce(nullif(g.source, 0), 1000) < coalesce(nullif(%2$s, 0), 1000)
       and (g.to_day between '2019-07-01' and '2021-06-30' or g.to_day is null and g.from_day between '2019-07-01' and '2021-06-30')
       and (f.to_day between '2019-07-01' and '2021-06-30' or f.to_day is null and f.from_day between '2019-07-01' and '2021-06-30') $$, s.code, s.source)
  from source_code s where s.code in (1, 2, 3, 4)
   and exists (select from source_code b where b.code = s.code and coalesce(nullif(b.source, 0), 1000) < coalesce(nullif(s.source, 0), 1000)) \gexec
select format($$ insert into masked_own
    select distinct f.household_id, f.code, f.source, coalesce(f.to_day, f.from_day) > '2020-06-30'
      from household_fact f join household_fact g on g.household_id = f.household_id
       and (coalesce(g.to_day, g.from_day) > '2020-06-30') = (coalesce(f.to_day, f.from_day) > '2020-06-30')
     where f.code = %1$s and f.source = %2$s and g.code = %1$s and coalesce(nullif(g.source, 0), 1000) < coalesce(nullif(%2$s, 0), 1000)
       and (g.to_day between '2019-07-01' and '2021-06-30' or g.to_day is null and g.from_day between '2019-07-01' and '2021-06-30')
       and (f.to_day between '2019-07-01' and '2021-06-30' or f.to_day is null and f.from_day between '2019-07-01' and '2021-06-30') $$, s.code, s.source)
  from source_code s where s.code in (1, 2, 3, 4)
   and exists (select from source_code b where b.code = s.code and coalesce(nullif(b.source, 0), 1000) < coalesce(nullif(s.source, 0), 1000)) \gexec
analyze gone, masked, masked_own;
create unlogged table members as
select household_id, count(*) as n from membership m
 where valid_to is null and not exists (select from gone g where g.person_id = m.person_id) group by household_id;
create unlogged table income as
select household_id,
       sum(value) filter (where newer and value <= 500000000)::bigint as i_known,
       count(*) filter (where newer and (value <= 500000000) is not true) as i_unknown,
       sum(value) filter (where not newer and value <= 500000000)::bigint as v_known,
       count(*) filter (where not newer and (value <= 500000000) is not true) as v_unknown
  from (
    select m.household_id, f.value, coalesce(f.to_day, f.from_day) > '2020-06-30' as newer
      from person_fact f join membership m on m.person_id = f.person_id and m.valid_to is null
     where f.code in (1, 2, 3, 4) and (f.to_day between '2019-07-01' and '2021-06-30' or f.to_day is null and f.from_day between '2019-07-01' and '2021-06-30')
       and not exists (select from gone g where g.person_id = f.person_id)
       and not exists (select from masked k where k.person_id = f.person_id and k.code = f.code and k.source = f.source
                         and k.newer = (coalesce(f.to_day, f.from_day) > '2020-06-30'))
    union all
    select f.household_id, f.value, coalesce(f.to_day, f.from_day) > '2020-06-30'
      from household_fact f
     where f.code in (1, 2, 3, 4) and (f.to_day between '2019-07-01' and '2021-06-30' or f.to_day is null and f.from_day between '2019-07-01' and '2021-06-30')
       and not exists (select from masked_own k where k.household_id = f.household_id and k.code = f.code and k.source = f.source
                         and k.newer = (coalesce(f.to_day, f.from_day) > '2020-06-30'))) amounts
 group by household_id;
