-- SPDX-License-Identifier: PostgreSQL
-- What every session of the SQL peers sets. Memory for hashes is not spared; compiling costs more than it gains here; and
-- every join is of many rows with many, whatever the planner thinks of them.
set search_path = peer, shouwang;
set max_parallel_workers_per_gather = :workers;
set work_mem = '1GB';
set hash_mem_multiplier = 2;
set jit = off;
set synchronous_commit = off;
set enable_nestloop = off;
set enable_mergejoin = off;
set client_min_messages = warning;
