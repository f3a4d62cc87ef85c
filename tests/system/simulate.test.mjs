// SPDX-License-Identifier: PostgreSQL
// Another policy beside the one in force: what it says, and that asking leaves no trace.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { dropFeed, Register, residentId } from './lib/county.mjs';
import { Cluster, Instance, program, ROOT } from './lib/instance.mjs';

const POLICY = join(ROOT, 'conf', 'policies', 'shaanxi-county.policy');
const TOWNSHIPS = ['610922103', '610922104'];
// Dibao standard 4830 a year: red below it, orange up to 7245 (3/2), by the other policy up to 9660 (2).
const INCOMES = ['1000.00', '5000.00', '7244.99', '7245.00', '8000.00', '9659.99', '9660.00', '20000.00'];
const LEVELS = ['red', 'orange', 'orange', 'none', 'none', 'none', 'none', 'none'];
const BY_OTHER = ['red', 'orange', 'orange', 'orange', 'orange', 'orange', 'none', 'none'];

// What it costs to lift the orange ones to the line, and what the winter costs.
const SUGGESTION = `
议 suggest.winter 取暖和补差
  依据 甲 (二)预警分办 1.基本生活救助
  限于 等级 属于 (橙)
  当   收入低
  金额 取暖补助 = 300.00元/户
  金额 补差 = 低收入线 - 人均收入
  理由 "人均收入{人均收入},低于低收入线{低收入线}"
`;

let cluster, instance, other;
before(async () => {
    cluster = Cluster.start();
    instance = new Instance(cluster);
    const register = new Register();
    for (const [t, township] of TOWNSHIPS.entries())
        for (const [i, income] of INCOMES.entries()) register.single(`H${t}${i}`, residentId('1980-01-01', t * 100 + i), income, { township });
    // A household on dibao whose disabled member gets no allowance: a check by either policy, but of another name.
    const id = residentId('1970-01-01', 1);
    register.single('C1', id, '1000.00').fact({ household_no: 'C1', code: 'relief.dibao', from: '2020-01-01' });
    register.fact({ id_number: id, code: 'disability.certificate', value: `${id}44`, from: '2020-01-01' });
    instance.import(register);
    other = join(instance.directory, 'other.policy');
    const changed = readFileSync(POLICY, 'utf8').replace(/^设定 低收入倍数 : 比       = 3\/2 /m, '设定 低收入倍数 : 比       = 2 ').replaceAll('check.disability_living', 'check.living');
    writeFileSync(other, changed + SUGGESTION);
    await instance.start();
    instance.round('2021-06-30');
});
after(async () => {
    await instance?.close();
    cluster?.stop();
});

/** Every row of every table with the transaction that wrote it and where it lies; `except`: what the daemon itself keeps writing. */
function tables(except = []) {
    const names = instance.sql(`select relname from pg_class where relnamespace = 'shouwang'::regnamespace and relkind = 'r' order by 1`).split('\n');
    const parts = names.filter((name) => !except.includes(name)).map((name) => `select '${name}', count(*), md5(coalesce(string_agg(concat_ws('|', t.ctid, t.xmin, t.xmax, t::text), ';' order by t.ctid), '')) from ${name} t`);
    const sequences = `select sequencename, last_value, '' from pg_sequences where schemaname = 'shouwang' order by 1`;
    return instance.sql(parts.join(' union all ') + ' order by 1') + '\n' + instance.sql(sequences);
}

/** Every file below a folder. */
function files(folder) {
    return readdirSync(folder, { recursive: true })
        .map((name) => ({ name, stat: statSync(join(folder, name)) }))
        .filter(({ stat }) => stat.isFile())
        .map(({ name, stat }) => `${name} ${stat.mtimeMs} ${createHash('sha256').update(readFileSync(join(folder, name))).digest('hex')}`)
        .sort();
}

const cells = (matrix) => Object.fromEntries(matrix.levels.map(({ before, after, households }) => [`${before} ${after}`, households]));

