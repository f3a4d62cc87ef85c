// SPDX-License-Identifier: PostgreSQL
// The sample county and the reference evaluator hold each other: what was planted by hand is what the evaluator finds.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { decode, parseCsv } from '../reference/county.mjs';
import { evaluate } from '../reference/evaluate.mjs';
import { ROOT, program } from './lib/instance.mjs';

const node = (script, ...args) => spawnSync('node', [join(ROOT, 'tests', 'reference', script), ...args], { encoding: 'utf8' });

// Runs the body with a new county, and removes it.
function withCounty(args, body) {
    const folder = mkdtempSync(join(tmpdir(), 'swsample.'));
    try {
        const made = spawnSync(program('shouwang-county'), [...args, '--out', folder], { encoding: 'utf8' });
        assert.equal(made.status, 0, made.stderr);
        return body(folder);
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
}

// path -> hash of every file below a folder
function fingerprint(folder) {
    const files = readdirSync(folder, { recursive: true }).map((name) => join(folder, name)).filter((path) => statSync(path).isFile());
    return Object.fromEntries(files.sort().map((path) => [relative(folder, path), createHash('sha256').update(readFileSync(path)).digest('hex')]));
}

const table = (path) => readFileSync(path, 'utf8').trimEnd().split('\n').slice(1).map((line) => line.split('\t'));

test('the same arguments write the same bytes, another seed others', () => {
    const args = ['--households', '200', '--native', '--damage', '--months', '3', '--encoding', 'mixed'];
    const first = withCounty(args, fingerprint);
    assert.deepEqual(withCounty(args, fingerprint), first);
    const other = withCounty([...args, '--seed', '2'], fingerprint);
    assert.deepEqual(Object.keys(other), Object.keys(first));
    assert.notEqual(other['register/person.csv'], first['register/person.csv']);
});

for (const [date, ...args] of [
    ['2021-06-30'],
    ['2021-01-01', '--months', '24'], // the first day of the scheme
    ['2024-02-29', '--encoding', 'mixed'], // the windows are clamped to 28 February
    ['2025-02-28', '--encoding', 'gb18030'], // and so are birthdays
    ['2022-12-31', '--encoding', 'utf-8-bom', '--seed', '9'],
])
    test(`every planted case comes out as expected on ${date} ${args.join(' ')}`, () => {
        const checked = withCounty(['--date', date, '--households', '50', ...args], (folder) => node('check-expected.mjs', folder, date));
        assert.equal(checked.status, 0, checked.stdout + checked.stderr);
    });

test('the shares are those of a county: about 5 % of the people in assistance, 2 % of the households in colour', () => {
    withCounty(['--households', '6000', '--seed', '4'], (folder) => {
        const { figures } = evaluate(folder, '2021-06-30');
        const ordinary = [...figures.levels].filter(([household]) => /^H\d{8}$/.test(household));
        const share = (...levels) => ordinary.filter(([, level]) => levels.includes(level)).length / ordinary.length;
        assert.equal(ordinary.length, 6000);
        assert.ok(Math.abs(share('red', 'orange', 'yellow') - 0.02) < 0.005, `in colour ${share('red', 'orange', 'yellow')}`);
        assert.ok(share('verify') < 0.003, `verify ${share('verify')}`);
        const assisted = figures.members_in_assistance / figures.members;
        assert.ok(Math.abs(assisted - 0.05) < 0.01, `in assistance ${assisted}`);
    });
});

test('what is said about bad rows and damaged batches points at files that are there', () => {
    withCounty(['--households', '0', '--damage'], (folder) => {
        const rows = table(join(folder, 'expected_rows.tsv'));
        assert.ok(rows.length > 5, `${rows.length} bad rows`);
        for (const [file, line, reason] of rows) {
            const lines = readFileSync(join(folder, file), 'utf8').split('\r\n');
            assert.ok(lines[Number(line) - 1], `${file} has a line ${line}`);
            assert.match(reason, /^[a-z]+\.[a-z_]+$/);
        }
        const cases = table(join(folder, 'damaged', 'expected.tsv')).map(([name]) => name);
        assert.ok(cases.length > 5, `${cases.length} damaged batches`);
        assert.deepEqual(cases.sort(), readdirSync(join(folder, 'damaged')).filter((name) => name !== 'expected.tsv').sort());
    });
});

// The two agencies' own columns as sample/README.md describes them: [code, value, from, to, ref] per fact of a row.
const plainDate = (text) => text.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3');
const slashDate = (text) => text.replace(/^(\d{4})\/(\d+)\/(\d+)$/, (_, y, m, d) => `${y}-${m.padStart(2, '0')}-${d.padStart(2, '0')}`);
const NATIVE = {
    medical_insurance: (row) => [
        ['expense.medical_self_paid', row.自付金额.replace(/^(\d+)(\d\d)$/, '$1.$2'), plainDate(row.入院日期), plainDate(row.结算日期), row.单据号],
        ['illness.serious', row.大病病种, plainDate(row.大病认定日期), plainDate(row.大病终止日期), ''],
        ['relief.medical', { 已救助: 'yes', 未救助: 'no' }[row.医疗救助] ?? '', plainDate(row.医疗救助日期), plainDate(row.医疗救助截止), ''],
    ],
    disabled_federation: (row) => [
        ['disability.certificate', row.残疾证号, slashDate(row.发证日期), slashDate(row.注销日期), ''],
        ['relief.disability_living', '', slashDate(row.生活补贴起始), slashDate(row.生活补贴终止), ''],
        ['relief.disability_nursing', '', slashDate(row.护理补贴起始), slashDate(row.护理补贴终止), ''],
    ],
};

function translateNative(folder, feed) {
    const drop = join(folder, 'feeds-native', feed);
    for (const name of readdirSync(drop).filter((file) => file.endsWith('.csv'))) {
        const bytes = readFileSync(join(drop, name));
        const manifest = JSON.parse(readFileSync(join(drop, `${name}.manifest.json`), 'utf8'));
        assert.equal(createHash('sha256').update(bytes).digest('hex'), manifest.sha256);
        const rows = parseCsv(decode(bytes));
        assert.equal(rows.length, manifest.rows);
        const facts = rows.flatMap((row) => NATIVE[feed](row).filter(([, , from]) => from !== '').map((fact) => [row.身份证号, ...fact]));
        const lines = facts.map((fact) => fact.map((field) => (/[",]/.test(field) ? `"${field}"` : field)).join(','));
        const text = ['id_number,code,value,from,to,ref', ...lines, ''].join('\n');
        writeFileSync(join(folder, 'feeds', feed, name), text);
        writeFileSync(join(folder, 'feeds', feed, `${name}.manifest.json`),
            JSON.stringify({ ...manifest, rows: lines.length, sha256: createHash('sha256').update(text).digest('hex') }));
    }
}

test('the agencies say the same in columns of their own', () => {
    withCounty(['--households', '800', '--native'], (folder) => {
        const before = evaluate(folder, '2021-06-30').document;
        Object.keys(NATIVE).forEach((feed) => translateNative(folder, feed));
        assert.deepEqual(evaluate(folder, '2021-06-30').document, before);
    });
});

test('a folder with files in it is refused', () => {
    withCounty(['--households', '0'], (folder) => {
        const again = spawnSync(program('shouwang-county'), ['--out', folder], { encoding: 'utf8' });
        assert.equal(again.status, 73);
        assert.match(again.stderr, /expected a new or empty folder/);
    });
});

for (const [args, status, words] of [
    [['--help'], 0, /Examples:/],
    [[], 64, /--out DIR is missing/],
    [['--out', 'x', '--date', '2020-12-31'], 64, /expected a date from 2021-01-01/],
    [['--out', 'x', '--months', '1'], 64, /expected a number from 2 to 24/],
    [['--out', 'x', '--encoding', 'latin1'], 64, /expected utf-8/],
])
    test(`shouwang-county ${args.join(' ')} exits ${status}`, () => {
        const result = spawnSync(program('shouwang-county'), args, { encoding: 'utf8' });
        assert.equal(result.status, status);
        assert.match(result.stdout + result.stderr, words);
        assert.ok(!existsSync('x'));
    });
