-- SPDX-License-Identifier: PostgreSQL
-- What a round knew can be told for ever: the register as it stood before each import that changed it, and facts that a batch
-- stated anew. Together with what is live, the batches that a round saw (round_batch) and the policy's text
-- (policy_version), the outcome of every past round can be computed again.
--
-- Only what an import changes is kept, so that the first one writes nothing here and later ones what differs.

create table household_history (
    household_id bigint not null,
    ended_by bigint not null,
    on_register boolean not null,
    township_code bigint,
    village_code bigint,
    urban boolean,
    primary key (household_id, ended_by)
);
comment on table household_history is 'A household as it stood before an import changed, added or ended it.';
comment on column household_history.household_id is 'The household.';
comment on column household_history.ended_by is 'The register''s batch that made it otherwise: it stood so until then, since the row before this one.';
comment on column household_history.on_register is 'false: it was not on the register; the rest is null where it had never been.';
comment on column household_history.township_code is '9 digits.';
comment on column household_history.village_code is '12 digits.';
comment on column household_history.urban is 'true urban, false rural.';

create table membership_history (
    person_id bigint not null,
    ended_by bigint not null,
    household_id bigint,
    birth date,
    kinship smallint,
    labour text,
    line integer,
    primary key (person_id, ended_by)
);
create index membership_history_household on membership_history (household_id);
comment on table membership_history is 'What household a person belonged to, and as what, before an import made it otherwise.';
comment on column membership_history.person_id is 'The person.';
comment on column membership_history.ended_by is 'The register''s batch that made it otherwise: it stood so until then, since the row before this one.';
comment on column membership_history.household_id is 'The household; null: the person belonged to none.';
comment on column membership_history.birth is 'Birth date by the identity number; null without a usable number.';
comment on column membership_history.kinship is 'Relation to the head, GB/T 4761; null when not given.';
comment on column membership_history.labour is 'Capacity for work: full, weak, none; empty = unknown.';
comment on column membership_history.line is 'Line in person.csv of the import that wrote the row.';

create table history_start (
    batch_id bigint primary key
);
comment on table history_start is 'From where on history is whole, one row each time that something of it was given up: rounds that did not see this batch yet may not be computed again exactly.';
comment on column history_start.batch_id is 'The newest accepted batch then; 0: nothing was given up.';
insert into history_start select coalesce(max(batch_id), 0) from batch where status = 'accepted';

do $$
declare t text;
begin
    foreach t in array array['person_fact', 'household_fact', 'stranger_fact'] loop
        execute format('comment on column %I.ended_by is %L', t || '_history', 'The batch that superseded or ended it, or stated it anew with another line.');
    end loop;
end
$$;
create index person_fact_history_person on person_fact_history (person_id);
create index household_fact_history_household on household_fact_history (household_id);
