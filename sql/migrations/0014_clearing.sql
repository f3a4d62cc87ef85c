-- SPDX-License-Identifier: PostgreSQL
-- What a clause asks for before a finding of it may end, over and above a fresh denial (解除 in the policy). All of it is null
-- unless the finding is denied and waits.
alter table finding
    add column clearing_since date,
    add column clearing_on date,
    add column clearing_rounds smallint,
    add column clearing_rounds_needed smallint,
    add column clearing_base bigint,
    add column clearing_batches smallint,
    add column clearing_batches_needed smallint;
comment on column finding.clearing_since is 'Evaluation date of the first round that denied it on fresh data since it last held; it stands, since its clause asks for more before it ends.';
comment on column finding.clearing_on is 'Evaluation date of the last round that was counted; several rounds of one date count once.';
comment on column finding.clearing_rounds is 'Rounds that denied it on fresh data since it last held.';
comment on column finding.clearing_rounds_needed is 'How many the clause asks for; 0 when it asks for none.';
comment on column finding.clearing_base is 'The newest batch of the clause''s source that the round saw before the one which first denied it; later ones count.';
comment on column finding.clearing_batches is 'Accepted batches of that source since then.';
comment on column finding.clearing_batches_needed is 'How many the clause asks for; 0 when it asks for none.';
create index finding_clearing on finding (household_id) where clearing_since is not null;
