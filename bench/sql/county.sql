-- SPDX-License-Identifier: PostgreSQL
-- A county of any size in the register's own tables, as imports and ingests would have left it on 2021-06-30.
-- psql -v households=330000 -v seed=1 -f county.sql, on a database that shouwangctl has migrated and nobody has filled.
--
-- Nothing is random: every choice is a hash of a number and the seed, so the same size and seed give the same county, and
-- household i is the same in a county of any size. bench/county says what it looks like.
\set ON_ERROR_STOP on
\set QUIET on
set search_path = shouwang;
set client_min_messages = warning;
set synchronous_commit = off;
set work_mem = '1GB';
set maintenance_work_mem = '1GB';
set max_parallel_workers_per_gather = 0; -- rows keep their order
set jit = off;

create schema bench;

-- 0 … n - 1, from the number of a household or person, and for what.
create function bench.pick(i bigint, what int, n int) returns int immutable language sql
as $$ select ((hashint8extended($1, $2) & 9007199254740991) % $3)::int $$;
-- 17 digits and their check character, packed as daemon/domain/resident_id.h says: times 11 plus the character's value.
create function bench.packed(digits bigint) returns bigint immutable language sql as $$
    select $1 * 11 + (122 - (
        $1 / 10000000000000000 * 7 + $1 / 1000000000000000 % 10 * 9 + $1 / 100000000000000 % 10 * 10
        + $1 / 10000000000000 % 10 * 5 + $1 / 1000000000000 % 10 * 8 + $1 / 100000000000 % 10 * 4
        + $1 / 10000000000 % 10 * 2 + $1 / 1000000000 % 10 * 1 + $1 / 100000000 % 10 * 6 + $1 / 10000000 % 10 * 3
        + $1 / 1000000 % 10 * 7 + $1 / 100000 % 10 * 9 + $1 / 10000 % 10 * 10 + $1 / 1000 % 10 * 5
        + $1 / 100 % 10 * 8 + $1 / 10 % 10 * 4 + $1 % 10 * 2) % 11) % 11 $$;
create function bench.id_text(packed bigint) returns text immutable language sql
as $$ select ($1 / 11)::text || case when $1 % 11 = 10 then 'X' else ($1 % 11)::text end $$;

-- Indexes are made again when everything is there.
create unlogged table bench.index as
    select c.oid::regclass::text as name, replace(pg_get_indexdef(c.oid), ' ON ONLY ', ' ON ') as definition
      from pg_class c join pg_index i on i.indexrelid = c.oid join pg_class t on t.oid = i.indrelid
     where c.relnamespace = 'shouwang'::regnamespace and not c.relispartition
       and not exists (select from pg_constraint where conindid = c.oid)
       and t.relname in ('person_identity', 'membership', 'person_fact', 'household_fact');
do $$ declare n text; begin for n in select name from bench.index loop execute 'drop index ' || n; end loop; end $$;

-- --- months and batches: every source has sent one batch a month for two years ---------------------------------------

-- k months before June 2021; the twelve newest are the last twelve months, the others the twelve before.
create table bench.month as
    select k, (date '2021-06-01' - make_interval(months => k))::date as from_day,
           (date '2021-07-01' - make_interval(months => k))::date - 1 as to_day
      from generate_series(0, 23) k;
create function bench.batch(k int, source int) returns bigint immutable language sql as $$ select (23 - $1) * 8 + $2 + 1 $$;

insert into batch (batch_id, source, batch, mode, status, period_from, period_to, sent_at, received_at, file_name, sha256,
                   encoding)
overriding system value
select bench.batch(k, s.source), s.source, to_char(from_day, 'YYYY-MM'), case when s.source = 0 then 'full' else 'delta' end,
       'accepted', from_day, to_day, to_day + time '09:00' at time zone 'Asia/Shanghai', to_day + time '10:00', 'facts.csv',
       md5(k::text) || md5(s.source::text), case when s.source % 3 = 1 then 'gb18030' else 'utf-8' end
  from bench.month, (values (0), (1), (2), (3), (4), (5), (6), (7)) s (source)
 order by 1;
