select household_id,
       case when fired & 15 <> 0 then 'red' when fired & 16 <> 0 then 'orange' when fired & 992 <> 0 then 'yellow'
            when (fired | undecided) & 2047 <> 0 then 'verify' else 'none' end as level,
       fired | case when fired & 31 <> 0 and poor and needy then 262144 else 0 end as fired, undecided
  from (
    select household_id, poor, needy, -- where nobody is left, the check of the deceased alone
           case when n = 0 then 131072 when assisted then 0 else
               case when apply then 1 else 0 end + case when rigid then 2 else 0 end + case when collapse then 4 else 0 end
               + case when disaster then 8 else 0 end + case when margin then 16 else 0 end
               + case when monitored then 32 else 0 end + case when left_poor then 64 else 0 end
               + case when bad_house then 128 else 0 end + case when bad_water then 256 else 0 end
               + case when dropout then 512 else 0 end + case when unreadable then 1024 else 0 end end
           + case when n = 0 then 0 else
               case when has_dibao and living then 2048 else 0 end + case when nursing then 4096 else 0 end
               + case when deceased then 131072 else 0 end end
           + case when n = 0 or not assisted then 0 else
               case when medical then 8192 else 0 end + case when education then 16384 else 0 end
               + case when not urban and bad_house and not housing_relief then 32768 else 0 end
               + case when rich then 65536 else 0 end end as fired,
           case when n = 0 or assisted then 0 else
               case when rigid is null and rigid_shown then 2 else 0 end
               + case when collapse is null and collapse_shown then 4 else 0 end
               + case when disaster is null and struck then 8 else 0 end
               + case when left_poor is null and left_relief then 64 else 0 end
               + case when unreadable is null and blurred then 1024 else 0 end end
           + case when n > 0 and nursing_undecided and not nursing then 4096 else 0 end as undecided
      from (
        select household_id, n, urban, assisted, has_dibao, needy, poor, not poor as rich, struck, left_relief, blurred, rigid_shown,
               collapse_shown, bad_house, bad_water, monitored, dropout, living, nursing, nursing_undecided, medical,
               education, deceased, housing_relief, below as apply,
               rigid_shown and not below and pressed as rigid,
               case when declared and declared_before then had_income and collapse_shown and poor else false end as collapse,
               struck and pressed as disaster, not below and poor as margin, left_relief and poor as left_poor,
               blurred and poor as unreadable
          from (
            select *,
                   case when i_high < line then true when i_low >= line then false end as below,
                   case when 2 * i_high < 3 * line then true when 2 * i_low >= 3 * line then false end as poor,
                   case when 2 * (i_high - e_low) < 3 * line then true when 2 * (i_low - e_high) >= 3 * line then false end as pressed,
                   case when i_high < 2 * e_low then true when i_low >= 2 * e_high then false end
                   or case when e_low > 1000000 then true when e_high <= 1000000 then false end as rigid_shown,
                   case when v_low > 0 then true when v_high <= 0 then false end as had_income,
                   not case when 7 * v_high < 10 * i_low then true when 7 * v_low >= 10 * i_high then false end as collapse_shown
              from (
                select household_id, urban, n, n * case when urban then 732000 else 483000 end as line, declared, declared_before,
                       i_known as i_low, i_known + 500000000 * (i_unknown + case when declared then 0 else 1 end) as i_high,
                       v_known as v_low, v_known + 500000000 * (v_unknown + case when declared_before then 0 else 1 end) as v_high,
                       e_known as e_low, e_known + 500000000 * e_unknown as e_high, e_unknown > 0 as blurred,
                       has_dibao or has_tekun as assisted, has_dibao, left_relief, struck, monitored, bad_house, bad_water,
                       dropout, living, nursing, nursing_undecided, needy, medical, education, deceased, housing_relief
                  from h where n > 0 or deceased) amounts) compared) judged) masks
 where fired | undecided <> 0
