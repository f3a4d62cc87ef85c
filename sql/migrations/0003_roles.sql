-- SPDX-License-Identifier: PostgreSQL
-- Least privilege: whoever migrates owns the tables; the daemon reads and writes rows, but makes no tables, and deletes
-- only what is moved to history; a reader reads everything but identities, texts that may quote them, and payloads.
-- Roles belong to the whole cluster, so they may exist already. Where the migrating account may not create roles and
-- nobody else has, the county runs on that one account.
--
-- shouwangctl migrate calls divide_privileges() at the end of every run: for partitions that are new, and for roles
-- that an administrator has made meanwhile.
create function divide_privileges() returns boolean
language plpgsql as $$
declare
    role_name text;
    may_create boolean := (select rolsuper or rolcreaterole from pg_roles where rolname = current_user);
    item record;
begin
    foreach role_name in array array['shouwang_owner', 'shouwang_daemon', 'shouwang_reader'] loop
        if may_create and not exists (select from pg_roles where rolname = role_name) then
            begin
                execute format('create role %I nologin', role_name);
            exception when duplicate_object or unique_violation then
                null; -- another database of this cluster is migrated at the same time
            end;
        end if;
    end loop;
    if (select count(*) < 3 from pg_roles where rolname in ('shouwang_owner', 'shouwang_daemon', 'shouwang_reader')) then
        return false;
    end if;

    grant usage on schema shouwang to shouwang_owner, shouwang_daemon, shouwang_reader;
    grant all on all tables in schema shouwang to shouwang_owner;
    grant all on all sequences in schema shouwang to shouwang_owner;

    -- The daemon stages an import's rows in temporary tables. Whoever does not own the database may not grant this; PUBLIC
    -- has it by default.
    if pg_has_role(current_user, (select datdba from pg_database where datname = current_database()), 'usage') then
        execute format('grant temporary on database %I to shouwang_daemon', current_database());
    end if;
    for item in
        select c.relname,
               case
                   when c.relname ~ '^(person|household|stranger)_fact(_[0-9]+)?$' or c.relname = 'finding'
                       then 'select, insert, update, delete'
                   when c.relname in ('batch', 'person', 'household', 'membership', 'round', 'warning', 'endpoint', 'delivery')
                       then 'select, insert, update'
                   when c.relname = 'lease'
                       then 'select, update'
                   when c.relname in ('fact_code', 'source', 'migration')
                       then 'select'
                   else 'select, insert'
               end as privileges,
               case
                   when c.relispartition -- its columns would have to be named again; the whole table can be read
                     or c.relname in ('person', 'person_identity', 'stranger_fact', 'stranger_fact_history', 'quarantine', 'outbox')
                       then ''
                   when c.relname ~ '^(person|household)_fact(_history)?$' -- ref and detail: a certificate's number holds an identity number
                       then 'select (' || (select string_agg(quote_ident(attname), ', ') from pg_attribute
                                           where attrelid = c.oid and attnum > 0 and not attisdropped and attname not in ('ref', 'detail')) || ')'
                   when c.relname = 'household'
                       then 'select (household_id, household_no, township_code, village_code, urban, valid_from, valid_to)'
                   else 'select'
               end as reading
        from pg_class c
        where c.relnamespace = 'shouwang'::regnamespace and c.relkind in ('r', 'p', 'v')
    loop
        execute format('grant %s on shouwang.%I to shouwang_daemon', item.privileges, item.relname);
        if item.reading <> '' then
            execute format('grant %s on shouwang.%I to shouwang_reader', item.reading, item.relname);
        end if;
    end loop;
    return true;
end
$$;
comment on function divide_privileges is 'Makes the roles shouwang_owner, shouwang_daemon and shouwang_reader if it may, and gives each what it needs; false when they do not exist.';
