-- SPDX-License-Identifier: PostgreSQL
-- The one-statement peer: the whole scheme in one query, as the staged peer's steps written as common table expressions. It has
-- the server to itself and may use both cores.
\set bits `cat bits.sql`
\set person_bits `cat person_bits.sql`
\set household `cat household.sql`
\set judge `cat judge.sql`
\ir session.sql
create unlogged table result_one as
with worse as (
    select s.code, s.source from source_code s
     where exists (select from source_code b where b.code = s.code and coalesce(nullif(b.source, 0), 1000) < coalesce(nullif(s.source, 0), 1000))),
gone as (
    select distinct person_id from person_fact
     where code in (300, 130) and value <> 0 and from_day <= '2021-06-30' and (code = 300 or to_day is null or to_day >= '2021-06-30')),
masked_income as (
    select distinct f.person_id, f.code, f.source, coalesce(f.to_day, f.from_day) > '2020-06-30' as newer
      from person_fact f join worse w on w.code = f.code and w.source = f.source
      join person_fact g on g.person_id = f.person_id and g.code = f.code and coalesce(nullif(g.source, 0), 1000) < coalesce(nullif(f.source, 0), 1000)
       and (coalesce(g.to_day, g.from_day) > '2020-06-30') = (coalesce(f.to_day, f.from_day) > '2020-06-30')
     where f.code in (1, 2, 3, 4) and g.code in (1, 2, 3, 4)
       and (f.to_day between '2019-07-01' and '2021-06-30' or f.to_day is null and f.from_day between '2019-07-01' and '2021-06-30') and (g.to_day between '2019-07-01' and '2021-06-30' or g.to_day is null and g.from_day between '2019-07-01' and '2021-06-30')),
masked_income_own as (
    select distinct f.household_id, f.code, f.source, coalesce(f.to_day, f.from_day) > '2020-06-30' as newer
      from household_fact f join worse w on w.code = f.code and w.source = f.source
      join household_fact g on g.household_id = f.household_id and g.code = f.code and coalesce(nullif(g.source, 0), 1000) < coalesce(nullif(f.source, 0), 1000)
       and (coalesce(g.to_day, g.from_day) > '2020-06-30') = (coalesce(f.to_day, f.from_day) > '2020-06-30')
     where f.code in (1, 2, 3, 4) and g.code in (1, 2, 3, 4)
       and (f.to_day between '2019-07-01' and '2021-06-30' or f.to_day is null and f.from_day between '2019-07-01' and '2021-06-30') and (g.to_day between '2019-07-01' and '2021-06-30' or g.to_day is null and g.from_day between '2019-07-01' and '2021-06-30')),
masked_expense as (
    select distinct f.person_id, f.code, f.source
      from person_fact f join worse w on w.code = f.code and w.source = f.source
      join person_fact g on g.person_id = f.person_id and g.code = f.code and coalesce(nullif(g.source, 0), 1000) < coalesce(nullif(f.source, 0), 1000)
     where f.code in (30, 31, 33, 34, 36) and g.code in (30, 31, 33, 34, 36)
       and (f.to_day between '2020-07-01' and '2021-06-30' or f.to_day is null and f.from_day between '2020-07-01' and '2021-06-30') and (g.to_day between '2020-07-01' and '2021-06-30' or g.to_day is null and g.from_day between '2020-07-01' and '2021-06-30')),
masked_state as (
    select distinct f.person_id, f.code, f.source
      from person_fact f join worse w on w.code = f.code and w.source = f.source
      join person_fact g on g.person_id = f.person_id and g.code = f.code and coalesce(nullif(g.source, 0), 1000) < coalesce(nullif(f.source, 0), 1000)
     where f.code in (100, 101, 111, 130, 200, 201, 205, 206, 207, 210, 211, 230, 231, 232, 300, 301, 302, 303, 305) and g.code in (100, 101, 111, 130, 200, 201, 205, 206, 207, 210, 211, 230, 231, 232, 300, 301, 302, 303, 305)
       and f.from_day <= '2021-06-30' and g.from_day <= '2021-06-30'),
masked as (select * from masked_expense union all select * from masked_state),
masked_expense_own as (
    select distinct f.household_id, f.code, f.source
      from household_fact f join worse w on w.code = f.code and w.source = f.source
      join household_fact g on g.household_id = f.household_id and g.code = f.code and coalesce(nullif(g.source, 0), 1000) < coalesce(nullif(f.source, 0), 1000)
     where f.code in (30, 31, 33, 34, 36) and g.code in (30, 31, 33, 34, 36)
       and (f.to_day between '2020-07-01' and '2021-06-30' or f.to_day is null and f.from_day between '2020-07-01' and '2021-06-30') and (g.to_day between '2020-07-01' and '2021-06-30' or g.to_day is null and g.from_day between '2020-07-01' and '2021-06-30')),