insert into source select * from (values (0::smallint, 'register', '登记'), (1::smallint, 'medical_insurance', '医保局'),
    (2::smallint, 'disabled_federation', '残联'), (3::smallint, 'education', '教育局'), (4::smallint, 'hr_social_security', '人社局'),
    (5::smallint, 'housing', '住建局'), (6::smallint, 'emergency', '应急管理局'), (7::smallint, 'revitalisation', '乡村振兴局')) s
    on conflict do nothing;
select setval(pg_get_serial_sequence('shouwang.batch', 'batch_id'), max(batch_id)) as newest_batch from batch \gset

-- --- households ----------------------------------------------------------------------------------------------------------

-- class: 0 in assistance, 1 below the line and not enrolled, 2 between the lines, 3 above. planted: hard cases (1 … 24), in
-- every small county and once in 997 households of a large one; 0 = none.
create unlogged table bench.household as
with place as (
    select i::bigint as id,
           case when i <= 48 then 1 + (i - 1) % 24 when i % 997 = 0 then 1 + (i / 997) % 24 else 0 end as planted,
           i * 100 / :households as percentile, bench.pick(i, :seed, 1000) as x_size, bench.pick(i, :seed + 1, 100) as x_area,
           bench.pick(i, :seed + 2, 100000) as x_class, bench.pick(i, :seed + 3, 10000) as x_income,
           bench.pick(i, :seed + 4, 1000) as x_before, bench.pick(i, :seed + 5, 1000) as x_declared
      from generate_series(1, :households) i),
town as (
    select *, case when planted = 8 then 12 when planted = 7 then 1 when planted > 0 then 2 + planted % 3
                   when x_size < 158 then 1 when x_size < 398 then 2 when x_size < 648 then 3 when x_size < 848 then 4
                   when x_size < 938 then 5 when x_size < 979 then 6 else 7 end as size,
           width_bucket(percentile, array[0, 14, 26, 34, 42, 49, 56, 62, 68, 73, 78, 83, 87, 91, 94, 97]) - 1 as t
      from place),
area as (
    select *, 610922000 + (array[1, 2, 100, 101, 102, 103, 104, 105, 200, 201, 202, 203, 204, 205, 206, 207])[t + 1] as township,
           planted = 0 and x_area < case when t < 2 then 90 when t < 8 then 30 else 3 end as urban,
           case when planted in (10, 23) then 0 when planted > 0 then 2 when x_class < 3000 then 0 when x_class < 3600 then 1
                when x_class < 6000 then 2 else 3 end as class
      from town),
money as (
    select *, case when urban then 732000 else 483000 end::bigint as line from area)
select id, size, urban, township, township::bigint * 1000 + 1 + id / 150 % 14 as village, planted, class, line, x_declared,
       -- of the last twelve months, in fen, for the whole household
       case planted
           when 1 then line * size when 2 then line * size - 1 when 3 then line * size + 1 when 4 then line * size * 3 / 2
           when 5 then line * size * 3 / 2 - 1 when 6 then line * size * 3 / 2 + 1 when 7 then line
           when 13 then 2000000 when 14 then 2000002 when 15 then 70000 * 7 * size when 16 then 70000 * 7 * size + 1
           else case class
               when 0 then line * size * (200 + x_income / 11) / 1000
               when 1 then line * size * (300 + x_income / 15) / 1000
               when 2 then line * size * (1000 + x_income / 20) / 1000
               else line * size * 3 / 2 * (1010 + (x_income::bigint * x_income) / 20000) / 1000 end
       end as income,
       -- of the twelve before, in thousandths of that; one in a hundred has lost much
       case when planted in (15, 16) then -1 when x_before < 10 then 1500 + x_before * 100 else 800 + x_before / 3 end as before
  from money;

insert into household (household_id, household_no, township_code, village_code, urban, address, valid_from)
select id, 'H' || lpad(id::text, 9, '0'), township, village, urban,
       '第' || village % 1000 || '村民小组' || id % 150 + 1 || '号', date '2019-01-01'
  from bench.household order by id;
insert into household_number select household_no, household_id from household order by household_id;

-- --- persons -----------------------------------------------------------------------------------------------------------

-- n: place in the household; the first is the head. age in days, so that everybody's birthday differs.
create unlogged table bench.person as
with member as (
    select h.id as household, h.size, h.planted, n, row_number() over () as id, bench.pick(h.id, :seed + 6, 100) as x_head
      from bench.household h cross join lateral generate_series(1, h.size) n),
