// SPDX-License-Identifier: PostgreSQL
// The watch over what is said about persons can fail; and a county of hostile rows, files and requests, in which names and
// numbers stand where they do not belong, says nothing of them. Every other test is watched in the same way (lib/privacy.mjs).
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { askLine } from './lib/control.mjs';
import { csv, dropBytes, dropFeed, Register, residentId } from './lib/county.mjs';
import { Cluster, Instance, newSecret } from './lib/instance.mjs';
import { CANARY, gb18030, packed, Watch } from './lib/privacy.mjs';
import { until } from './lib/wait.mjs';

const ID = residentId('1980-01-01', 1);
const OTHER = residentId('1975-12-24', 737);
let cluster;
before(() => (cluster = Cluster.start()));
after(() => cluster?.stop());

// --- the watch itself ---------------------------------------------------------------------------------------------

const LEAKS = [
    ['an identity number', `level=info event=x id=${OTHER}`],
    ['its check character in lower case', `id=${residentId('1980-01-01', 3).toLowerCase()}`],
    ['without its check character', `id=${OTHER.slice(0, 17)}`],
    ['within other digits', `999${OTHER}000`],
    ['packed', `Key (id_packed)=(${packed(OTHER)}) already exists.`],
    ['of the old form', OTHER.slice(0, 6) + OTHER.slice(8, 17)],
    ['masked too little', `${OTHER.slice(0, 12)}******`],
    ['masked at the wrong place', `****${OTHER.slice(4, 14)}****`],
    ['a name', `found ${CANARY.name}, expected a code`],
    ['a name of the file', 'reason="王晓梅，女"'],
    ['an address', `address=${CANARY.address}`],
    ['a telephone number', `call ${CANARY.phone}`],
    ['a secret', `key=${CANARY.secret}`],
    ['a name in GB18030', Buffer.concat([Buffer.from('found '), gb18030(CANARY.name)])],
];
const INNOCENT = [
    '6109**********0737', '欧***', '王**', 'township=610922103 village=610922103001', 'ms=1795300000000', 'batch=2021-06 rows=7 sha256=e3b0c44298fc',
    'time=2026-11-22T08:44:47.824+08:00 level=notice event=config.file', '陕西县级 示范县 医保局',
];

function watch() {
    const folder = join(instance.directory, 'watched');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'person.csv'), csv(['household_no', 'id_number', 'name'], [{ household_no: 'H1', id_number: OTHER, name: '王晓梅' }, { id_number: residentId('1980-01-01', 3) }]));
    return new Watch().folder(folder);
}

let instance;

test('the watch finds a leak of each kind, and nothing where there is none', () => {
    instance = new Instance(cluster);
    const one = watch();
    for (const [what, line] of LEAKS) assert.equal(one.leaks('log', line).length, 1, what);
    for (const line of INNOCENT) assert.deepEqual(one.leaks('log', line), [], line);
});

test('a leak in any place that is heard fails the test of its instance', async () => {
    for (const where of ['log', '/metrics', '/', 'shouwangctl import: stderr', 'pg_stat_activity', '/proc/PID/cmdline']) {
        const leaking = new Instance(cluster);
        leaking.watch.id(OTHER, { canary: true });
        leaking.said.push([where, `something ${OTHER} something`]);
        await assert.rejects(leaking.close(), /1 leaks about persons:\n.*identity number/);
    }
    const file = new Instance(cluster, { settings: { log: { file: 'own.log' } } });
    appendFileSync(join(file.directory, 'own.log'), `x ${CANARY.name} x\n`);
    await assert.rejects(file.close(), /own\.log: name/);
});

test('what is said in one session of a real daemon is heard', async () => {
    instance.import(new Register().single('H1', ID, '10000.00'));
    await instance.start();
    await instance.hear();
    const heard = new Map(instance.said.map(([where, bytes]) => [where, String(bytes)]));
    assert.match(heard.get('/metrics'), /shouwang_/);
    assert.match(heard.get('/'), /<html/);
    assert.match(heard.get('/readyz?verbose'), /database/);
    assert.match(heard.get('/proc/PID/cmdline'), /shouwangd/);
    assert.match(heard.get('pg_stat_activity'), /shouwangd/);
    assert.match(heard.get('log'), /event=daemon/);
    assert.match(heard.get('shouwangctl import: stdout'), /households/);
});

test('an error of the server with our data in it would be in its log, and is heard', async () => {
    const leaking = new Instance(cluster);
    leaking.watch.id(OTHER, { canary: true });
    // as a program of ours, not as psql
    assert.throws(() => cluster.sql(`set application_name = shouwangd; select '${OTHER}'::date`, leaking.database));
    await assert.rejects(leaking.close(), /server\.log: /);
    cluster.forgetServerLog();
});

// --- persons where they do not belong -------------------------------------------------------------------------------

/** One row for each column, in which stands `text` instead of what belongs there. */
const misplaced = (columns, good, text) => columns.map((column) => ({ ...good, [column]: text }));

const WRONG = [CANARY.name, ID, OTHER, CANARY.phone, CANARY.address, `${CANARY.name} ${ID}`, CANARY.secret];

