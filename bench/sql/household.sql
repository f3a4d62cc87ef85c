select b.household_id, b.urban, coalesce(m.n, 0) as n,
       coalesce(i.i_known, 0) as i_known, coalesce(i.i_unknown, 0) as i_unknown,
       coalesce(i.v_known, 0) as v_known, coalesce(i.v_unknown, 0) as v_unknown,
       coalesce(e.e_known, 0) + coalesce(o.e_known, 0) as e_known, coalesce(e.e_unknown, 0) + coalesce(o.e_unknown, 0) as e_unknown,
       coalesce(o.declared & 1 <> 0, false) as declared, coalesce(o.declared & 2 <> 0, false) as declared_before,
       (coalesce(p.bits, 0) | coalesce(o.bits, 0)) & 8 <> 0 as has_dibao, (coalesce(p.bits, 0) | coalesce(o.bits, 0)) & 16 <> 0 as has_tekun,
       (coalesce(p.bits, 0) | coalesce(o.bits, 0)) & 32 <> 0 as left_relief,
       (coalesce(p.bits, 0) | coalesce(o.bits, 0)) & 32768 <> 0 as struck,
       (coalesce(p.bits, 0) | coalesce(o.bits, 0)) & 16384 <> 0 as monitored,
       (coalesce(p.bits, 0) | coalesce(o.bits, 0)) & 256 <> 0 as housing_relief,
       coalesce(o.grade in (3, 4), false) as bad_house, coalesce(o.water = 0, false) as bad_water,
       coalesce(p.bits & 65536 <> 0, false) as dropout, coalesce(p.bits & 4096 <> 0, false) as needy,
       coalesce(p.bits & 512 <> 0, false) and coalesce(o.bits & 512, 0) = 0 as living,
       coalesce(p.bits & 1024 <> 0, false) and coalesce(o.bits & 1024, 0) = 0 as nursing,
       coalesce(p.bits & 2 <> 0, false) and coalesce(o.bits & 1024, 0) = 0 as nursing_undecided,
       coalesce(p.bits & 64 <> 0, false) and coalesce(o.bits & 64, 0) = 0 as medical,
       coalesce(p.bits & 128 <> 0, false) and coalesce(o.bits & 128, 0) = 0 as education,
       coalesce(p.bits & 1 <> 0, false) as deceased
  from household b left join members m using (household_id) left join persons p using (household_id)
  left join spent e using (household_id) left join own o using (household_id) left join income i using (household_id)
 where b.valid_to is null
