// SPDX-License-Identifier: PostgreSQL
// What the years leave, and what the operators' manual takes away of it: what stands, and what is still to be told, stays as it was.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { dropFeed, Register, residentId } from './lib/county.mjs';
import { Cluster, Instance, ROOT } from './lib/instance.mjs';

const ID = (n) => residentId('1980-01-01', n);
let cluster;
before(() => (cluster = Cluster.start()));
after(() => cluster?.stop());

/** The manual's statements: of the lists and events, of the history. */
function manual() {
    const chapter = /^## What grows, and what may go\n[^]*?^## /m.exec(readFileSync(join(ROOT, 'docs', 'operators.md'), 'utf8'))[0];
    return [...chapter.matchAll(/<<'SQL'\n([^]*?)\nSQL\n/g)].map(([, sql]) => sql);
}

const county = (b, c) => new Register().single('A', ID(1), '100.00').single('B', ID(2), b).single('C', ID(3), c);

test('what is years old goes by the manual, and nothing that stands or is to be told', async () => {
    const instance = new Instance(cluster, { settings: { rounds: { limit: '100%' } } });
    const [events, history] = manual();
    const told = (state = 'delivered') => instance.sql(`update delivery set state = '${state}', attempts = 1, sequence = outbox_no, first_sent_at = now() - interval '3 years', finished_at = now() - interval '3 years' where finished_at is null`);
    const left = () => instance.sql("select string_agg(household_no || ' ' || type, ', ' order by outbox_no) from outbox join household using (household_id)");
    const explained = (round) => instance.json('explain', '--round', String(round), 'A');
    try {
        instance.import(county('100.00', '100.00'));
        dropFeed(instance.drop, 'housing', 'h', [{ household_no: 'C', code: 'housing.grade', value: 'A', from: '2020-01-01' }, { household_no: 'C', code: 'housing.grade', value: 'Z', from: '2020-01-01' }]);
        await instance.start();
        instance.round('2021-06-30');
        const first = instance.round('2021-06-30').round; // it changes nothing: no evidence is stored with it
        told();
        instance.import(county('99000.00', '99000.00'));
        const second = instance.round('2021-07-01').round;
        told('failed');
        instance.import(county('100.00', '99000.00')); // B is warned of anew, and nobody was told yet
        const third = instance.round('2021-07-02').round;
        instance.sql("update batch set received_at = received_at - interval '6 years' where batch_id < (select max(batch_id) from batch)");
        const whole = [explained(first), explained(second), explained(third)];
        assert.equal(left(), 'A warning.raised, B warning.raised, C warning.raised, B warning.cleared, C warning.cleared, B warning.raised');
        assert.equal(instance.sql('select count(*) from quarantine'), '1');

        instance.sql(events);
        assert.equal(left(), 'A warning.raised, B warning.raised, B warning.cleared, B warning.raised', 'nothing stands about C');
        assert.equal(instance.sql("select count(*) from outbox o full join delivery d using (household_id, event_id) where o.outbox_no is null or d.outbox_no is null"), '0');
        assert.equal(instance.sql('select count(*) from quarantine'), '0');
        assert.equal(instance.sql("select detail from audit where action = 'retention.events'"), '{"events": 2}');

        const rows = () => Number(instance.sql('select (select count(*) from person_fact_history) + (select count(*) from membership_history)'));
        const before = rows();
        instance.sql(history);
        assert.ok(rows() < before, 'what was corrected by an import that is six years old');
        assert.deepEqual([explained(second), explained(third)], whole.slice(1));
        assert.notDeepEqual(explained(first), whole[0], 'that it is no longer known exactly is said');
        instance.sql(history); // and again
        instance.sql(events);

        // What stands is told when it ends, to who heard of it.
        instance.import(county('99000.00', '99000.00').fact({ id_number: ID(1), code: 'income.wage', value: '99000.00', from: '2021-05-01', to: '2021-05-31' }));
        assert.equal(instance.round('2021-07-03').cleared, 2);
        assert.equal(instance.sql("select state from delivery join outbox using (household_id, event_id) join household using (household_id) where household_no = 'A' and type = 'warning.cleared'"), 'queued');
    } finally {
        await instance.close();
    }
});
