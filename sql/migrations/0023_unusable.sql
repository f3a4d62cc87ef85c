-- SPDX-License-Identifier: PostgreSQL
-- A batch of which a tenth of the rows cannot be used ends no warning by what is left of it (store/unusable.h). Which ones stand is
-- asked of every few batches among many; and what a round found is kept, so that it can be told for ever why it ended nothing.
create index batch_unusable on batch (source, batch_id)
    where status = 'accepted' and rows_quarantined >= 10 and rows_quarantined * 10 >= rows_total;

create table round_unusable (
    round_id bigint not null,
    source smallint not null references source,
    batch_id bigint not null,
    rows bigint not null,
    quarantined bigint not null,
    trusted boolean not null,
    primary key (round_id, batch_id)
);
comment on table round_unusable is 'Batches much of which could not be used, as a round found them: it ended nothing that depends on their sources, unless the batch was trusted.';
comment on column round_unusable.round_id is 'The round, committed or held.';
comment on column round_unusable.source is 'The source.';
comment on column round_unusable.batch_id is 'The batch; what it lost had not come by then.';
comment on column round_unusable.rows is 'Rows of the batch.';
comment on column round_unusable.quarantined is 'Those of them that could not be used.';
comment on column round_unusable.trusted is 'An operator had said before the round that the batch is right: it ended what it denied all the same.';

comment on table batch_trust is 'Batches of which an operator said that they are right as they are: where they swing, or though much of them cannot be used, rounds after that word let them end what they deny. Never changed; what is said twice stands as it was said first.';
