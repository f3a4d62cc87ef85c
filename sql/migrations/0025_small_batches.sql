-- SPDX-License-Identifier: PostgreSQL
-- Of a small batch half is much, too: ten rows are more than some agencies ever have to say (store/batch.h, BATCH_UNUSABLE).
drop index batch_unusable;
create index batch_unusable on batch (source, batch_id)
    where status = 'accepted' and rows_quarantined > 0 and rows_quarantined * 10 >= rows_total
        and (rows_quarantined >= 10 or rows_quarantined * 2 >= rows_total);