head as (
    select *, case when size = 1 and x_head < 40 then 62 + x_head % 33 when size = 1 then 20 + x_head % 42
                   when x_head < 15 then 60 + x_head else 24 + x_head % 42 end as head_age,
           bench.pick(id, :seed + 7, 365) as x_day, bench.pick(id, :seed + 8, 14) as x_age,
           bench.pick(id, :seed + 9, 1000) as x_id
      from member),
aged as (
    select *, case when n = 1 then head_age when n = 2 then greatest(20, head_age - 4 + x_age % 9)
                   when n in (3, 4, 7) or head_age > 66 then greatest(0, head_age - 22 - x_age)
                   else least(94, head_age + 23 + x_age % 6) end as age
      from head),
born as (
    select id, household, n, planted, age, case when planted = 0 then x_id = 0 else false end as unreadable,
           case when planted = 24 and n = 2 then date '2015-06-30' -- six years old on the day
                else date '2021-06-30' - age * 365 - age / 4 - x_day end as birth
      from aged)
-- Sequence and prefix together tell twenty million persons apart, born on whatever day.
select *, (610000 + id / 1000 % 20000) * 100000000000 + to_char(birth, 'YYYYMMDD')::bigint * 1000 + id % 1000 as digits
  from born;

insert into person (person_id, name, raw_id)
select id, (array['王', '李', '张', '刘', '陈', '杨', '赵', '黄', '周', '吴'])[1 + id % 10] ||
           (array['秀英', '伟', '芳', '娜', '敏', '静', '丽', '强', '磊', '洋', '建国', '桂兰'])[1 + id / 10 % 12],
       case when unreadable then '6.10922E+17' end
  from bench.person order by id;
insert into person_identity select bench.packed(digits), id from bench.person where not unreadable order by id;
insert into membership (person_id, household_id, valid_from, birth, kinship, labour, line)
select id, household, date '2019-01-01', case when not unreadable then birth end,
       case when n = 1 then 2 when n = 2 then 10 when age < 23 then 20 else 50 end,
       case when age between 16 and 59 then 'full' when age between 60 and 70 then 'weak' when id % 20 = 0 then '' else 'none' end,
       id + 1
  from bench.person order by id;

-- --- facts of persons ----------------------------------------------------------------------------------------------------

create unlogged table bench.person_fact (
    person_id bigint, code int, source int, k int, value bigint, from_day date, to_day date, ref text default '', detail text,
    as_of date);
create unlogged table bench.household_fact (like bench.person_fact including defaults);
alter table bench.household_fact rename person_id to household_id;

-- Income: as many amounts a year as the household has persons; together exactly what the household earns. Wages mostly by
-- hr_social_security, the rest by the register.
create unlogged table bench.income as
with slot as (
    select p.id, p.household, p.n, p.age, h.size, h.planted, y,
           case when y = 0 then h.income when h.before < 0 then 70000 * 10 * h.size else h.income * h.before / 1000 end as total,
           h.x_declared, bench.pick(p.id * 2 + y, :seed + 10, 1000) as x, bench.pick(p.id, :seed + 11, 100) as x_code,
           p.id - p.n + 1 as head, bench.pick((p.id - p.n) * 16 + (p.n - 1) / 2, :seed + 12 + y, 500) as x_pair
      from bench.person p join bench.household h on h.id = p.household cross join generate_series(0, 1) y),
shared as (
    select *, case when age >= 16 and planted <> 24 then id else head end as earner,
           total / size + case when n = 1 then total % size else 0 end
           + case when n % 2 = 1 and n < size then 1 when n % 2 = 0 then -1 else 0 end * (total / size / 1000 * x_pair) as fen,
           12 * y + x % 12 as k
      from slot)
select earner, household, n, y, k, fen, planted, x,
       case when planted > 0 then 1 when x_code < case when age >= 60 then 15 else 55 end then 1
            when x_code < case when age >= 60 then 30 else 75 end then 2 when x_code < 95 then 4 else 3 end as code,
       planted = 0 and x_code >= 93 as of_household, bench.pick(earner, :seed + 14, 10) < 8 as by_agency,
       earner <> id or x % 10 < 3 as has_ref
  from shared;
