case when s.bits & 5 <> 0 then case when s.bits & 1 <> 0 and s.bits & 1560 <> 0 then 1 else 0 end else
    s.bits & (8 + 16 + 32 + 256 + 16384 + 32768)
    | case when s.bits & 65536 <> 0 and m.birth <= '2015-06-30' and m.birth > '2005-06-30' then 65536 else 0 end
    | case when s.bits & (2048 + 512) = 2048 then 512 else 0 end
    | case when s.bits & (2048 + 1024) = 2048 then case when s.bits & 131072 <> 0 then 1024 when s.bits & 262144 <> 0 then 2 else 0 end else 0 end
    | case when s.bits & (131072 + 4096) <> 0 then 4096 else 0 end
    | case when s.bits & (524288 + 64) = 524288 then 64 else 0 end
    | case when s.bits & (8192 + 128) = 8192 then 128 else 0 end end