function check(document) {
    assert.equal(document.as_of, '2021-06-30');
    assert.equal(document.households, 17);
    assert.deepEqual(cells(document), { 'red red': 2, 'orange orange': 4, 'none orange': 6, 'none none': 5 });
    assert.equal(document.moved, 6);
    assert.deepEqual([document.checks_raised, document.checks_cleared], [1, 1]);
    assert.deepEqual(document.townships.map(({ township_code, moved }) => [township_code, moved]), TOWNSHIPS.map((code) => [code, 3]));
    const expected = TOWNSHIPS.flatMap((township, t) => INCOMES.map((_, i) => [`H${t}${i}`, LEVELS[i], BY_OTHER[i]])).filter(([, from, to]) => from !== to);
    const moves = document.moves.map(({ household_no, before, after }) => [household_no, before.level, after.level]);
    assert.deepEqual(moves.filter(([no]) => no !== 'C1'), expected);
    const first = document.moves.find(({ household_no }) => household_no === 'H03');
    assert.deepEqual([first.before.rules, first.after.rules, first.township_code], [[], ['orange.margin'], TOWNSHIPS[0]]);
    assert.deepEqual(document.amounts, [
        { rule: 'suggest.winter', title: '取暖补助', unit: '元/户', before: { households: 0, low: '0.00', high: '0.00' }, after: { households: 10, low: '3000.00', high: '3000.00' } },
        { rule: 'suggest.winter', title: '补差', unit: '元/年/人', before: { households: 0, low: '0.00', high: '0.00' }, after: { households: 10, low: '22300.04', high: '22300.04' } },
    ]);
    // Reasons with their figures, of both sides, and what would be suggested.
    const [red, fourth] = ['H00', 'H03'].map((no) => document.moves.find(({ household_no }) => household_no === no));
    assert.equal(red, undefined, 'it does not move');
    assert.deepEqual(fourth.before.reasons, []);
    assert.deepEqual(fourth.after.reasons, [{ rule: 'orange.margin', text: '人均收入7245.00元,不低于低保标准4830.00元,低于低收入线9660.00元' }]);
    assert.deepEqual([fourth.before.suggestions, fourth.after.suggestions.map(({ rule, amounts }) => [rule, amounts.map(({ title, low, high, unit }) => [title, low, high, unit])])],
        [[], [['suggest.winter', [['取暖补助', '300.00', '300.00', '元/户'], ['补差', '2415.00', '2415.00', '元/年/人']]]]]);
    const checked = document.moves.find(({ household_no }) => household_no === 'C1');
    assert.deepEqual([checked.before.checks, checked.after.checks], [['check.disability_living'], ['check.living']]);
    assert.deepEqual([checked.before, checked.after].map(({ reasons }) => reasons.map(({ rule }) => rule)), [['check.disability_living'], ['check.living']]);
    // The side in force says what explain says of the same household.
    const told = instance.json('explain', 'C1').clauses.find(({ rule }) => rule === 'check.disability_living');
    assert.equal(checked.before.reasons[0].text, told.text);
}

test('it says what the other policy would change, and leaves no trace while the daemon works', () => {
    const before = [tables(['lease']), files(instance.directory)];
    check(instance.json('simulate', other));
    assert.deepEqual([tables(['lease']), files(instance.directory)], before);
});

test('a report that cannot be written is no success', () => {
    const full = openSync('/dev/full', 'w');
    for (const form of [[], ['--csv'], ['--json']]) {
        const { status, stderr } = spawnSync(program('shouwangctl'), ['-c', instance.conf, 'simulate', ...form, other], { encoding: 'utf8', stdio: ['ignore', full, 'pipe'] });
        assert.equal(status, 74, stderr);
        assert.match(stderr, /cannot write the report/);
    }
    closeSync(full);
});

test('the same policy moves nobody', () => {
    const document = instance.json('simulate', POLICY);
    assert.equal(document.moved, 0);
    assert.deepEqual(document.moves, []);
    assert.deepEqual(cells(document), { 'red red': 2, 'orange orange': 4, 'none none': 11 });
});

