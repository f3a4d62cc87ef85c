-- SPDX-License-Identifier: PostgreSQL
-- What the daemon looks at every few seconds is found by indexes that hold that alone, however long the county has run.

-- An index may not depend on `state` (see 0005): every claim changes it. This column changes only when a delivery is given up
-- or put back, by whomever.
alter table delivery add column given_up boolean not null generated always as (state in ('failed', 'expired')) stored;
comment on column delivery.given_up is 'Failed or expired: not delivered, and not waiting; computed from state.';
create index delivery_given_up on delivery (township_code) where given_up;

create index round_held on round (round_id) where state = 'held';
