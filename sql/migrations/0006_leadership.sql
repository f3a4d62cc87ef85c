-- SPDX-License-Identifier: PostgreSQL
-- Several daemons on one database: one leads, the others wait as standbys. Who leads is the row `leader` of lease; every
-- write of a daemon that matters calls fence() in its transaction, so that one who was asleep writes nothing.

alter table lease add column taken_at timestamptz;
comment on column lease.taken_at is 'When the present holder took it.';
comment on column lease.name is 'The duty: leader (rounds, feeds and delivery of a daemon); ingest (feeds and imports) and round are rows to lock.';
comment on column lease.holder is 'Host and control socket of the holder; empty = nobody holds it.';
insert into lease (name) values ('leader');

-- The lock is the weakest there is: it lets the holder renew, and keeps others from taking the lease (for update) until
-- the transaction has ended.
create function fence(leader bigint) returns boolean
language plpgsql as $$
begin
    if leader <> 0 then
        perform from shouwang.lease where name = 'leader' and token = leader for key share;
        if not found then
            raise exception 'the leadership has passed to another daemon' using errcode = 'SW001';
        end if;
    end if;
    return true;
end
$$;
comment on function fence is 'Locks the lease leader until the transaction ends; refuses (SQLSTATE SW001) a token that is no longer its own. 0: the caller leads nothing (shouwangctl), and serialises by the other rows.';
