-- SPDX-License-Identifier: PostgreSQL
-- Rounds, findings, warnings, audit, outbox and deliveries.

create table lease (
    name text primary key,
    holder text not null default '',
    token bigint not null default 0,
    expires_at timestamptz not null default '-infinity'
);
comment on table lease is 'Who may do what: one row per duty. Locked in the transaction that does the work; no advisory locks, so that a transaction pooler may stand between.';
comment on column lease.name is 'The duty: ingest (feeds and imports), round, delivery.';
comment on column lease.holder is 'Host, process and start of the holder.';
comment on column lease.token is 'Fencing token; grows with every change of holder.';
comment on column lease.expires_at is 'When another may take it.';
insert into lease (name) values ('ingest'), ('round'), ('delivery');

create table policy_version (
    policy_hash text primary key,
    name text not null,
    version text not null,
    body text not null,
    first_used_at timestamptz not null default now()
);
comment on table policy_version is 'The text of every policy that a round used, so that each warning can be explained by the words it was raised by.';
comment on column policy_version.policy_hash is 'SHA-256 of the text, lower-case hex.';
comment on column policy_version.name is 'The policy''s name.';
comment on column policy_version.version is 'The policy''s version.';
comment on column policy_version.body is 'The whole text.';
comment on column policy_version.first_used_at is 'When a round first used it.';

create table round (
    round_id bigint generated always as identity primary key,
    state text not null check (state in ('running', 'committed', 'held', 'failed')),
    cause text not null,
    as_of date not null,
    policy_hash text references policy_version,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    error text,
    accepted_by text,
    accepted_reason text,
    counts jsonb not null default '{}',
    stages jsonb not null default '[]'
);
create index round_state on round (state, round_id);
comment on table round is 'One comparison of everything known with the policy. All or nothing.';
comment on column round.round_id is 'Grows with every round begun; dry runs have none.';
comment on column round.state is 'running, committed, held (waits for shouwangctl round accept) or failed.';
comment on column round.cause is 'schedule, operator, once or accept.';
comment on column round.as_of is 'The evaluation date.';
comment on column round.policy_hash is 'Which policy text.';
comment on column round.started_at is 'When it began.';
comment on column round.finished_at is 'When it was committed, held or failed.';
comment on column round.error is 'Why it failed or is held; no personal data.';
comment on column round.accepted_by is 'The operator who accepted a held round.';
comment on column round.accepted_reason is 'The reason the operator gave.';
comment on column round.counts is 'households, persons, levels, raised, escalated, deescalated, cleared, unchanged, income_unknown.';
comment on column round.stages is 'Name, milliseconds and rows of each stage.';

create table round_batch (
    round_id bigint not null,
    source smallint not null references source,
    batch_id bigint not null,
    period_to date,
    fresh boolean not null,
    primary key (round_id, source)
);
comment on table round_batch is 'The newest accepted batch of each source that a round saw.';
comment on column round_batch.round_id is 'The round.';
comment on column round_batch.source is 'The source.';
comment on column round_batch.batch_id is 'Its newest accepted batch.';
comment on column round_batch.period_to is 'The last day it speaks about.';
comment on column round_batch.fresh is 'Whether it was no older than its freshness on the evaluation date, so that it may end reasons.';

create table finding (
    household_id bigint not null,
    rule text not null,
    kind text not null check (kind in ('colour', 'verify', 'check', 'suggestion')),
    status text not null check (status in ('fired', 'undecided')),
    level text not null check (level in ('red', 'orange', 'yellow', 'verify', 'none')),
    since_round bigint not null,
    since_on date not null,
    stale_since date,
    primary key (household_id, rule)
);
comment on table finding is 'What stands about a household: every clause that fired or is undecided with evidence.';
comment on column finding.household_id is 'The household.';
comment on column finding.rule is 'The clause''s name in the policy.';
comment on column finding.kind is 'colour, verify, check or suggestion.';
comment on column finding.status is 'fired, or undecided with evidence.';
comment on column finding.level is 'The level the clause stands for; none for checks and suggestions.';
comment on column finding.since_round is 'The round that raised it.';
comment on column finding.since_on is 'That round''s evaluation date.';
comment on column finding.stale_since is 'Since when it stands only because no fresh feed says otherwise; null when the last round confirmed it.';

create table warning (
    household_id bigint not null,
    warning_id uuid not null,
    township_code bigint not null,
    level text not null check (level in ('red', 'orange', 'yellow', 'verify')),
    state text not null check (state in ('open', 'accepted', 'visited', 'assisting', 'watching', 'closed')),
    raised_on date not null,
    due_on date not null,
    raised_round bigint not null,
    changed_round bigint not null,
    closed_on date,
    primary key (household_id, warning_id)
);
create unique index warning_open on warning (household_id) where state <> 'closed';
comment on table warning is 'One open case per household; the reasons stand in finding.';
comment on column warning.household_id is 'The household.';
comment on column warning.warning_id is 'UUIDv7, the name by which townships know it.';
comment on column warning.township_code is 'The township responsible when it was last changed.';
comment on column warning.level is 'The highest standing level; for a closed case the last one.';
comment on column warning.state is 'open, accepted, visited, assisting, watching, closed.';
comment on column warning.raised_on is 'Evaluation date of the round that raised it.';
comment on column warning.due_on is 'By when the township should have handled it.';
comment on column warning.raised_round is 'The round that raised it.';
comment on column warning.changed_round is 'The last round that changed its level or reasons.';
comment on column warning.closed_on is 'Evaluation date of the round that cleared it.';