insert into bench.person_fact
select earner, code, case when code = 1 and by_agency then 4 else 0 end, k,
       case when x = 999 and planted = 0 then null else fen end, m.from_day,
       -- both edges of the last twelve months
       case when planted = 17 and y = 0 then date '2020-07-01' when planted = 17 then date '2020-06-30' else m.to_day end,
       case when has_ref then 'B' || n || '-' || household else '' end, null,
       case when code <> 1 then m.to_day end
  from bench.income join bench.month m using (k) where not of_household;
insert into bench.household_fact
select household, code, 0, k, fen, m.from_day, m.to_day, 'B' || n || '-' || household, null, m.to_day
  from bench.income join bench.month m using (k) where of_household;
-- What an agency says is on the register as well, sometimes rounded.
insert into bench.person_fact
select earner, 1, 0, k, fen / 10000 * 10000, m.from_day, m.to_day, 'Z' || n, null, m.to_day
  from bench.income join bench.month m using (k) where code = 1 and by_agency and not of_household and x % 10 = 7;
-- Not read by the scheme, but there.
insert into bench.person_fact
select id, 10, 4, 12 * y + 5, 120000 + id % 7 * 10000, m.from_day, m.to_day, '', null, null
  from bench.person cross join generate_series(0, 1) y join bench.month m on m.k = 12 * y + 5 where age >= 60;

-- Whether the household's income is complete; for some only one of the years.
insert into bench.household_fact
select id, 131, 0, case when x_declared < 930 then 23 else 11 end, 1,
       case when x_declared < 930 or planted > 0 then date '2019-01-01' else date '2020-07-01' end,
       case when x_declared between 900 and 914 and planted = 0 then date '2021-03-31' end, '', null, date '2021-01-15'
  from bench.household where (x_declared < 960 or planted > 0) and planted not in (18, 19);

-- Rigid expense: one household in thirty has a large bill.
insert into bench.person_fact
select p.id, 30, 1, x % 12,
       case when p.planted = 13 then 1000000 when p.planted = 14 then 1000001 when p.planted = 19 or x % 500 = 1 then null
            when x % 4000 = 2 then 500000001 when x < 1100 then 500000 + x * 4000 else 10000 + x * 7 end,
       m.from_day, m.to_day, 'M' || p.id % 1000000, null, null
  from (select p.*, bench.pick(p.id, :seed + 15, 100000) as x from bench.person p) p
  join bench.month m on m.k = x % 12
 where (p.planted in (13, 14, 19) and n = 1) or (p.planted = 0 and x < 30000);
insert into bench.person_fact -- the register's own note of it
select person_id, 30, 0, k, value, from_day, to_day, 'Z', null, to_day from bench.person_fact
 where code = 30 and person_id % 20 = 0;
insert into bench.person_fact
select p.id, case when age between 4 and 22 and x < 60000 then 31 when x % 3 = 0 then 34 else 33 end,
       case when age between 4 and 22 and x < 60000 then 3 when x % 3 < 2 then 2 else 0 end, x % 24, 20000 + x * 5,
       m.from_day, m.to_day, '', null, null
  from (select p.*, bench.pick(p.id, :seed + 16, 100000) as x from bench.person p) p
  join bench.month m on m.k = x % 24
 where p.planted = 0 and ((age between 4 and 22 and x < 60000) or (age between 23 and 59 and x < 3000)
                          or (age >= 60 and x < 15000));

-- --- states -----------------------------------------------------------------------------------------------------------------

-- Relief: of the whole household, or in person; some have left it, some on the edge of a window.
insert into bench.household_fact
select id, case when x < 80 then 200 else 201 end, 0, 20, 20000 + x * 100, date '2019-03-01',
       case when planted = 20 then date '2021-06-29' when planted = 21 then date '2019-06-30' when planted = 22 then date '2021-06-30'
            when planted = 0 and class > 0 then date '2019-04-30' + x * 9 end, '', null, null
  from (select h.*, bench.pick(id, :seed + 17, 100) as x from bench.household h) h
 where (class = 0 and x < 85) or planted in (20, 21, 22) or (class > 0 and planted = 0 and bench.pick(id, :seed + 18, 100) < 1);
