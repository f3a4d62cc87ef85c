// SPDX-License-Identifier: PostgreSQL
// Is the naive evaluator itself right? The cases of the policy language and the examples of every policy go through it, as they go
// through the machine; the Shaanxi scheme, written down by hand a second time, must agree with it; and a changed policy must not.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { evaluate } from '../reference/evaluate.mjs';
import { readExamples, runExamples } from '../reference/examples.mjs';
import { parsePolicyText } from '../reference/language.mjs';
import { evaluatePolicy, readAnyCounty, readPolicy } from '../reference/policy.mjs';
import { ROOT } from './lib/instance.mjs';

const SEEDS = Number(process.env.SHOUWANG_SEEDS ?? 4);
const CASES = join(ROOT, 'tests', 'cases');
const POLICIES = join(ROOT, 'conf', 'policies');
const prelude = readFileSync(join(CASES, 'policy_prelude.policy'), 'utf8');
const rowsOf = (file) => readFileSync(join(CASES, file), 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split('\t'));

function faultsOf(text) {
    const policy = parsePolicyText(text);
    assert.ok(policy.examples.length > 0, 'there is an example');
    return runExamples(policy);
}

test('every condition comes out as its case says, and its negation the other way', () => {
    const opposite = { 查: '无', 无: '查', 未定: '未定' };
    const rows = rowsOf('policy_conditions.tsv');
    assert.ok(rows.length > 150);
    for (const [condition, household, outcome, why] of rows) {
        const nobody = /人口 1 死亡 自 2021-06-30/.test(household); // nothing is asked of a household without members
        const clause = (name, of) => `查 ${name} 试\n  依据 甲 一\n  当 ${of}\n  理由 "理"\n`;
        const text = `${prelude}${clause('x', condition)}${clause('y', `非 (${condition})`)}` +
            `例 x 例 ${household} 得 ${outcome} x ${nobody ? '无' : opposite[outcome]} y\n`;
        assert.deepEqual(faultsOf(text), [], `${condition}: ${why}`);
    }
});

test('clauses come out as their cases say', () => {
    const rows = rowsOf('policy_clauses.tsv');
    assert.ok(rows.length > 20);
    for (const [text, why] of rows) assert.deepEqual(faultsOf(prelude + text.replaceAll('\\n', '\n')), [], why);
});

test('a case that does not hold is noticed', () => {
    const clause = '查 x 试\n  依据 甲 一\n  当 收入 > 0\n  理由 "理"\n';
    const example = (outcome) => `例 x 一 日期 2021-06-30 农村 人口 1 工资 1.00 得 ${outcome} x\n`;
    assert.deepEqual(faultsOf(prelude + clause + example('查')), []);
    for (const outcome of ['无', '未定', '待核']) assert.equal(faultsOf(prelude + clause + example(outcome)).length, 1, outcome);
});

for (const file of [...readdirSync(POLICIES).filter((name) => name.endsWith('.policy')).map((name) => join(POLICIES, name)), join(CASES, 'policy_english.policy')])
    test(`the examples of ${file.split('/').at(-1)} hold`, () => {
        const policy = readPolicy(file);
        assert.ok(readExamples(policy).length > 0);
        assert.deepEqual(runExamples(policy), []);
    });

const SHAANXI = join(POLICIES, 'shaanxi-county.policy');
const DATES = ['2021-06-30', '2024-02-29', '2021-03-31', '2022-12-31'];
const outcome = ({ household_no, level, reasons, checks, undecided, suggestions }) =>
    JSON.stringify({ household_no, level, reasons, checks, undecided, suggestions });

function withCounty(seed, date, work) {
    const folder = mkdtempSync(join(tmpdir(), 'swlang.'));
    try {
        const args = ['--seed', String(seed), '--households', '150', '--date', date, '--out', folder];
        const made = spawnSync(process.execPath, [join(ROOT, 'tests', 'reference', 'fuzz-county.mjs'), ...args], { encoding: 'utf8' });
        assert.equal(made.status, 0, made.stderr);
        return work(folder);
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
}

const policyOutcomes = (policy, folder, date) => evaluatePolicy(policy, readAnyCounty(folder), date).document.households.map(outcome);

for (let seed = 1; seed <= SEEDS; seed++) {
    const date = DATES[seed % DATES.length];
    test(`the Shaanxi scheme: its policy and its definitions by hand agree (seed ${seed}, ${date})`, () => withCounty(seed, date, (folder) => {
        const found = policyOutcomes(readPolicy(SHAANXI), folder, date);
        const expected = evaluate(folder, date).document.households.map(outcome);
        assert.ok(expected.length > 15, 'the county is nasty enough to say anything');
        assert.deepEqual(found, expected);
    }));
}
