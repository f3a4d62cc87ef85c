-- SPDX-License-Identifier: PostgreSQL
-- The register and the facts. Money is bigint fen, days are date. Every key begins with its distribution column
-- (person_id, household_id, id_packed), and foreign keys go only to small reference tables, so that the tables can
-- later be spread over several servers. The daemon, not the database, joins persons to households.

create table fact_code (
    code smallint primary key,
    name text not null unique,
    kind text not null check (kind in ('amount', 'yesno', 'relief', 'choice', 'certificate', 'text', 'event')),
    title text not null
);
comment on table fact_code is 'The fact dictionary: what kinds of facts there are. Loaded from conf/facts.conf and the county''s own file by shouwangctl migrate.';
comment on column fact_code.code is 'Permanent number; 1-999 base dictionary, 1000-32767 the county''s own.';
comment on column fact_code.name is 'Name in the exchange format, such as expense.medical_self_paid.';
comment on column fact_code.kind is 'How values are written and stored, see docs/facts.md.';
comment on column fact_code.title is 'Chinese title for officials.';

create table source (
    source smallint primary key,
    name text not null unique,
    title text not null
);
comment on table source is 'Where facts come from: 0 is the register, the others are partner feeds.';
comment on column source.source is 'Permanent number; 0 the register, 1-99 the feeds that Shouwang knows, 100-255 the county''s own.';
comment on column source.name is 'Feed name, such as medical_insurance; also its folder in the drop directory.';
comment on column source.title is 'Chinese title for officials.';

create table batch (
    batch_id bigint generated always as identity primary key,
    source smallint not null references source,
    batch text not null,
    mode text not null check (mode in ('full', 'delta')),
    status text not null check (status in ('accepted', 'refused')),
    reason text,
    period_from date,
    period_to date,
    sent_at timestamptz,
    received_at timestamptz not null default now(),
    file_name text not null,
    sha256 text,
    encoding text,
    rows_total bigint not null default 0,
    rows_stored bigint not null default 0,
    rows_quarantined bigint not null default 0,
    rows_stranger bigint not null default 0,
    detail jsonb not null default '{}'
);
create unique index batch_accepted_name on batch (source, batch) where status = 'accepted';
create index batch_source_status on batch (source, status, batch_id);
comment on table batch is 'One delivery of a source: a feed file with its manifest, or one import of the register. A refused file changes nothing but its row here.';
comment on column batch.batch_id is 'Grows with the order of acceptance; "newest batch" means the greatest.';
comment on column batch.source is 'Which source sent it.';
comment on column batch.batch is 'The sender''s name for it (manifest: batch); accepted once per source.';
comment on column batch.mode is 'full: all that the source has to say, what is absent is ended; delta: additions and corrections.';
comment on column batch.status is 'accepted or refused.';
comment on column batch.reason is 'Why it was refused: our own words, no personal data.';
comment on column batch.period_from is 'First day the batch speaks about (manifest).';
comment on column batch.period_to is 'Last day the batch speaks about (manifest); the batch''s age is counted from it.';
comment on column batch.sent_at is 'When the sender says it was sent (manifest).';
comment on column batch.received_at is 'When it was ingested here.';
comment on column batch.file_name is 'File name without folders.';
comment on column batch.sha256 is 'Hash of the file, lower-case hex.';
comment on column batch.encoding is 'utf-8 or gb18030, as found.';
comment on column batch.rows_total is 'Rows without the header.';
comment on column batch.rows_stored is 'Facts stored for persons and households on the register.';
comment on column batch.rows_quarantined is 'Rows refused, each listed in quarantine.';
comment on column batch.rows_stranger is 'Rows about people who are not on the register.';
comment on column batch.detail is 'Counts for the operator (match rate, per code), no personal data.';

create table source_code (
    source smallint not null references source,
    code smallint not null references fact_code,
    first_batch bigint not null,
    primary key (source, code)
);
comment on table source_code is 'Which sources ever spoke about which codes; kept by the ingest, so that a round need not search all facts for it.';
comment on column source_code.source is 'The source.';
comment on column source_code.code is 'A code of which it brought a fact at least once, superseded ones and those about strangers included.';
comment on column source_code.first_batch is 'The batch that did so first.';