insert into bench.person_fact
select p.id, 200, 0, 20, 1, date '2019-03-01', null, '', null, null
  from bench.person p join bench.household h on h.id = p.household
 where (h.planted in (9, 11)) or (h.class = 0 and bench.pick(h.id, :seed + 17, 100) >= 85 and p.n = 1);
insert into bench.person_fact -- medical and educational relief
select id, case when x % 2 = 0 then 205 else 206 end, case when x % 2 = 0 then 1 else 3 end, x % 24,
       case when x % 3 = 0 then 1 else 10000 + x end, m.from_day, case when x % 5 > 0 then m.to_day end, '', null, null
  from (select id, bench.pick(id, :seed + 19, 100000) as x from bench.person) p join bench.month m on m.k = x % 24
 where x < 3500;
insert into bench.household_fact
select id, 207, 5, x % 24, 1, m.from_day, m.to_day, '', null, null
  from (select id, bench.pick(id, :seed + 20, 100000) as x from bench.household) h join bench.month m on m.k = x % 24
 where x < 1200;

-- Disability: certificates, and the two allowances of most of those who should have them.
create unlogged table bench.disabled as
select id, case when planted = 23 then 7 else 1 + x % 7 end as type, case when planted = 23 then 3 else 1 + x / 7 % 4 end as grade,
       digits, x
  from (select p.*, bench.pick(id, :seed + 21, 100000) as x from bench.person p) p
 where not unreadable and ((planted = 23 and n = 1) or (planted = 0 and x < case when age >= 60 then 6000 else 2500 end));
alter table bench.disabled add id_packed bigint;
update bench.disabled set id_packed = bench.packed(digits);
insert into bench.person_fact
select id, 100, 2, x % 24, type * 10 + grade, date '2012-01-01' + x, case when x % 50 = 0 then date '2021-05-31' end, '',
       bench.id_text(id_packed) || type || grade, null
  from bench.disabled;
insert into bench.person_fact -- the register has an older one of some
select id, 100, 0, 15, type * 10 + least(4, grade + 1), date '2011-01-01' + x, null, '', bench.id_text(id_packed) || type || least(4, grade + 1), null
  from bench.disabled where x % 6 = 0;
insert into bench.person_fact
select id, c, 2, x % 24, 1, date '2018-01-01' + x % 700, case when x % 40 = 3 then date '2021-02-28' end, '', null, null
  from bench.disabled, (values (210), (211)) v (c) where x % 10 < 8 and (c = 210 or grade <= 2);
insert into bench.person_fact -- serious and chronic illness
select id, case when x < 800 then 101 else 102 end, case when x < 800 then 1 else 0 end, x % 24, 1, date '2018-06-01' + x % 1000,
       case when x % 9 = 0 then date '2021-01-31' end, '', 'C' || x % 100, null
  from (select id, age, bench.pick(id, :seed + 22, 100000) as x from bench.person) p where x < 800 or (age > 50 and x < 9000);
insert into bench.person_fact
select id, 111, 3, 10, case when age < 6 then 1 when age < 15 then 2 when age < 18 then 3 + x % 2 when x % 3 = 0 then 5 else 6 end,
       date '2020-09-01', case when x % 10 = 0 then date '2021-06-15' else date '2021-07-15' end, '', null, null
  from (select id, age, bench.pick(id, :seed + 23, 100) as x from bench.person) p
 where age between 4 and 17 or (age between 18 and 22 and x < 45);

-- Dwellings and water; some were graded again.
insert into bench.household_fact
select id, 120, 5, x % 24, case when x < 45000 then 1 when x < 97000 then 2 when x < 99000 then 3 else 4 end, m.from_day, null, '', null, null
  from (select h.*, bench.pick(id, :seed + 24, 100000) as x from bench.household h where not urban and id % 5 < 2 and planted = 0) h
  join bench.month m on m.k = x % 24;
insert into bench.household_fact
select household_id, 120, source, greatest(0, k - 6), 1, from_day + 100, null, 'R', null, null
  from bench.household_fact where code = 120 and value > 2 and household_id % 3 = 0;
insert into bench.household_fact
select id, 122, 0, 12, case when x < 15 then 0 else 1 end, date '2020-05-01', null, '', null, date '2020-05-20'
  from (select id, bench.pick(id, :seed + 25, 1000) as x from bench.household where not urban and id % 4 = 1 and planted = 0) h;
