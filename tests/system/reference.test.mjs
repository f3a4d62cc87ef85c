// SPDX-License-Identifier: PostgreSQL
// The policy machine against the naive evaluator, on nasty little generated counties: every household, unknowns included.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { evaluate } from '../reference/evaluate.mjs';
import { Cluster, Instance, ROOT } from './lib/instance.mjs';

const SEEDS = Number(process.env.SHOUWANG_SEEDS ?? 8);
const HOUSEHOLDS = 300;
const DATES = ['2021-06-30', '2024-02-29', '2021-03-31', '2022-12-31'];

function makeCounty(seed, date, folder) {
    const args = ['--seed', String(seed), '--households', String(HOUSEHOLDS), '--date', date, '--out', folder];
    const result = spawnSync(process.execPath, [join(ROOT, 'tests', 'reference', 'fuzz-county.mjs'), ...args], { encoding: 'utf8' });
    assert.equal(result.status, 0, result.stderr);
}

let cluster;
before(() => (cluster = Cluster.start()));
after(() => cluster?.stop());

const outcome = ({ household_no, level, reasons, checks, undecided, suggestions }) =>
    JSON.stringify({ household_no, level, reasons, checks, undecided, suggestions });

/** What only one of the two says: a difference of one household is read at a glance, not searched in hundreds. */
const without = (these, those) => these.filter((one) => !new Set(those).has(one));

for (let seed = 1; seed <= SEEDS; seed++) {
    const date = DATES[seed % DATES.length];
    test(`seed ${seed} on ${date}`, async () => {
        const folder = mkdtempSync(join(tmpdir(), 'swref.'));
        const instance = new Instance(cluster, { settings: { rounds: { limit: '100%' } } });
        try {
            makeCounty(seed, date, folder);
            instance.import(join(folder, 'register'));
            if (existsSync(join(folder, 'feeds'))) cpSync(join(folder, 'feeds'), instance.drop, { recursive: true });
            await instance.start();
            instance.round(date);
            const expected = evaluate(folder, date).document.households.map(outcome);
            const found = instance.json('warnings').households.map(outcome);
            assert.ok(expected.length > HOUSEHOLDS / 10, 'the county is nasty enough to say anything');
            assert.deepEqual({ found: without(found, expected), expected: without(expected, found) }, { found: [], expected: [] });
            assert.deepEqual(found, expected, 'the same households in the same order');
        } finally {
            await instance.close();
            rmSync(folder, { recursive: true, force: true });
        }
    });
}