test('a register full of persons in wrong columns', () => {
    const register = new Register().single('H1', ID, '10000.00').single('H2', OTHER, '200.00', { name: '慕容皎皎' });
    for (const text of WRONG) {
        register.households.push(...misplaced(['household_no', 'township_code', 'village_code', 'area'], { household_no: `G${text.length}`, township_code: '610922103', village_code: '610922103001', area: 'rural' }, text));
        register.persons.push(...misplaced(['household_no', 'id_number', 'name', 'kinship', 'labour'], { household_no: 'H1', id_number: residentId('1990-01-01', register.persons.length), name: '慕容皎皎', kinship: '10', labour: 'full' }, text));
        register.facts.push(...misplaced(['household_no', 'id_number', 'code', 'value', 'from', 'to', 'ref', 'as_of'], { id_number: ID, code: 'income.wage', value: '1.00', from: '2021-01-01', to: '2021-01-31', ref: CANARY.phone, as_of: '2021-06-01' }, text));
    }
    instance.import(register);
});

const FEED = ['id_number', 'household_no', 'name', 'code', 'value', 'from', 'to', 'ref'];
const PAID = { id_number: ID, name: CANARY.name, code: 'expense.medical_self_paid', value: '90000.00', from: '2021-06-01', to: '2021-06-02', ref: CANARY.phone };

test('feeds full of persons in wrong columns, in both encodings, whole, refused and damaged', async () => {
    const rows = WRONG.flatMap((text) => misplaced(FEED, PAID, text));
    dropFeed(instance.drop, 'medical_insurance', 'columns', [PAID, ...rows], { mode: 'delta' });
    const simple = csv(FEED, [PAID, ...misplaced(FEED, PAID, CANARY.name)]);
    dropBytes(instance.drop, 'housing', 'gb18030', gb18030(simple), FEED.length + 1, { mode: 'delta' });
    dropBytes(instance.drop, 'education', 'header', Buffer.from(csv([ID, CANARY.name, 'code'], [])), 0, { mode: 'delta' });
    dropBytes(instance.drop, 'health', 'quote', Buffer.from(`${csv(FEED, [PAID])}"${ID},${CANARY.name}`), 2, { mode: 'delta' });
    dropBytes(instance.drop, 'water', 'rows', Buffer.from(csv(FEED, [PAID])), 5, { mode: 'delta' });
    for (const [i, key] of ['feed', 'batch', 'mode', 'period_from', 'rows', 'sha256', 'sent_at'].entries())
        dropFeed(instance.drop, 'emergency', `manifest${i}`, [PAID], { [key]: `${CANARY.name} ${ID}` });
    instance.round('2021-06-30'); // reads what lies there first
    assert.equal(instance.sql("select count(*) filter (where status = 'accepted') || ' ' || count(*) from batch where source <> 0"), '2 12');
    instance.json('feeds');
});

test('files, batches and folders that are called like persons', async () => {
    const called = [CANARY.name, ID, `${CANARY.name}_${ID}`, `zyh-${OTHER}`, `${OTHER.slice(0, 17)}`];
    for (const [i, text] of called.entries()) {
        const quote = Buffer.from(`${csv(FEED, [PAID])}"${ID},${CANARY.name}`);
        dropBytes(instance.drop, 'health', `${text}.quote`, quote, 2, { mode: 'delta', batch: `quote${i}` });
        dropBytes(instance.drop, 'health', `${text}.rows`, Buffer.from(csv(FEED, [PAID])), 5, { mode: 'delta', batch: `rows${i}` });
        dropBytes(instance.drop, 'water', `${text}.good`, Buffer.from(csv(FEED, [{ ...PAID, ref: `R${i}` }])), 1, { mode: 'delta', batch: `good${i}` });
        dropBytes(instance.drop, 'water', `batch${i}`, Buffer.from(csv(FEED, [{ ...PAID, ref: `B${i}` }])), 1, { mode: 'delta', batch: text });
        dropBytes(instance.drop, 'water', `${text}.alone`, Buffer.from(csv(FEED, [PAID])), 1, null);
        mkdirSync(join(instance.drop, 'water', `${text}.folder.csv`));
        writeFileSync(join(instance.drop, 'water', `${text}.folder.csv.manifest.json`), '{}');
        mkdirSync(join(instance.drop, text));
    }
    instance.round('2021-06-30');
    assert.equal(instance.sql("select count(*) from batch where status = 'accepted' and batch like 'good%'"), '5');
});

test('rounds, events, pages and errors about them', async () => {
    instance.township('610922103', { url: 'http://127.0.0.1:9/hook', secret: newSecret() });
    instance.reload();
    instance.round('2021-06-30');
    await until(() => Number(instance.sql("select count(*) from delivery where attempts > 0")) > 0, 'an attempt');
    await instance.hear();
    instance.ctl('queue');
    instance.ctl('status');
    for (const text of WRONG) {
        await askLine(instance.socket, JSON.stringify({ verb: 'round', args: { as_of: text, [text]: 1 } })).catch(() => {});
        await askLine(instance.socket, JSON.stringify({ verb: text })).catch(() => {});
        await askLine(instance.socket, text).catch(() => {});
        await instance.get(`/${encodeURIComponent(text)}?${encodeURIComponent(text)}`, { headers: { 'x-person': encodeURIComponent(text) } });
    }
    await instance.stop();
});

test('nobody was named', async () => {
    await instance.close();
});