insert into bench.household_fact -- monitored by the revitalisation office; for some the risk is eliminated
select id, 230 + x % 3, 7, x % 24, 1, m.from_day, case when x % 4 = 0 then date '2021-04-30' end, '', null, null
  from (select id, bench.pick(id, :seed + 26, 100000) as x from bench.household where planted = 0) h join bench.month m on m.k = x % 24
 where x < 2000;

-- Deaths, and who has moved away.
insert into bench.person_fact
select id, 300, 0, 1, 1,
       case when planted = 12 then date '2021-07-01' when planted in (9, 11) then date '2021-06-30' else date '2021-06-30' - x % 700 end,
       null, '', null, null
  from (select p.*, bench.pick(id, :seed + 27, 100000) as x from bench.person p) p
 where planted = 9 or (planted in (11, 12) and n = 1) or (planted = 0 and x < case when age > 60 then 2500 else 200 end);
insert into bench.person_fact
select id, 130, 0, 3, 1, case when planted = 10 then date '2021-06-30' else date '2019-02-01' + x % 800 end,
       case when planted = 0 and x % 8 = 0 then date '2021-03-31' end, '', null, null
  from (select p.*, bench.pick(id, :seed + 28, 100000) as x from bench.person p) p
 where (planted = 10 and n = 1) or (planted = 0 and x < 1500);

-- What happened to them: disaster to households, accidents and epidemics to persons, children who left school.
insert into bench.household_fact
select id, 301, 6, x % 24, 1, m.from_day + 9, null, '', null, null
  from (select h.*, bench.pick(id, :seed + 29, 100000) as x from bench.household h) h join bench.month m on m.k = x % 24
 where (planted = 0 and x < 700) or (planted = 18);
insert into bench.person_fact
select id, case when x % 4 = 0 then 303 else 302 end, 6, x % 24, case when x % 30 = 0 then 0 else 1 end, m.from_day + 3, null, '', null, null
  from (select id, bench.pick(id, :seed + 30, 100000) as x from bench.person where planted = 0) p join bench.month m on m.k = x % 24
 where x < 200;
insert into bench.person_fact
select id, 36, 6, x % 12, 100000 + x * 1000, m.from_day, m.to_day, '', null, null
  from (select id, bench.pick(id, :seed + 31, 100000) as x from bench.person where planted = 0) p join bench.month m on m.k = x % 12
 where x < 400;
insert into bench.person_fact
select id, 305, 3, 4, 1, date '2021-02-20', null, '', null, null
  from (select p.*, bench.pick(id, :seed + 32, 100000) as x from bench.person p) p
 where (planted = 24 and n = 2) or (planted = 0 and age between 5 and 17 and x < 150);

-- --- into the tables: batch by batch, each in the order of its file, which is nobody's --------------------------------------

insert into person_fact (person_id, value, batch_id, from_day, to_day, row_no, code, source, as_of, ref, detail)
select person_id, value, batch, from_day, to_day, 1 + row_number() over (order by code, batch, place), code, source, as_of, ref, detail
  from (select *, bench.batch(k, source) as batch, hashint8extended(person_id, :seed + 40) as place from bench.person_fact f
         where person_id not in (select id from bench.person where unreadable)) f
 order by code, batch, place;
insert into household_fact (household_id, value, batch_id, from_day, to_day, row_no, code, source, as_of, ref, detail)
select household_id, value, batch, from_day, to_day, 1 + row_number() over (order by code, batch, place), code, source, as_of, ref, detail
  from (select *, bench.batch(k, source) as batch, hashint8extended(household_id, :seed + 41) as place from bench.household_fact) f
 order by code, batch, place;
insert into source_code
select source, code, min(batch_id) from (select source, code, batch_id from person_fact union all select source, code, batch_id from household_fact) f
 group by 1, 2;
update batch b set rows_total = n, rows_stored = n
  from (select batch_id, count(*) as n from (select batch_id from person_fact union all select batch_id from household_fact) f group by 1) f
 where f.batch_id = b.batch_id;

do $$ declare d text; begin for d in select definition from bench.index loop execute d; end loop; end $$;
drop schema bench cascade;
