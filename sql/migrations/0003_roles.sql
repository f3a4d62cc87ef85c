-- SPDX-License-Identifier: PostgreSQL
-- Least privilege: the owner migrates, the daemon reads and writes but creates and deletes no tables, a reader reads
-- everything but identities and secrets. Roles belong to the whole cluster, so they may exist already; where the
-- migrating account may not create roles, the county runs on that one account and a notice says so.
do $$
declare
    role_name text;
    may_create boolean := (select rolsuper or rolcreaterole from pg_roles where rolname = current_user);
    all_there boolean;
begin
    foreach role_name in array array['shouwang_owner', 'shouwang_daemon', 'shouwang_reader'] loop
        if may_create and not exists (select from pg_roles where rolname = role_name) then
            begin
                execute format('create role %I nologin', role_name);
            exception when duplicate_object or unique_violation then
                null; -- another database of this cluster was migrated at the same time
            end;
        end if;
    end loop;
    all_there := (select count(*) = 3 from pg_roles where rolname in ('shouwang_owner', 'shouwang_daemon', 'shouwang_reader'));
    if not all_there then
        raise notice 'the roles shouwang_owner, shouwang_daemon and shouwang_reader do not exist and % may not create them: privileges are not divided', current_user;
        return;
    end if;
    grant usage on schema shouwang to shouwang_owner, shouwang_daemon, shouwang_reader;
    grant all on all tables in schema shouwang to shouwang_owner;
    grant all on all sequences in schema shouwang to shouwang_owner;
    grant select, insert, update, delete on all tables in schema shouwang to shouwang_daemon;
    grant usage on all sequences in schema shouwang to shouwang_daemon;
    revoke insert, update, delete on fact_code, source, migration from shouwang_daemon;
    revoke update, delete on audit, outbox, warning_history, policy_version from shouwang_daemon;
    grant select on all tables in schema shouwang to shouwang_reader;
    revoke select on person, person_identity, stranger_fact, stranger_fact_history, quarantine, outbox from shouwang_reader;
    alter default privileges in schema shouwang grant select, insert, update, delete on tables to shouwang_daemon;
    alter default privileges in schema shouwang grant select on tables to shouwang_reader;
end
$$;
