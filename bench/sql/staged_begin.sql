-- SPDX-License-Identifier: PostgreSQL
-- The staged peer, before its two sessions: a schema for what they share.
drop schema if exists peer cascade;
create schema peer;
