-- SPDX-License-Identifier: PostgreSQL
-- How much a batch brought, township by township, so that a batch of quite another size than its source's usual ones is noticed
-- (波动 in the policy), and what a round found of it.
create table batch_township (
    batch_id bigint not null,
    township_code bigint not null,
    rows bigint not null,
    primary key (batch_id, township_code)
);
comment on table batch_township is 'The facts of an accepted feed batch by township, counted when it was taken in. Batches from before there was this table have no rows here.';
comment on column batch_township.batch_id is 'The batch.';
comment on column batch_township.township_code is '9 digits: where the household was registered then, or the person''s household. 0: people who are not on the register; every batch that was counted has this row.';
comment on column batch_township.rows is 'Facts that the batch stated, each once.';

create table round_swing (
    round_id bigint not null,
    source smallint not null references source,
    batch_id bigint not null,
    township_code bigint not null,
    rows bigint not null,
    low bigint not null,
    high bigint not null,
    primary key (round_id, batch_id, township_code)
);
comment on table round_swing is 'Where a round found a batch outside of what its predecessors let expect: for households of that township it ended nothing that depends on the source.';
comment on column round_swing.round_id is 'The round, committed or held.';
comment on column round_swing.source is 'The source.';
comment on column round_swing.batch_id is 'Its newest full batch, or its newest batch.';
comment on column round_swing.township_code is 'The township; 0: all townships in sum.';
comment on column round_swing.rows is 'What the batch brought.';
comment on column round_swing.low is 'The least that would have been usual.';
comment on column round_swing.high is 'The most.';
