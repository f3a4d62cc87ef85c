-- SPDX-License-Identifier: PostgreSQL
-- The staged peer, when both sessions are through: each judges half of the households.
\ir session.sql
\set household `cat household.sql`
\set judge `cat judge.sql`
create unlogged table result_:part as with h as (:household and household_id % 2 = :part) :judge;
