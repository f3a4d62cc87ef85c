// SPDX-License-Identifier: PostgreSQL
// docs/json.md and docs/townships.md describe what is really printed and sent: every member that comes is documented, every member
// that is documented comes.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { dropFeed, Register, residentId } from './lib/county.mjs';
import { Cluster, Instance, newSecret, program, ROOT } from './lib/instance.mjs';
import { Receiver } from './lib/receiver.mjs';
import { until } from './lib/wait.mjs';

const A = '610922103';
const DATE = '2021-06-30';
const stranger = residentId('1990-05-05', 9);
let cluster, instance, receiver;

before(async () => {
    cluster = Cluster.start();
    const secret = newSecret();
    receiver = await Receiver.start(secret);
    const policy = join(ROOT, 'conf', 'policies', 'shaanxi-county-classes.policy'); // asks whether sources disagree
    instance = new Instance(cluster, { policy, settings: { rounds: { limit: 'none' } }, townships: { [A]: { url: receiver.url, secret, disclosure: 'named' } } });
    instance.import(
        new Register()
            .single('H1', residentId('1980-01-01', 1), '1000.00')
            .single('H2', residentId('1980-01-01', 2), '6000.00')
            .single('H3', residentId('1980-01-01', 3), '30000.00')
            .fact({ household_no: 'H1', code: 'no.such', from: DATE }),
    );
    dropFeed(instance.drop, 'disabled_federation', 'd06', [
        { id_number: residentId('1980-01-01', 1), code: 'disability.certificate', value: residentId('1980-01-01', 1) + '41', from: '2020-01-01' },
        { id_number: stranger, name: '李某某', code: 'disability.certificate', value: stranger + '41', from: '2020-01-01' },
        { id_number: '5.1E+17', code: 'disability.certificate', value: 'x', from: '2020-01-01' },
    ]);
    dropFeed(instance.drop, 'hr_social_security', 'h06', [{ id_number: residentId('1980-01-01', 3), code: 'income.wage', value: '20000.00', from: '2021-03-01' }]);
    await instance.start();
});
after(async () => {
    await instance?.close();
    await receiver?.stop();
    cluster?.stop();
});