create table quarantine (
    batch_id bigint not null,
    line bigint not null,
    column_name text not null,
    reason text not null,
    found text not null,
    expected text not null,
    kept boolean not null default false
);
create index quarantine_batch on quarantine (batch_id, line);
comment on table quarantine is 'Rows of a batch that were refused (or kept with a value unknown), with line and reason, for the sender to correct.';
comment on column quarantine.batch_id is 'The batch.';
comment on column quarantine.line is 'Line in the file; the header is line 1.';
comment on column quarantine.column_name is 'Column as the file names it; empty when the whole row is meant.';
comment on column quarantine.reason is 'Stable word for the kind of damage, such as id.scientific or amount.unreadable.';
comment on column quarantine.found is 'What stood there, cut short and with identity numbers masked.';
comment on column quarantine.expected is 'What would have been right.';
comment on column quarantine.kept is 'true: the row is stored all the same, its value unknown (an illegible amount) or without identity (a person with an unusable ID).';

create table person (
    person_id bigint primary key,
    name text not null,
    raw_id text
);
comment on table person is 'A natural person. Identity and membership stand apart.';
comment on column person.person_id is 'Our own key; given by the import.';
comment on column person.name is 'Name as registered, unfolded. Personal data.';
comment on column person.raw_id is 'The unusable identity number as registered, for correction; null for persons with an identity. Personal data.';

create table person_identity (
    id_packed bigint primary key,
    person_id bigint not null
);
create index person_identity_person on person_identity (person_id);
comment on table person_identity is 'Resident identity number to person. Never deleted while the person exists.';
comment on column person_identity.id_packed is 'The 18-character number packed: its 17 digits x 11 + index of the check character in 10X98765432. Personal data.';
comment on column person_identity.person_id is 'The person.';

create table household (
    household_id bigint primary key,
    household_no text not null,
    township_code bigint not null,
    village_code bigint not null,
    urban boolean not null,
    address text not null,
    valid_from date not null,
    valid_to date
);
comment on table household is 'A household of the register.';
comment on column household.household_id is 'Our own key; given by the import.';
comment on column household.household_no is 'The county''s own key.';
comment on column household.township_code is '9 digits: county and township.';
comment on column household.village_code is '12 digits.';
comment on column household.urban is 'true urban, false rural: which dibao standard applies.';
comment on column household.address is 'Address as registered. Personal data.';
comment on column household.valid_from is 'Day of the import that first held it (again).';
comment on column household.valid_to is 'Day of the import that no longer held it; null while it is on the register.';

create table household_number (
    household_no text primary key,
    household_id bigint not null
);
comment on table household_number is 'The county''s household key to our own. Never deleted.';
comment on column household_number.household_no is 'The county''s key, any text.';
comment on column household_number.household_id is 'The household.';

create table membership (
    person_id bigint not null,
    household_id bigint not null,
    valid_from date not null,
    valid_to date,
    birth date,
    kinship smallint,
    labour text not null default '' check (labour in ('', 'full', 'weak', 'none')),
    line integer not null
);
create unique index membership_open on membership (person_id) where valid_to is null;
create index membership_household on membership (household_id);
comment on table membership is 'Who belongs to which household, dated. At most one row of a person is open (valid_to null).';
comment on column membership.person_id is 'The person.';
comment on column membership.household_id is 'The household.';
comment on column membership.valid_from is 'Day of the import that first showed it.';
comment on column membership.valid_to is 'Day of the import that no longer showed it; null while current.';
comment on column membership.birth is 'Birth date by the identity number, repeated here so that a round pulls one table; null without a usable number.';
comment on column membership.kinship is 'Relation to the head, GB/T 4761; null when not given.';
comment on column membership.labour is 'Capacity for work: full, weak, none; empty = unknown.';
comment on column membership.line is 'Line in person.csv of the import that wrote this row last; a line that merely moved changes nothing.';

-- Facts: one narrow row each, partitioned by code so that a round reads just the codes that its policy names. The
-- partitions are made by define_code(), which shouwangctl migrate calls for every code of the dictionary.
create table person_fact (
    person_id bigint not null,
    value bigint,
    batch_id bigint not null,
    from_day date,
    to_day date,
    row_no integer not null,
    code smallint not null,
    source smallint not null,
    as_of date,
    ref text not null default '',
    detail text
) partition by list (code);
create index person_fact_person on person_fact (person_id);

