-- SPDX-License-Identifier: PostgreSQL
-- An operator's word that a batch is right though it swings (feed trust), and which swings a round was told to let pass.
create table batch_trust (
    batch_id bigint primary key,
    at timestamptz not null default now(),
    actor text not null,
    reason text not null
);
comment on table batch_trust is 'Batches of which an operator said that they are right as they are: where they swing, rounds after that word let them end what they deny. Never changed; what is said twice stands as it was said first.';
comment on column batch_trust.batch_id is 'The batch, accepted; its predecessors and successors are judged as ever.';
comment on column batch_trust.at is 'When.';
comment on column batch_trust.actor is 'The operator''s account.';
comment on column batch_trust.reason is 'Why, in the operator''s words; no names, no identity numbers.';

alter table round_swing add column trusted boolean not null default false;
comment on column round_swing.trusted is 'An operator had said before the round that the batch is right: it ended what it denied all the same.';
comment on table round_swing is 'Where a round found a batch outside of what its predecessors let expect: for households of that township it ended nothing that depends on the source, unless the batch was trusted.';
