// SPDX-License-Identifier: PostgreSQL
// Feeds in every state of disrepair: a bad row is quarantined with its line and reason, a bad file changes nothing.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { dropBytes, dropFeed, Register, residentId } from './lib/county.mjs';
import { Cluster, Instance, program } from './lib/instance.mjs';
import { until } from './lib/wait.mjs';

const ID = residentId('1980-01-01', 1);
let cluster, instance;
before(async () => {
    cluster = Cluster.start();
    instance = new Instance(cluster);
    instance.import(new Register().single('H1', ID, '60000.00'));
    await instance.start();
});
after(async () => {
    await instance?.close();
    cluster?.stop();
});

const amount = (changes) => ({ id_number: ID, code: 'expense.medical_self_paid', value: '10.00', from: '2021-06-01', to: '2021-06-20', ...changes });
const facts = () => instance.sql('select count(*) from person_fact where source = 1');
let batches = 0;

/** Drops one batch and scans; returns its document of `feed show`. */
function take(rows, changes = {}) {
    const batch = `b${++batches}`;
    dropFeed(instance.drop, 'medical_insurance', batch, rows, { mode: 'delta', ...changes });
    instance.round('2021-06-30', '--dry-run');
    const id = instance.sql(`select max(batch_id) from batch where batch = '${batch}' or file_name like '${batch}.%'`);
    return instance.json('feed', 'show', id);
}

const ROWS = [
    ['5.1E+17', { id_number: '5.1E+17' }, 'id_number'],
    ['wrong check character after 000', { id_number: ID.slice(0, 14) + '0000' }, 'id_number'],
    ['no ID and no household', { id_number: '' }, ''],
    ['impossible date', { from: '2021-02-29' }, 'from'],
    ['period that ends before it begins', { from: '2021-06-20', to: '2021-06-01' }, 'to'],
    ['unknown code', { code: 'expense.medcal' }, 'code'],
    ['household not on the register', { id_number: '', household_no: 'H99' }, 'household_no'],
];
for (const [what, changes] of ROWS) {
    test(`row: ${what} is quarantined with its line, the rest goes on`, () => {
        const shown = take([amount({ ref: `good ${what}` }), amount(changes)]);
        assert.equal(shown.status, 'accepted');
        assert.equal(shown.quarantine.length, 1);
        assert.equal(shown.quarantine[0].line, 3);
        assert.ok(shown.quarantine[0].reason);
        assert.equal(shown.rows_stored, 1);
    });
}

for (const value of ['-5.00', '9999999999999.00', '三千', '1,000.00', '1e5']) {
    test(`row: the amount ${value} is kept as unknown and listed`, () => {
        const shown = take([amount({ value, ref: value })]);
        assert.equal(shown.rows_stored, 1);
        assert.equal(shown.quarantine[0].line, 2);
        assert.equal(shown.quarantine[0].kept, true);
        assert.equal(instance.sql(`select value is null from person_fact where ref = '${value}'`), 't');
    });
}

test('a 15-digit number is the same person', () => {
    const shown = take([amount({ id_number: ID.slice(0, 6) + ID.slice(8, 17), ref: 'old number' })]);
    assert.deepEqual(shown.quarantine, []);
});

test('a repeat within one file is quarantined, the first stands', () => {
    const shown = take([amount({ ref: 'twice', value: '1.00' }), amount({ ref: 'twice', value: '2.00' })]);
    assert.equal(shown.quarantine[0].line, 3);
    assert.equal(instance.sql("select value from person_fact where ref = 'twice'"), '100');
});

test('a batch of which a tenth cannot be used is in use, and told of until one comes that makes it good', async () => {
    const rows = (bad, name) => Array.from({ length: 100 }, (_, i) => amount(i < bad ? { from: 'x' } : { ref: `${name}${i}` }));
    const said = async () => {
        instance.ctl('status'); // the pages' figures may be seconds old
        const [status, health, page] = [instance.ctl('status').stdout, (await instance.get('/readyz?verbose')).text, (await instance.get('/')).text];
        return [/^UNUSABLE: 10 of 100 rows of batch b\d+ of medical_insurance: it clears nothing; /m.test(status), /^\[!\] feed medical_insurance: 10 of 100 rows of batch b\d+ cannot be used: it ends no warning$/m.test(health), /大量行不能使用/.test(page)];
    };
    const log = /event=feed\.unusable feed=medical_insurance batch=(\S+) batch_id=\d+ rows=100 quarantined=10\n/;
    assert.equal(take(rows(9, 'nine')).rows_stored, 91);
    assert.deepEqual(await said(), [false, false, false]);
    const { batch, status, rows_stored } = take(rows(10, 'ten'));
    assert.deepEqual([status, rows_stored], ['accepted', 90]);
    assert.equal((await instance.waitForLog(log))[1], batch);
    assert.deepEqual(await said(), [true, true, true]);
    assert.equal(take(rows(0, 'none')).rows_stored, 100);
    assert.deepEqual(await said(), [false, false, false]);
    assert.equal(instance.output.match(new RegExp(log, 'g')).length, 1);
});