test('in Chinese, as CSV, of one township; progress goes to stderr', () => {
    const { status, stdout, stderr } = instance.ctl('simulate', '--township', TOWNSHIPS[1], other);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /无预警 → 橙色预警 {2}3|→ 橙色预警 {2}3/);
    assert.match(stdout, /orange\.margin/);
    assert.match(stdout, /suggest\.winter 取暖补助:原 0 户 0\.00 元\/户;新 5 户 1500\.00 元\/户/);
    assert.match(stderr, /^simulate: register \d+ ms/m);
    const csv = instance.ctl('simulate', '--csv', '--township', TOWNSHIPS[1], other).stdout.split('\r\n');
    assert.equal(csv[0], 'household_no,township_code,village_code,before,after,rules_before,rules_after,undecided_before,undecided_after,checks_cleared,checks_raised,reasons_before,reasons_after');
    assert.equal(csv[1], `H13,${TOWNSHIPS[1]},${TOWNSHIPS[1]}001,none,orange,,orange.margin,,,,,,"orange.margin 人均收入7245.00元,不低于低保标准4830.00元,低于低收入线9660.00元"`);
    assert.match(stdout, /\n {4}新 橙色预警:orange\.margin 收入在低保标准与低收入线之间\n {6}理由 人均收入7245\.00元,不低于低保标准4830\.00元,低于低收入线9660\.00元\n/);
    assert.equal(csv.length, 5);
});

test('an overlay of the policy itself', () => {
    const trials = join(instance.directory, 'trials.policy');
    writeFileSync(trials, readFileSync(POLICY, 'utf8') + '\n试算 提线\n  低收入倍数 = 2\n');
    const document = instance.json('simulate', '--trial', '提线', trials);
    assert.equal(document.other.trial, '提线');
    assert.deepEqual(cells(document), { 'red red': 2, 'orange orange': 4, 'none orange': 6, 'none none': 5 });
    assert.equal(instance.json('simulate', trials).moved, 0);
    const { status, stderr } = instance.ctl('simulate', '--trial', '没有', trials);
    assert.equal(status, 65, stderr);
    assert.match(stderr, /没有名为“没有”的试算;有:提线/);
    assert.match(instance.ctl('simulate', '--trial', '提线', POLICY).stderr, /没有名为“提线”的试算;这个政策里没有试算/);
});

test('refusals say why', () => {
    const bad = join(instance.directory, 'bad.policy');
    writeFileSync(bad, readFileSync(POLICY, 'utf8').replace('标准 低保', '标准 低宝'));
    const cases = [
        [['simulate', join(instance.directory, 'none.policy')], 66, /none\.policy/],
        [['simulate', bad], 65, /bad\.policy:\d+:\d+: /],
        [['simulate', '--township', '12', other], 64, /--township/],
        [['simulate', '--as-of', '2020-12-31', other], 78, /2020-12-31/],
    ];
    for (const [args, code, words] of cases) {
        const { status, stdout, stderr } = instance.ctl(...args);
        assert.equal(status, code, stderr);
        assert.match(stderr, words);
        assert.equal(stdout, '');
    }
});

test('while the daemon is down it says the same, and nothing at all is written', async () => {
    await instance.stop();
    const before = [tables(), files(instance.directory)];
    check(instance.json('simulate', other));
    check(instance.json('simulate', '--as-of', '2021-06-30', other));
    assert.deepEqual([tables(), files(instance.directory)], before);
});

test('of an earlier date only what was known on it counts, in amounts and reasons, too', async () => {
    await instance.start();
    // An agency that is believed before the register says in July what was earned in June.
    dropFeed(instance.drop, 'hr_social_security', 'later', [{ id_number: residentId('1980-01-01', 3), code: 'income.wage', value: '7300.00', from: '2021-06-30', to: '2021-06-30' }],
        { period_from: '2021-07-01', period_to: '2021-07-10', sent_at: '2021-07-10T01:00:00+08:00' });
    instance.round('2021-07-31');
    const of = (document) => document.moves.find(({ household_no }) => household_no === 'H03').after;
    const now = instance.json('simulate', other), then = instance.json('simulate', '--as-of', '2021-06-30', other);
    assert.match(of(now).reasons[0].text, /^人均收入7300\.00元,/);
    assert.match(of(then).reasons[0].text, /^人均收入7245\.00元,/);
    check(then);
    assert.equal(now.amounts[1].after.low, '22245.04');
});
