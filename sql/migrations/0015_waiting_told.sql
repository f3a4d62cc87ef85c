-- SPDX-License-Identifier: PostgreSQL
-- How long findings waited to be cleared (解除) after each round that counted anything, so that any past round can be told: finding
-- itself has only what is counted now.
create table finding_waiting (
    household_id bigint not null,
    rule text not null,
    round_id bigint not null,
    since date,
    rounds smallint,
    rounds_needed smallint,
    batches smallint,
    batches_needed smallint,
    primary key (household_id, rule, round_id)
);
comment on table finding_waiting is 'How a finding waited to be cleared after a round that changed it: it was so until the next row, or until the finding ended.';
comment on column finding_waiting.household_id is 'The household.';
comment on column finding_waiting.rule is 'The clause.';
comment on column finding_waiting.round_id is 'The round after which it was so.';
comment on column finding_waiting.since is 'As finding.clearing_since; null: it waited no more, since it held again.';
comment on column finding_waiting.rounds is 'As finding.clearing_rounds.';
comment on column finding_waiting.rounds_needed is 'As finding.clearing_rounds_needed.';
comment on column finding_waiting.batches is 'As finding.clearing_batches.';
comment on column finding_waiting.batches_needed is 'As finding.clearing_batches_needed.';
insert into finding_waiting
    select household_id, rule, (select max(round_id) from round where state = 'committed'), clearing_since, clearing_rounds,
           clearing_rounds_needed, clearing_batches, clearing_batches_needed
    from finding where clearing_since is not null;
