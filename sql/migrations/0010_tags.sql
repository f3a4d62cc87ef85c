-- SPDX-License-Identifier: PostgreSQL
-- A fifth kind of clause: a tag marks what kind of family this is and never changes the level.
alter table finding drop constraint finding_kind_check;
alter table finding add constraint finding_kind_check check (kind in ('colour', 'verify', 'check', 'suggestion', 'tag'));
comment on column finding.kind is 'colour, verify, check, suggestion or tag.';
comment on column finding.level is 'The level the clause stands for; none for checks, suggestions and tags.';