create table warning_history (
    household_id bigint not null,
    round_id bigint not null,
    warning_id uuid,
    previous_level text not null,
    level text not null,
    findings jsonb not null,
    evidence jsonb not null,
    primary key (household_id, round_id)
);
comment on table warning_history is 'What a round changed about a household, with the evidence that decided it: enough to compute it again for ever.';
comment on column warning_history.household_id is 'The household.';
comment on column warning_history.round_id is 'The round.';
comment on column warning_history.warning_id is 'The case; null when only checks or suggestions changed without one.';
comment on column warning_history.previous_level is 'Level before.';
comment on column warning_history.level is 'Level after.';
comment on column warning_history.findings is 'All findings after the round.';
comment on column warning_history.evidence is 'The household, its persons and every fact that the policy read about them, as docs/json.md describes. No names, no identity numbers.';

create table audit (
    audit_id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor text not null,
    action text not null,
    household_id bigint,
    round_id bigint,
    detail jsonb not null default '{}'
);
comment on table audit is 'Who did what, when and why: every change of a warning, every act of an operator.';
comment on column audit.audit_id is 'Grows.';
comment on column audit.at is 'When.';
comment on column audit.actor is 'daemon, or the operator''s account.';
comment on column audit.action is 'Such as warning.raised, round.accept, feed.accepted.';
comment on column audit.household_id is 'The household concerned, if any.';
comment on column audit.round_id is 'The round concerned, if any.';
comment on column audit.detail is 'Particulars; no names, no identity numbers.';

create table endpoint (
    township_code bigint primary key,
    state text not null default 'active' check (state in ('active', 'held')),
    held_reason text,
    last_sequence bigint not null default 0,
    last_success_at timestamptz,
    last_failure_at timestamptz,
    last_error text
);
comment on table endpoint is 'What is remembered about a township''s receiver; its address and secret are configuration.';
comment on column endpoint.township_code is '9 digits (a county''s own endpoint: 6).';
comment on column endpoint.state is 'active, or held: nothing is sent until it is released.';
comment on column endpoint.held_reason is 'Why it is held, such as an answer 410.';
comment on column endpoint.last_sequence is 'The last sequence number given; they have no gaps.';
comment on column endpoint.last_success_at is 'When it last took an event.';
comment on column endpoint.last_failure_at is 'When an attempt last failed.';
comment on column endpoint.last_error is 'How it failed; no payload.';

create table outbox (
    household_id bigint not null,
    event_id uuid not null,
    outbox_no bigint generated always as identity,
    township_code bigint not null,
    type text not null,
    round_id bigint,
    created_at timestamptz not null default now(),
    event text not null,
    primary key (household_id, event_id)
);
comment on table outbox is 'Events to be told, written in the transaction that made them true. A row never changes.';
comment on column outbox.household_id is 'The household; 0 for events about none (endpoint.test).';
comment on column outbox.event_id is 'UUIDv7: CloudEvents id and webhook-id, the same on every retry.';
comment on column outbox.outbox_no is 'Order in which a household''s events are told.';
comment on column outbox.township_code is 'To whom.';
comment on column outbox.type is 'Type without its prefix, such as warning.raised.';
comment on column outbox.round_id is 'The round that made it.';
comment on column outbox.created_at is 'When.';
comment on column outbox.event is 'The CloudEvent as JSON, all but its sequence, which is put in when it is first sent. May hold personal data if the township''s disclosure says so.';

create table delivery (
    household_id bigint not null,
    event_id uuid not null,
    outbox_no bigint not null,
    township_code bigint not null,
    priority smallint not null,
    state text not null check (state in ('queued', 'in_flight', 'delivered', 'failed', 'held', 'superseded', 'expired')),
    created_at timestamptz not null default now(),
    attempts integer not null default 0,
    next_attempt_at timestamptz not null default now(),
    lease_until timestamptz,
    sequence bigint,
    expires_at timestamptz not null,
    first_sent_at timestamptz,
    finished_at timestamptz,
    last_status integer,
    last_error text,
    primary key (household_id, event_id)
) with (fillfactor = 70);
create index delivery_due on delivery (township_code, priority, outbox_no) where state in ('queued', 'in_flight');
create index delivery_household on delivery (household_id, township_code, outbox_no) where state in ('queued', 'in_flight', 'held');
comment on table delivery is 'How far the telling of each outbox event has come. Nothing is ever discarded.';
comment on column delivery.household_id is 'The household; one event of it is in flight per township.';
comment on column delivery.event_id is 'The event.';
comment on column delivery.outbox_no is 'Order within the household.';
comment on column delivery.township_code is 'To whom.';
comment on column delivery.priority is '0 red, 1 orange, 2 yellow, 3 verify, 4 the rest.';
comment on column delivery.state is 'queued, in_flight (being sent under a lease), delivered, failed (for good, can be requeued), held, superseded, expired (told to the county instead).';
comment on column delivery.created_at is 'When it was written, with its event; here too, so that the queue''s age needs no event bodies.';
comment on column delivery.attempts is 'Attempts begun.';
comment on column delivery.next_attempt_at is 'Not before.';
comment on column delivery.lease_until is 'When an attempt in flight counts as lost and is made again under the same id.';
comment on column delivery.sequence is 'Per township, without gaps, given with the first attempt and kept.';
comment on column delivery.expires_at is 'When the township is given up and the county told.';
comment on column delivery.first_sent_at is 'First attempt.';
comment on column delivery.finished_at is 'When it reached its final state.';
comment on column delivery.last_status is 'HTTP status of the last answer; null when there was none.';
comment on column delivery.last_error is 'How the last attempt failed; no payload.';
