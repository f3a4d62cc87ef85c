-- SPDX-License-Identifier: PostgreSQL
-- What a round decided by (warning_history.evidence) holds the documents' numbers (ref) of its facts, and a certificate's number
-- holds an identity number. A reader might read no ref in the tables of facts, but all of them there. As in 0003, but for that.
create or replace function divide_privileges() returns boolean
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

    revoke select on shouwang.warning_history from shouwang_reader;
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
                   when c.relname ~ '^(person|household)_fact(_history)?$' or c.relname = 'warning_history'
                       then 'select (' || (select string_agg(quote_ident(attname), ', ') from pg_attribute
                                           where attrelid = c.oid and attnum > 0 and not attisdropped
                                             and attname not in ('ref', 'detail', 'evidence')) || ')'
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
