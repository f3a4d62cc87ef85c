// SPDX-License-Identifier: PostgreSQL
// Households beyond any real one, by a broken feed or a broken register: the round commits, they are judged as the naive
// evaluator judges them, and their neighbours as if they were not there.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { evaluate } from '../reference/evaluate.mjs';
import { dropFeed, Register, residentId } from './lib/county.mjs';
import { Cluster, Instance } from './lib/instance.mjs';

const DATE = '2021-06-30';
const FACTS = [4093, 4094, 4095, 60000]; // about one person each; the register has two more: 4096 is the limit
const MEMBERS = [1000, 1001, 5000];
const NEIGHBOURS = 40;
let cluster, folder;

/** Neighbours, some of them poor and ill; and households that one person's facts, or the number of persons, make large. */
function makeCounty(large) {
    const register = new Register(), rows = [];
    const bill = (id_number, value, ref) => rows.push({ id_number, code: 'expense.medical_self_paid', value, from: '2021-06-01', to: '2021-06-20', ref });
    for (let n = 0; n < NEIGHBOURS; n++) {
        const id = residentId('1980-01-01', n);
        register.single(`H${n}`, id, `${n * 500}.00`);
        if (n % 3 === 0) bill(id, `${n * 900}.00`, `n${n}`);
    }
    FACTS.forEach((count, f) => {
        const id = residentId('1981-01-01', f);
        register.single(`F${f}`, id, '20000.00');
        for (let i = 0; i < (large ? count : 1); i++) bill(id, '2.35', `f${f}.${i}`);
    });
    MEMBERS.forEach((count, m) => {
        register.single(`M${m}`, residentId('1982-01-01', m), '20000.00');
        for (let i = 1; i < (large ? count : 2); i++)
            register.person(`M${m}`, residentId(`19${50 + m}-01-${String(1 + Math.floor(i / 1000)).padStart(2, '0')}`, i % 1000));
        bill(residentId('1982-01-01', m), '300000.00', `m${m}`);
    });
    const to = mkdtempSync(join(folder, 'county.'));
    register.write(join(to, 'register'));
    dropFeed(join(to, 'feeds'), 'medical_insurance', 'bills', rows, { mode: 'delta' });
    return to;
}

const outcome = ({ household_no, level, reasons, checks, undecided, suggestions }) =>
    JSON.stringify({ household_no, level, reasons, checks, undecided, suggestions });

async function judge(county) {
    const instance = new Instance(cluster, { settings: { rounds: { limit: '100%' } } });
    let found;
    try {
        instance.import(join(county, 'register'));
        cpSync(join(county, 'feeds'), instance.drop, { recursive: true });
        await instance.start();
        instance.round(DATE);
        found = instance.json('warnings').households.map(outcome);
    } finally {
        await instance.close();
    }
    return { found, log: instance.output };
}

before(() => {
    cluster = Cluster.start();
    folder = mkdtempSync(join(tmpdir(), 'swlarge.'));
});
after(() => {
    cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
});

test('households of any size are judged, and their neighbours as always', async () => {
    const usual = await judge(makeCounty(false)), county = makeCounty(true), large = await judge(county);
    const neighbours = ({ found }) => found.filter((one) => JSON.parse(one).household_no.startsWith('H'));
    assert.deepEqual(large.found, evaluate(county, DATE).document.households.map(outcome));
    assert.ok(neighbours(usual).length > NEIGHBOURS / 4, 'the neighbours have something to lose');
    assert.deepEqual(neighbours(large), neighbours(usual));
    assert.ok(large.found.length > neighbours(large).length, 'something is said of large households, too');
    assert.doesNotMatch(usual.log, /event=round\.household_limit/);
    assert.match(large.log, /event=round\.household_limit .*households=4\b.*bounded=2\b/);
});

// A sheet filled down with one number: all that a county's agency has to say, of one person.
test('a person with more facts than can be stored as evidence does not stop the round', async () => {
    const FACTS = process.env.SHOUWANG_LONG ? 1_500_000 : 100_000; // beyond 330,000 there is more than 64 MB of the household
    const instance = new Instance(cluster, { settings: { rounds: { limit: '100%' } } });
    try {
        const register = new Register().single('ILL', residentId('1980-01-01', 1), '100.00').single('POOR', residentId('1980-01-01', 2), '100.00');
        instance.import(register);
        dropFeed(instance.drop, 'medical_insurance', 'bill', [{ id_number: residentId('1980-01-01', 1), code: 'expense.medical_self_paid', value: '2.35', from: '2021-06-01', to: '2021-06-20', ref: 'f' }], { mode: 'delta' });
        await instance.start();
        instance.ctl('feed', 'scan');
        await instance.waitForLog(/event=feed\.accepted/);
        instance.sql(`insert into person_fact (person_id, value, batch_id, from_day, to_day, row_no, code, source, ref)
            select person_id, value, batch_id, from_day, to_day, n, code, source, ref || n from person_fact, generate_series(2, ${FACTS}) n where ref = 'f'`);
        const { round, raised } = instance.round(DATE);
        assert.equal(raised, 2);
        assert.equal(instance.sql("select evidence ->> 'facts_left_out' from warning_history where evidence ? 'facts_left_out'"), String(FACTS + 2));
        const { basis, level } = instance.json('explain', '--round', String(round), 'ILL');
        assert.deepEqual([basis, level], ['round', 'red']);
    } finally {
        await instance.close();
    }
});
