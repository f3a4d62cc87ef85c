// SPDX-License-Identifier: PostgreSQL
// Every policy that is shipped, in a county made for it: each clause fires, is missed, and is undecided where it can be, and what the
// daemon says of every household is what the naive evaluator says. A policy that differs in one sign is noticed.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { minusMonths } from '../reference/county.mjs';
import { parsePolicyText } from '../reference/language.mjs';
import { makeCounty } from '../reference/policy-county.mjs';
import { mustBeUndecided } from '../reference/policy-search.mjs';
import { evaluatePolicy, readAnyCounty } from '../reference/policy.mjs';
import { Cluster, Instance, ROOT, program } from './lib/instance.mjs';

const SEEDS = Number(process.env.SHOUWANG_SEEDS ?? 1);
const THOROUGH = SEEDS > 1; // `make check-long`: larger counties, searched for longer
// A county that is searched for costs seconds: the build with sanitizers has one of the examples and of chance, which no less runs every step.
const SANITIZED = readFileSync(program('shouwangd')).includes('__asan_init');
// So have those of which it costs ten seconds and more.
const LENGTHY = ['guangxi', 'jilin-linjiang', 'pingluo-tongfu', 'sichuan', 'suining-town'];
const isSearched = (file) => THOROUGH || (!SANITIZED && !LENGTHY.includes(basename(file, '.policy')));
const NASTY = THOROUGH ? 400 : 60; // households by chance alone, beside the planted ones
const FOLDER = join(ROOT, 'conf', 'policies');
const POLICIES = readdirSync(FOLDER).filter((name) => name.endsWith('.policy')).map((name) => join(FOLDER, name));
const DATES = ['2021-06-30', '2024-02-29', '2021-03-31', '2022-12-31', '2025-10-31'];

let cluster;
before(() => (cluster = Cluster.start()));
after(() => cluster?.stop());

/** A day on which the policy and all its clauses are in force. */
function dateFor(policy, seed) {
    const begins = [policy.effective, ...policy.clauses.map(({ from }) => from ?? '')].sort().at(-1);
    const good = DATES.filter((day) => day >= begins && policy.clauses.every(({ until }) => until === null || day <= until));
    return good[seed % good.length] ?? minusMonths(begins, -1);
}

const outcome = ({ household_no, level, reasons, checks, undecided, suggestions, tags }) =>
    JSON.stringify({ household_no, level, reasons, checks, undecided, suggestions, tags });

/** What only one of the two says: a difference of one household is read at a glance, not searched in hundreds. */
const without = (these, those) => { const known = new Set(those); return these.filter((one) => !known.has(one)); };

/** A test that never sees a clause fire, or never sees it not fire, would prove nothing of it. */
function assertCoverage(policy, judged, unreached) {
    const decided = []; // a clause whose amounts never matter when they are unknown: hard to find, or impossible
    for (const clause of policy.clauses) {
        const statuses = new Set(judged.flatMap(({ outcomes }) => outcomes.filter(({ rule }) => rule === clause.rule).map(({ status }) => status)));
        assert.ok(statuses.has('fires'), `${clause.rule} fires somewhere`);
        assert.ok(statuses.has('no') || statuses.has('absent'), `${clause.rule} is missed somewhere`);
        if (clause.kind !== 'suggestion' && mustBeUndecided(policy, clause) && !statuses.has('undecided') && !statuses.has('to_verify')) decided.push(clause.rule);
    }
    assert.ok(decided.length * 10 <= policy.clauses.length, `never undecided: ${decided}`);
    const lines = policy.clauses.reduce((sum, clause) => sum + clause.lines.length + (clause.some?.lines.length ?? 0), 0);
    const alone = unreached.filter(({ target }) => target.line !== undefined).length;
    assert.ok(alone * 4 <= lines, `${alone} of ${lines} lines are never what alone keeps a clause from a household`);
}