masked_state_own as (
    select distinct f.household_id, f.code, f.source
      from household_fact f join worse w on w.code = f.code and w.source = f.source
      join household_fact g on g.household_id = f.household_id and g.code = f.code and coalesce(nullif(g.source, 0), 1000) < coalesce(nullif(f.source, 0), 1000)
     where f.code in (120, 122, 131, 200, 201, 205, 206, 207, 210, 211, 230, 231, 232, 301, 302, 303) and g.code in (120, 122, 131, 200, 201, 205, 206, 207, 210, 211, 230, 231, 232, 301, 302, 303)
       and f.from_day <= '2021-06-30' and g.from_day <= '2021-06-30'),
masked_own as (select * from masked_expense_own union all select * from masked_state_own),
members as (
    select household_id, count(*) as n from membership m
     where valid_to is null and not exists (select from gone g where g.person_id = m.person_id) group by household_id),
income as (
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
           and not exists (select from masked_income k where k.person_id = f.person_id and k.code = f.code and k.source = f.source
                             and k.newer = (coalesce(f.to_day, f.from_day) > '2020-06-30'))
        union all
        select f.household_id, f.value, coalesce(f.to_day, f.from_day) > '2020-06-30'
          from household_fact f
         where f.code in (1, 2, 3, 4) and (f.to_day between '2019-07-01' and '2021-06-30' or f.to_day is null and f.from_day between '2019-07-01' and '2021-06-30')
           and not exists (select from masked_income_own k where k.household_id = f.household_id and k.code = f.code and k.source = f.source
                             and k.newer = (coalesce(f.to_day, f.from_day) > '2020-06-30'))) amounts
     group by household_id),
person_expense as (
    select person_id, sum(value) filter (where value <= 500000000)::bigint as known, count(*) filter (where (value <= 500000000) is not true) as unknown,
           sum(value) filter (where code = 30 and value <= 500000000)::bigint > 1000000 as large
      from person_fact f
     where code in (30, 31, 33, 34, 36) and (f.to_day between '2020-07-01' and '2021-06-30' or f.to_day is null and f.from_day between '2020-07-01' and '2021-06-30')
       and not exists (select from masked k where k.person_id = f.person_id and k.code = f.code and k.source = f.source)
     group by person_id),
person_state as (
    select person_id, bit_or(bits) as bits
      from (
        select person_id, :bits as bits
          from person_fact f
         where from_day <= '2021-06-30' and code in (100, 101, 111, 130, 200, 201, 205, 206, 207, 210, 211, 230, 231, 232, 300, 301, 302, 303, 305)
           and not exists (select from masked k where k.person_id = f.person_id and k.code = f.code and k.source = f.source)
        union all
        select person_id, bits from (
            select distinct on (person_id) person_id,
               case when value % 10 <= 2 or value in (53, 63) then 131072 when value = 73 then 262144 else 0 end as bits
              from person_fact f
             where code = 100 and from_day <= '2021-06-30' and (to_day is null or to_day >= '2021-06-30')
               and not exists (select from masked k where k.person_id = f.person_id and k.code = f.code and k.source = f.source)
             order by person_id, from_day desc, batch_id desc, row_no desc) latest
        union all
        select person_id, 524288 from person_expense where large) s
     group by person_id),
spent as (
    select m.household_id, sum(e.known)::bigint as e_known, sum(e.unknown)::bigint as e_unknown
      from person_expense e join membership m on m.person_id = e.person_id and m.valid_to is null
      left join person_state s on s.person_id = e.person_id and s.bits & 5 <> 0
     where s.bits is null or s.bits & 2 <> 0 -- members, and who died in these months
     group by m.household_id),
persons as (
    select m.household_id, bit_or(:person_bits) as bits
      from person_state s join membership m on m.person_id = s.person_id and m.valid_to is null
     where s.bits <> 0
     group by m.household_id),
own as (
    select household_id,
           sum(value) filter (where code < 100 and value <= 500000000)::bigint as e_known,
           count(*) filter (where code < 100 and (value <= 500000000) is not true) as e_unknown,
           bit_or(case when code < 100 or code = 131 then 0 else :bits end) as bits,
           bit_or(case when code = 131 and value <> 0 then case when to_day is null or to_day >= '2021-06-30' then 1 else 0 end
                       | case when from_day <= '2020-06-30' and (to_day is null or to_day >= '2020-06-30') then 2 else 0 end else 0 end) as declared,
           (max(array[from_day - date '1900-01-01', batch_id, row_no, value])
              filter (where code = 120 and (to_day is null or to_day >= '2021-06-30')))[4] as grade,
           (max(array[from_day - date '1900-01-01', batch_id, row_no, value])
              filter (where code = 122 and (to_day is null or to_day >= '2021-06-30')))[4] as water
      from household_fact f
     where (code in (120, 122, 131, 200, 201, 205, 206, 207, 210, 211, 230, 231, 232, 301, 302, 303) and from_day <= '2021-06-30' or code in (30, 31, 33, 34, 36) and (f.to_day between '2020-07-01' and '2021-06-30' or f.to_day is null and f.from_day between '2020-07-01' and '2021-06-30'))
       and not exists (select from masked_own k where k.household_id = f.household_id and k.code = f.code and k.source = f.source)
     group by household_id),
h as (:household)
:judge;