create table household_fact (
    household_id bigint not null,
    value bigint,
    batch_id bigint not null,
    from_day date,
    to_day date,
    row_no integer not null,
    code smallint not null,
    source smallint not null,
    as_of date,
    ref text not null default '',
    detail text
) partition by list (code);
create index household_fact_household on household_fact (household_id);

create table stranger_fact (
    id_packed bigint not null,
    value bigint,
    batch_id bigint not null,
    from_day date,
    to_day date,
    row_no integer not null,
    code smallint not null,
    source smallint not null,
    as_of date,
    ref text not null default '',
    detail text,
    name text not null default ''
);
create index stranger_fact_person on stranger_fact (id_packed);

comment on table person_fact is 'What is known now about persons of the register. A superseded or ended fact moves to person_fact_history.';
comment on table household_fact is 'What is known now about households. A superseded or ended fact moves to household_fact_history.';
comment on table stranger_fact is 'Facts from feeds about people who are not on the register: leads. They move to person_fact when the register takes the person up.';
comment on column person_fact.person_id is 'Whom it is about.';
comment on column household_fact.household_id is 'What household it is about.';
comment on column stranger_fact.id_packed is 'Whom it is about, by identity number (see person_identity). Personal data.';
comment on column stranger_fact.name is 'Name as the feed gave it. Personal data.';

do $$
declare t text;
begin
    foreach t in array array['person_fact', 'household_fact', 'stranger_fact'] loop
        execute format('comment on column %I.value is %L', t, 'By the code''s kind: amount and relief fen; yes/no and events 1 or 0; choice its position; certificate type x 10 + grade. null = unknown (amounts).');
        execute format('comment on column %I.batch_id is %L', t, 'The batch that brought it.');
        execute format('comment on column %I.from_day is %L', t, 'First day of its period; the day of an event.');
        execute format('comment on column %I.to_day is %L', t, 'Last day of its period; null = open (state) or not given (amount).');
        execute format('comment on column %I.row_no is %L', t, 'Line in the batch''s file.');
        execute format('comment on column %I.code is %L', t, 'What kind of fact, see fact_code.');
        execute format('comment on column %I.source is %L', t, 'Who says so, see source.');
        execute format('comment on column %I.as_of is %L', t, 'The day it was recorded, where the source says; null otherwise.');
        execute format('comment on column %I.ref is %L', t, 'Document number; tells equal amounts apart.');
        execute format('comment on column %I.detail is %L', t, 'The original text where the value does not hold all of it (certificate, illness code).');
        execute format('create table %I (like %I including comments, ended_by bigint not null, ended_at timestamptz not null default now())', t || '_history', t);
        execute format('comment on table %I is %L', t || '_history', 'Facts that were superseded or ended, kept for what was known when.');
        execute format('comment on column %I.ended_by is %L', t || '_history', 'The batch that superseded or ended it.');
        execute format('comment on column %I.ended_at is %L', t || '_history', 'When.');
        execute format('create index on %I using brin (batch_id)', t || '_history');
    end loop;
end
$$;

create function define_code(number smallint, code_name text, code_kind text, code_title text) returns void
language plpgsql as $$
begin
    insert into fact_code (code, name, kind, title) values (number, code_name, code_kind, code_title)
    on conflict (code) do update set title = excluded.title
    where fact_code.title is distinct from excluded.title;
    if not exists (select from fact_code where code = number and name = code_name and kind = code_kind) then
        raise exception 'fact code % is already %, not % (%)', number,
            (select name || ' (' || kind || ')' from fact_code where code = number), code_name, code_kind;
    end if;
    if to_regclass(format('shouwang.person_fact_%s', number)) is null then
        execute format('create table shouwang.person_fact_%s partition of shouwang.person_fact for values in (%s)', number, number);
        execute format('create table shouwang.household_fact_%s partition of shouwang.household_fact for values in (%s)', number, number);
    end if;
end
$$;
comment on function define_code is 'Enters a code into the dictionary and makes its partitions; safe to call again. A number never changes its name or kind.';
