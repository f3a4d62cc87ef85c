-- SPDX-License-Identifier: PostgreSQL
-- Row by row: what the daemon's round left standing beside what a peer computed (psql -v result='TABLE OR QUERY'). No rows:
-- they agree on every household's level, fired clauses and undecided ones.
with rule (name, bit) as (
    select name, 1 << (n - 1)::int from unnest(array['red.apply', 'red.rigid', 'red.collapse', 'red.disaster', 'orange.margin',
        'yellow.monitored', 'yellow.left', 'yellow.housing', 'yellow.water', 'yellow.dropout', 'verify.unreadable',
        'check.disability_living', 'check.disability_nursing', 'check.medical', 'check.education', 'check.housing',
        'check.income', 'check.deceased', 'suggest.single_dibao']) with ordinality r (name, n)),
standing as (
    select f.household_id, coalesce(min(w.level), 'none') as level, coalesce(sum(r.bit) filter (where status = 'fired'), 0) as fired,
           coalesce(sum(r.bit) filter (where status = 'undecided'), 0) as undecided
      from shouwang.finding f left join rule r on r.name = f.rule
      left join shouwang.warning w on w.household_id = f.household_id and w.state <> 'closed'
     group by f.household_id)
select household_id, s.level, s.fired, s.undecided, p.level as peer_level, p.fired as peer_fired, p.undecided as peer_undecided
  from standing s full join (:result) p using (household_id)
 where (s.level, s.fired, s.undecided) is distinct from (p.level, p.fired::bigint, p.undecided::bigint)
 order by 1
