case
    when value = 0 and code <> 120 and code <> 122 then 0
    when code = 300 then 1 | case when from_day > '2020-06-30' then 2 else 0 end
    when code in (200, 201) then case when to_day is null or to_day >= '2021-06-30' then case code when 200 then 8 else 16 end else 0 end
                                 | case when to_day > '2019-06-30' and to_day < '2021-06-30' then 32 else 0 end
    when code in (205, 206, 207) then case when to_day is null or to_day > '2020-06-30'
                                           then case code when 205 then 64 when 206 then 128 else 256 end else 0 end
    when code in (301, 302, 303) then case when from_day > '2020-06-30' then 32768 else 0 end
    when code = 305 then case when from_day > '2020-06-30' then 65536 else 0 end
    when to_day < '2021-06-30' then 0
    when code = 130 then 4 when code = 210 then 512 when code = 211 then 1024 when code = 100 then 2048 when code = 101 then 4096
    when code = 111 then case when value between 3 and 6 then 8192 else 0 end
    when code in (230, 231, 232) then 16384
    else 0 end
