// SPDX-License-Identifier: PostgreSQL
// The main job from end to end: a county is imported, feeds are dropped, a round runs, signed webhooks arrive.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { evaluate } from '../reference/evaluate.mjs';
import { Cluster, Instance, newSecret, program } from './lib/instance.mjs';
import { Receiver } from './lib/receiver.mjs';

const DATE = '2021-06-30';
let cluster, county, receivers, instance, folder;

before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'swmain.'));
    const made = spawnSync(program('shouwang-county'), ['--seed', '7', '--households', '600', '--months', '3', '--encoding', 'mixed', '--date', DATE, '--out', folder], { encoding: 'utf8' });
    assert.equal(made.status, 0, made.stderr);
    cluster = Cluster.start();
    receivers = new Map();
    const townships = {};
    for (const code of townshipCodes()) {
        const secret = newSecret();
        const receiver = await Receiver.start(secret);
        receivers.set(code, receiver);
        townships[code] = { url: receiver.url, secret };
    }
    instance = new Instance(cluster, { townships });
    county = instance.import(join(folder, 'register'));
    cpSync(join(folder, 'feeds'), instance.drop, { recursive: true });
    await instance.start();
});

after(async () => {
    await instance?.close();
    for (const receiver of receivers?.values() ?? []) await receiver.stop();
    cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
});

/** The addresses hold line breaks and quotes on purpose: only what begins like a row is one. */
function townshipCodes() {
    const text = readFileSync(join(folder, 'register', 'household.csv'), 'utf8');
    return [...new Set([...text.matchAll(/^[^,"]+,(\d{9}),/gm)].map((match) => match[1]))].sort();
}

const outcome = ({ household_no, township_code, level, reasons, checks, undecided, suggestions }) => ({
    household_no, township_code, level, reasons, checks, undecided, suggestions,
});

let report;

test('the sample county has twelve townships', () => assert.equal(townshipCodes().length, 12));

test('a round over the sample county finds what the reference evaluator finds, household by household', () => {
    report = instance.round(DATE);
    assert.equal(report.held, false);
    assert.equal(report.as_of, DATE);
    const expected = evaluate(folder, DATE).document.households.map(outcome);
    const found = instance.json('warnings').households.map(outcome);
    assert.ok(expected.length > 20, 'the county has warnings at all');
    assert.deepEqual(found, expected);
});

test('all seven feeds were accepted and archived', () => {
    const feeds = instance.json('feeds');
    assert.equal(instance.sql("select count(distinct source) from batch where status = 'accepted' and source <> 0"), '7');
    assert.ok(JSON.stringify(feeds).includes('medical_insurance'));
    assert.equal(readdirSync(instance.drop).length, 7);
    for (const feed of readdirSync(instance.drop)) assert.deepEqual(readdirSync(join(instance.drop, feed)), []);
});

test('every raised warning arrives at its township, signed, once, as a valid CloudEvent', async () => {
    const raised = instance.json('warnings').households.filter((household) => household.level !== 'none');
    for (const [code, receiver] of receivers) {
        const mine = raised.filter((household) => household.township_code === code).map((household) => household.household_no).sort();
        await receiver.waitFor(Number(instance.sql(`select count(*) from outbox where township_code = ${code}`)), `events of ${code}`);
        assert.ok(receiver.ledger.every((entry) => entry.verified), String(receiver.ledger.find((entry) => !entry.verified)?.problem));
        const events = receiver.events.filter((event) => event.type === 'cn.shouwang.warning.raised');
        assert.deepEqual(events.map((event) => event.data.household_no).sort(), mine);
        assert.equal(new Set(receiver.ledger.map((entry) => entry.id)).size, receiver.ledger.length, 'no event twice');
    }
});

test('sequence numbers have no gaps and the envelope is what the interface says', () => {
    for (const [code, receiver] of receivers) {
        const sequences = receiver.events.map((event) => event.sequence).sort();
        assert.deepEqual(sequences, sequences.map((_, i) => String(i + 1).padStart(20, '0')));
        for (const [i, event] of receiver.events.entries()) {
            assert.equal(receiver.ledger[i].id, event.id);
            assert.match(event.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
            assert.equal(event.source, '/counties/610922/shouwang');
            assert.equal(event.subject, `households/${event.data.household_no}`);
            assert.equal(event.partitionkey, event.data.household_no);
            assert.equal(event.data.township_code, code);
            assert.match(receiver.ledger[i].headers['content-type'], /^application\/cloudevents\+json; *charset=utf-8$/i);
        }
    }
});

test('a warning event explains itself and names nobody', () => {
    const event = [...receivers.values()].flatMap((r) => r.events).find((e) => e.type === 'cn.shouwang.warning.raised' && e.data.level === 'red');
    const { data } = event;
    assert.equal(data.previous_level, 'none');
    assert.equal(data.state, 'open');
    assert.equal(data.raised_on, DATE);
    assert.equal(data.due_on, '2021-07-03');
    assert.equal(data.policy.hash.length, 64);
    for (const reason of data.reasons) {
        assert.match(reason.text, /[一-鿿]/u);
        assert.match(reason.citation, /004 篇五|本县/u);
        for (const fact of reason.facts) assert.ok(fact.code && fact.source && 'value' in fact && 'unit' in fact && 'as_of' in fact);
    }
    for (const person of data.persons) assert.doesNotMatch(JSON.stringify(person), /\d{17}[\dX]/);
    assert.equal('address' in data, false);
});

test('a second round over the same input writes no warning and no event', () => {
    const rows = () => instance.sql('select (select count(*) from warning_history), (select count(*) from outbox), (select count(*) from finding), (select max(changed_round) from warning)');
    const before_ = rows();
    const again = instance.round(DATE);
    assert.deepEqual([again.raised, again.escalated, again.deescalated, again.cleared], [0, 0, 0, 0]);
    assert.equal(rows(), before_);
});

test('no name and no identity number is in the log', () => {
    assert.doesNotMatch(instance.output, /\d{17}[\dX]/);
    const names = instance.sql("select distinct name from person where length(name) >= 3 limit 500").split('\n');
    assert.deepEqual(names.filter((name) => name && instance.output.includes(name)), []);
});