const FILES = [
    ['a truncated file', (bytes) => bytes.subarray(0, bytes.length - 10), {}],
    ['an altered file', (bytes) => Buffer.from(String(bytes).replace('10.00', '90.00')), {}],
    ['a wrong number of rows', (bytes) => bytes, { rows: 7 }],
    ['a wrong feed name', (bytes) => bytes, { feed: 'education' }],
    ['a period that ends before it begins', (bytes) => bytes, { period_from: '2021-07-01', period_to: '2021-06-01' }],
    ['an unknown mode', (bytes) => bytes, { mode: 'partial' }],
    ['no batch name', (bytes) => bytes, { batch: undefined }],
];
for (const [what, spoil, changes] of FILES) {
    test(`file: ${what} is refused and changes nothing`, () => {
        const before_ = facts();
        const good = Buffer.from(`id_number,code,value,from,to\n${ID},expense.medical_self_paid,10.00,2021-06-01,2021-06-20\n`);
        const batch = `f${++batches}`;
        const path = dropBytes(instance.drop, 'medical_insurance', batch, good, 1, { mode: 'delta', ...changes });
        writeFileSync(path, spoil(good));
        instance.round('2021-06-30', '--dry-run');
        assert.equal(facts(), before_);
        const reason = instance.sql(`select reason from batch where status = 'refused' and file_name = '${batch}.csv'`);
        assert.ok(reason.length > 10, reason);
    });
}


test('file: without a manifest it waits', async () => {
    const path = dropBytes(instance.drop, 'medical_insurance', 'waiting', Buffer.from('id_number\n'), 0, null);
    instance.round('2021-06-30', '--dry-run');
    assert.ok(existsSync(path));
    instance.round('2021-06-30', '--dry-run');
    const told = /event=feed\.waiting .*file=waiting\.csv/g; // the daemon's own scan may have met another file half written
    await instance.waitForLog(new RegExp(told.source));
    assert.equal(instance.output.match(told).length, 1, `said once, not at every scan:\n${instance.output}`);
});

test('file: an empty full feed would end everything, and is refused', () => {
    const before_ = facts();
    take([amount({ ref: 'something' })]);
    const shown = take([], { mode: 'full' });
    assert.equal(shown.status, 'refused');
    assert.equal(Number(facts()), Number(before_) + 1);
});

test('file: the same batch twice is taken once', () => {
    const rows = [amount({ ref: 'dup' })];
    dropFeed(instance.drop, 'medical_insurance', 'dup', rows, { mode: 'delta' });
    instance.round('2021-06-30', '--dry-run');
    const before_ = facts();
    dropFeed(instance.drop, 'medical_insurance', 'dup', [...rows, amount({ ref: 'more' })], { mode: 'delta' });
    instance.round('2021-06-30', '--dry-run');
    assert.equal(facts(), before_);
});

test('file: GB18030 is read as what it is', () => {
    const bytes = Buffer.concat([Buffer.from('id_number,name,code,value,from,to,ref\n' + ID + ','), Buffer.from([0xcd, 0xf5, 0xc4, 0xb3, 0xc4, 0xb3]), Buffer.from(',expense.medical_self_paid,10.00,2021-06-01,2021-06-20,gb\n')]);
    dropBytes(instance.drop, 'medical_insurance', 'gb', bytes, 1, { mode: 'delta' });
    instance.round('2021-06-30', '--dry-run');
    assert.equal(instance.sql("select encoding from batch where batch = 'gb'"), 'gb18030');
});

/** What `feed show --json` prints, and its memory (kB) when the first of it comes: what it holds before it prints anything. */
function showSlowly(batch) {
    return new Promise((resolve, reject) => {
        const child = spawn(program('shouwangctl'), ['-c', instance.conf, 'feed', 'show', batch, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
        let text = '', memory = null;
        child.stdout.setEncoding('utf8').on('data', (chunk) => {
            memory ??= Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))?.[1] ?? 0);
            text += chunk;
        });
        child.on('error', reject).on('close', (status) => resolve({ status, memory, shown: JSON.parse(text) }));
    });
}