/** The text of a document's section under a heading. */
function section(document, heading) {
    const text = readFileSync(join(ROOT, 'docs', document), 'utf8');
    const found = text.split(/^(?=## )/m).find((part) => part.startsWith(`## ${heading}\n`));
    assert.ok(found, `${document} has a section "${heading}"`);
    return found;
}

const words = (text) => new Set([...text.matchAll(/`([^`]*)`/g)].flatMap((match) => match[1].match(/[a-z_]+/g) ?? []));

/** Members in the first column of a section's tables, but those that come in some documents only. */
function members(text) {
    return text
        .split('\n')
        .filter((line) => line.startsWith('| `') && !/\| (only |.*\b[Oo]nly i[fn]\b|Only )/.test(line))
        .flatMap((line) => [...line.split(' | ')[0].matchAll(/`([a-z_]+)`/g)].map((match) => match[1]));
}

function keys(value, into = new Set()) {
    if (Array.isArray(value)) value.forEach((item) => keys(item, into));
    else if (value !== null && typeof value === 'object')
        for (const [key, inner] of Object.entries(value)) {
            into.add(key);
            keys(inner, into);
        }
    return into;
}

function compare(name, document, texts) {
    const told = words(texts.join('\n'));
    const come = keys(document);
    assert.deepEqual([...come].filter((key) => !told.has(key)), [], `${name}: not documented`);
    assert.deepEqual(members(texts[0]).filter((key) => !come.has(key)), [], `${name}: documented, and missing`);
}

/** Runs the verb and compares; `also`: sections that its own refers to. */
function verb(name, args, also = []) {
    const document = instance.json(...args);
    compare(name, document, [name, ...also].map((heading) => section('json.md', heading)));
    return document;
}

test('round, rounds, warnings', () => {
    const round = verb('round', ['round', '--as-of', DATE, '--wait']);
    assert.equal(round.levels.red, 1);
    const dry = verb('round', ['round', '--as-of', '2021-07-31', '--dry-run']);
    assert.ok(Array.isArray(dry.changes));
    verb('rounds', ['rounds'], ['round']);
    verb('warnings', ['warnings']);
});

test('explain, of now, of a round and of evidence', () => {
    const now = instance.json('explain', 'H1');
    assert.deepEqual([now.basis, now.recorded], ['now', null]);
    const named = verb('explain', ['explain', 'H1', '--round', '1', '--named'], ['round']);
    assert.ok('address' in named);
    const { warning_id } = instance.json('warnings').households.find((household) => household.household_no === 'H1');
    assert.equal(verb('explain', ['explain', warning_id], ['round']).basis, 'evidence');
});

test('explain, of sources that disagree', () => {
    const told = verb('explain', ['explain', 'H3', '--round', '1', '--named'], ['round']);
    assert.equal(told.level, 'verify');
    const [wage] = told.disagreements;
    const yuan = (amount) => ({ low: amount, high: amount, unit: '元/年/人' });
    assert.deepEqual(wage, {
        person: 0,
        fact: '工资收入',
        code: 'income.wage',
        window: '本年',
        differ: yuan('10000.00'),
        sources: [
            { source: 'register', value: yuan('30000.00') },
            { source: 'hr_social_security', value: yuan('20000.00') },
        ],
        rules: ['suggest.single_dibao', 'verify.wage'], // a suggestion that asks for the level reads what the level rests on
    });
    assert.match(instance.ctl('explain', 'H3').stdout, /各来源所说\n {2}成员 1 {2}本年 工资收入:[^\n]*30000.00 元\/年\/人;人社局 20000.00 元\/年\/人。相差 10000.00 元\/年\/人\n/);
});

test('feeds, feed show, leads', () => {
    verb('feeds', ['feeds']);
    assert.equal(verb('feed show', ['feed', 'show', 'd06'], ['feeds']).quarantine.length, 1);
    assert.equal(verb('feed trust', ['feed', 'trust', 'disabled_federation', 'd06', '--reason', '已与残联核对']).given, true);
    assert.equal(verb('leads', ['leads']).total, 1);
});

test('import, migrate, reload', () => {
    verb('import', ['import', join(instance.directory, 'register')]);
    verb('migrate', ['migrate']);
    verb('reload', ['reload']);
});

/** shouwangctl beside this process, whose receiver has to answer meanwhile. */
const endpointTest = () =>
    new Promise((resolve) =>
        execFile(program('shouwangctl'), ['-c', instance.conf, 'endpoint', 'test', A, '--json'], (problem, stdout) =>
            resolve({ status: problem?.code ?? 0, stdout }),
        ),
    );

test('status', () => {
    const told = readFileSync(join(ROOT, 'docs', 'control.md'), 'utf8');
    assert.deepEqual([...keys(instance.json('status'))].filter((key) => !told.includes(`"${key}"`)), []);
});

test('queue, queue shape, endpoint test', async () => {
    const taken = await endpointTest();
    assert.equal(taken.status, 0);
    compare('endpoint test', JSON.parse(taken.stdout), [section('json.md', 'endpoint test')]);
    await until(() => instance.json('queue').queue.length === 0, 'the events of the rounds to be delivered');
    receiver.answer = () => 500;
    assert.deepEqual(await endpointTest(), { status: 1, stdout: '' });
    assert.equal(verb('queue', ['queue']).queue.length, 1);
    verb('queue shape', ['queue', 'shape']);
});

test('policy check, test and show', () => {
    const file = instance.settings.policy.file;
    verb('policy check', ['policy', 'check', file]);
    verb('policy test', ['policy', 'test', file]);
    verb('policy show', ['policy', 'show', file]);
    const folder = mkdtempSync(join(tmpdir(), 'swdoc.'));
    writeFileSync(join(folder, 'bad.policy'), '政策\n');
    const { status, stdout } = instance.ctl('policy', 'check', join(folder, 'bad.policy'), '--json');
    rmSync(folder, { recursive: true });
    assert.equal(status, 1);
    const told = words(section('json.md', 'policy check'));
    assert.deepEqual([...keys(JSON.parse(stdout))].filter((key) => !told.has(key)), []);
});

test('stored evidence and findings', () => {
    const told = [section('json.md', 'What the database keeps as JSON')];
    for (const column of ['findings', 'evidence']) {
        const stored = JSON.parse(instance.sql(`select ${column} from warning_history order by household_id limit 1`));
        assert.deepEqual([...keys(stored)].filter((key) => !words(told[0]).has(key)), [], column);
    }
});

test('events', async () => {
    await receiver.waitFor(2);
    const raised = JSON.parse(receiver.ledger.find((entry) => entry.event.type === 'cn.shouwang.warning.raised').body);
    const { data, ...envelope } = raised;
    compare('The envelope', { ...envelope, data: null }, [section('townships.md', 'The envelope')]);
    compare('Data', data, [section('townships.md', 'Data')]);
});