const FLIPPED = { '<': '≤', '≤': '<', '<=': '<', '>': '≥', '≥': '>', '>=': '>', '=': '≠', '≠': '=', '!=': '=' };

/** The policy's text without its examples, one of its signs of comparison changed. */
function flipped(text, sign) {
    const lines = text.split('\n');
    const line = lines[sign.line];
    lines[sign.line] = line.slice(0, sign.column) + FLIPPED[sign.raw] + line.slice(sign.column + sign.raw.length);
    return lines.filter((one) => !/^(例|等效|example|equivalent) /.test(one)).join('\n');
}

const outcomesOf = (policy, county, date) => evaluatePolicy(policy, county, date).document.households.map(outcome);

/**
 * Would a wrong machine be seen? Every sign of comparison decides something about somebody; here one that is seen in the listing (not all are:
 * a suggestion shows only beside a level) is changed, for the evaluator and for the daemon.
 */
function assertFlipsAreNoticed(text, policy, noticed, seed, { instance, date, county, right }) {
    const signs = noticed.map((_, i) => policy.comparisons.get(noticed[(seed + i) % noticed.length]));
    const isSeen = (sign) => JSON.stringify(outcomesOf(parsePolicyText(flipped(text, sign)), county, date)) !== JSON.stringify(right);
    const seen = THOROUGH ? signs.filter(isSeen) : [signs.slice(0, 4).find(isSeen)].filter(Boolean);
    assert.ok(seen.length >= (THOROUGH ? 0.7 * signs.length : 1), `signs that are seen: ${seen.length} of ${signs.length}`);
    const changed = join(instance.directory, 'changed.policy');
    const isAccepted = (sign) => { // some the checker sees already: their clause could never fire
        writeFileSync(changed, flipped(text, sign));
        return instance.ctl('policy', 'check', changed).status === 0;
    };
    assert.ok(seen.some(isAccepted), 'a changed policy that can be run');
    instance.settings.policy = { file: changed };
    instance.configure();
    instance.reload();
    instance.round(date);
    assert.notDeepEqual(instance.json('warnings').households.map(outcome), right, 'the daemon runs the changed policy, and that is seen');
}

for (const file of POLICIES)
    for (let seed = 1; seed <= SEEDS; seed++)
        test(`${basename(file)}: the machine and the evaluator agree (seed ${seed})`, async () => {
            const text = readFileSync(file, 'utf8');
            const policy = parsePolicyText(text);
            const date = dateFor(policy, seed);
            const folder = mkdtempSync(join(tmpdir(), 'swpol.'));
            const instance = new Instance(cluster, { policy: file, settings: { rounds: { limit: '100%' } } });
            try {
                const { unreached, noticed, unnoticed } = makeCounty(policy, date, { seed, households: NASTY, out: folder, searched: isSearched(file), thorough: THOROUGH });
                const county = readAnyCounty(folder);
                instance.import(join(folder, 'register'));
                cpSync(join(folder, 'feeds'), instance.drop, { recursive: true });
                await instance.start();
                const round = instance.round(date);
                const found = instance.json('warnings').households.map(outcome);
                const expected = evaluatePolicy(policy, county, date);
                const right = expected.document.households.map(outcome);
                assert.deepEqual({ found: without(found, right), expected: without(right, found) }, { found: [], expected: [] });
                assert.deepEqual(found, right, 'the same households in the same order');
                assert.deepEqual(round.statistics, expected.statistics);
                if (!isSearched(file)) return;
                assertCoverage(policy, expected.judged, unreached);
                if (THOROUGH) assert.ok(unnoticed.length * 5 <= noticed.length, `signs that nobody notices: lines ${unnoticed.map((node) => policy.comparisons.get(node)?.line + 1)}`);
                const written = noticed.filter((node) => policy.comparisons.has(node)); // not those that 不一致 implies
                assertFlipsAreNoticed(text, policy, written, seed, { instance, date, county, right });
            } finally {
                await instance.close();
                rmSync(folder, { recursive: true, force: true });
            }
        });