test('a batch of which hundreds of thousands of rows were refused is shown in short, and needs no memory for them', async () => {
    const ROWS = 200_000, MEMORY_KB = 120_000; // it was 220,000
    dropFeed(instance.drop, 'medical_insurance', 'many', [amount({ ref: 'many' }), amount({ id_number: '' }), amount({ from: 'x', ref: 'y' }), amount({ value: 'z', ref: 'z' })], { mode: 'delta' });
    instance.round('2021-06-30', '--dry-run');
    assert.equal(instance.json('feed', 'show', 'many').quarantine.length, 3);
    // What is read of it (a session tells it when it ends), whatever the server knows of the batch: nothing at all, all, that there is none.
    const read = () => Number(instance.sql(`select idx_tup_read + (select seq_tup_read from pg_stat_user_tables where relname = 'quarantine')
        from pg_stat_user_indexes where indexrelname = 'quarantine_batch'`));
    const showAll = async (batch) => {
        const before = read();
        const shown = await showSlowly(batch);
        await until(() => read() - before >= ROWS, 'the session to tell what it read');
        assert.ok(read() - before < 4 * ROWS, `${read() - before} rows were read to show ${ROWS} of batch ${batch}`);
        return shown;
    };
    const more = (batch) => instance.sql(`insert into quarantine select b.batch_id, n + 10, column_name, q.reason, found, expected, kept from quarantine q, batch b,
        generate_series(1, ${ROWS}) n where q.batch_id = (select batch_id from batch where batch = 'many') and q.line = 4 and b.batch = '${batch}'`);
    more('many');
    const many = await showAll('many');
    instance.sql('analyze quarantine');
    await showAll('many');
    dropFeed(instance.drop, 'medical_insurance', 'later', [amount({ ref: 'later' })], { mode: 'delta' });
    instance.round('2021-06-30', '--dry-run');
    more('later');
    await showAll('later');
    assert.equal(many.status, 0);
    assert.equal(many.shown.quarantine.length, ROWS + 3);
    assert.ok(many.memory > 0 && many.memory < MEMORY_KB, `${many.memory} kB for ${ROWS} rows`);
    const kinds = [
        { reason: 'date.unreadable', column: 'from', kept: false, rows: ROWS + 1, first_line: 4 },
        { reason: 'amount.unreadable', column: 'value', kept: true, rows: 1, first_line: 5 },
        { reason: 'subject.none', column: '', kept: false, rows: 1, first_line: 3 },
    ];
    assert.deepEqual(many.shown.kinds, kinds);

    const { quarantine, ...rest } = instance.json('feed', 'show', 'many', '--limit', '2');
    assert.deepEqual(quarantine.map(({ line }) => line), [3, 4]);
    assert.deepEqual(rest.kinds, kinds);
    const text = instance.ctl('feed', 'show', 'many', '--limit', '1').stdout.split('\n');
    assert.equal(text[1], `  ${ROWS + 1} rows with date.unreadable in from, the first in line 4`);
    assert.equal(text[2], '  1 rows with amount.unreadable in value (kept), the first in line 5');
    assert.match(text[4], /^ {2}line 3, : subject\.none: /);
    assert.equal(text[5], `  and ${ROWS + 2} more`);
});

test('of thousands of files that wait each is told of once', async () => {
    const FILES = 1100;
    const folder = join(instance.drop, 'water');
    mkdirSync(folder);
    for (let i = 0; i < FILES; i++) writeFileSync(join(folder, `w${i}.csv`), '');
    const told = () => instance.output.split('event=feed.waiting feed=water').length - 1;
    const scan = () => instance.ctlAside('round', '--as-of', '2021-06-30', '--dry-run'); // the log is read meanwhile
    for (let i = 0; i < 3; i++) assert.equal((await scan()).status, 0);
    rmSync(folder, { recursive: true });
    await scan();
    await until(() => told() >= FILES, 'the log to be read');
    assert.equal(told(), FILES);
});

test('the many files of one feed do not hold up the only one of another, and keep their order', () => {
    const FILES = 30, sent = (minute) => ({ mode: 'delta', sent_at: `2021-06-30T08:${minute}:00+08:00` });
    for (let i = FILES - 1; i >= 0; i--) dropFeed(instance.drop, 'justice', `j${i}`, [amount({ ref: `j${i}` })], sent(10 + i));
    dropFeed(instance.drop, 'tax', 't', [amount({ ref: 't' })], sent(50));
    instance.round('2021-06-30', '--dry-run');
    const order = instance.sql("select batch from batch where batch ~ '^(j[0-9]+|t)$' order by batch_id").split('\n');
    assert.deepEqual(order, ['j0', 't', ...Array.from({ length: FILES - 1 }, (_, i) => `j${i + 1}`)]);
});
