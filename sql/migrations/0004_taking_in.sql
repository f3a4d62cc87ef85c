-- SPDX-License-Identifier: PostgreSQL
-- Facts that a full batch repeats stay as they are: what a fact's batch and line mean.
do $$
declare t text;
begin
    foreach t in array array['person_fact', 'household_fact', 'stranger_fact'] loop
        execute format('comment on column %I.batch_id is %L', t, 'The batch that stated it first as it stands. A newer full batch of its source stated it, too, or it would not be here.');
        execute format('comment on column %I.row_no is %L', t, 'Line in that batch''s file.');
        execute format('comment on column %I.batch_id is %L', t || '_history', 'The batch that stated it first as it stood.');
        execute format('comment on column %I.row_no is %L', t || '_history', 'Line in that batch''s file.');
    end loop;
end
$$;
