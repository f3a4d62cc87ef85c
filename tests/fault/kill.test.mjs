// SPDX-License-Identifier: PostgreSQL
// The daemon is killed at every step of its work, started again, and must come to the same end as one that was left alone; so must
// one that stands still there for longer than an attempt of delivery may take.
// See README.md. Environment: SHOUWANG_SEEDS (per point, default 1), SHOUWANG_FREEZES (per point, default 1 where something is sent, else
// none), SHOUWANG_POINTS (a regular expression), SHOUWANG_LANES.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { program } from '../system/lib/instance.mjs';
import { differences, faults, noteBefore, seen } from './lib/compare.mjs';
import { COUNTY, LATER_PASSAGES, makeStates, TOWNSHIPS, WAYS } from './lib/scenarios.mjs';
import { Run, Site } from './lib/site.mjs';

const SEEDS = Number(process.env.SHOUWANG_SEEDS ?? 1);
const freezesAt = (point) => Number(process.env.SHOUWANG_FREEZES ?? /^(delivery|send|results)\./.test(point));
const WANTED = new RegExp(process.env.SHOUWANG_POINTS ?? '.');
/** Two for each processor: half of a run is waiting. */
const LANES = Number(process.env.SHOUWANG_LANES ?? 2 * availableParallelism());

function listPoints() {
    const { status, stdout } = spawnSync(program('shouwangd'), ['--list-kill-points'], { encoding: 'utf8' });
    return status === 0 ? stdout.trim().split('\n').map((line) => line.split('\t')[0]) : [];
}

/** A number that a seed and a purpose decide. */
function pick(seed, salt, below) {
    let hash = 2166136261;
    for (const byte of Buffer.from(`${seed} ${salt}`)) hash = Math.imul(hash ^ byte, 16777619) >>> 0;
    return ((hash ^ (hash >>> 15)) >>> 0) % below;
}

let site;

/** Goes a way from its state to its end, and says what there is to see. */
async function go(name, options) {
    const way = WAYS[name];
    const run = await Run.begin(site, way.from, { ...way.options, ...options });
    try {
        await noteBefore(run);
        await way.drive(run);
        await run.stop();
        return { run, seen: await seen(run), faults: await faults(run) };
    } catch (problem) {
        const waiting = await run.sql("select row_to_json(d) from delivery d where state in ('queued', 'in_flight') order by outbox_no limit 3").catch(String);
        problem.message += `\n${name}, killed ${run.kills} times\n${waiting}\n${await run.sql('select * from endpoint').catch(String)}\n${(run.log + (run.instance.output ?? '')).split('\n').slice(-60).join('\n')}`;
        throw problem;
    } finally {
        await run.close();
    }
}

/** The register's rows begin and end by the day in Shanghai: only runs of one day look the same. */
const today = () => new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(new Date());

/** Goes a way within one day; over midnight it is gone once more. */
async function goInADay(name, options) {
    for (;;) {
        const day = today();
        const made = await go(name, options);
        if (today() === day) return { ...made, day };
    }
}

const points = listPoints();

describe('killed at every step', { skip: points.length === 0 && 'a build without --enable-kill-points', concurrency: LANES }, () => {
    const references = new Map();

    /** What a way comes to undisturbed, today. */
    async function reference(name) {
        if (references.get(name)?.day !== today()) references.set(name, await goInADay(name, { trace: true }));
        return references.get(name);
    }

    before(async () => {
        site = await Site.start(TOWNSHIPS, COUNTY);
        await makeStates(site);
        const names = Object.keys(WAYS);
        // Undisturbed, twice: two runs that are left alone must look the same, or nothing could be compared.
        const lane = async (lane) => {
            for (let i = lane; i < names.length; i += LANES) {
                const first = await reference(names[i]);
                assert.deepEqual(first.faults, [], `${names[i]}, undisturbed`);
                if (SEEDS > 1) {
                    const second = await goInADay(names[i], { trace: true, seed: 5 });
                    assert.deepEqual(differences((await reference(names[i])).seen, second.seen), [], `${names[i]}: two undisturbed runs differ`);
                }
            }
        };
        // All of them to their end: a daemon that is left behind would keep us.
        const ends = await Promise.allSettled(Array.from({ length: LANES }, (_, i) => lane(i)));
        for (const { reason } of ends) if (reason) throw reason;
    });
    after(() => site?.stop());

    /** The ways that pass a point, its own first. */
    const waysOf = (point) => Object.keys(WAYS).filter((name) => references.get(name).run.passages.has(point)).sort((a, b) => WAYS[b].first.test(point) - WAYS[a].first.test(point));

    /** Kills at the passage, or an earlier one: how many results are written together is the weather's, so that a late passage may not come. */
    async function kill(name, point, passage, seed, freeze = false) {
        for (; ; passage = Math.ceil(passage / 2)) {
            const killed = await goInADay(name, { kill: `${point}:${passage}`, freeze, seed });
            assert.ok(killed.run.kills > 0 || passage > 1, `${name}: the daemon never came to this point`);
            if (killed.run.kills === 0) continue;
            const undisturbed = await reference(name);
            if (undisturbed.day !== killed.day) return kill(name, point, passage, seed, freeze); // midnight came between them
            const wrong = [...killed.faults, ...differences(undisturbed.seen, killed.seen)];
            assert.ok(wrong.length === 0, `${name}, passage ${passage}: ${wrong.length} faults\n${wrong.slice(0, 12).join('\n')}`);
            return;
        }
    }

    /** The ways in turn, and in each another passage. */
    function strike(point, seed, freeze) {
        const ways = waysOf(point);
        assert.ok(ways.length > 0, 'no way of tests/fault/lib/scenarios.mjs passes this point: add one that does');
        const name = seed === 0 ? ways[0] : ways[pick(seed, point, ways.length)];
        return kill(name, point, seed === 0 ? 1 : 1 + pick(seed, `${point} passage`, references.get(name).run.passages.get(point)), seed, freeze);
    }

    for (const point of points.filter((name) => WANTED.test(name))) {
        for (let seed = 0; seed < SEEDS; seed++) test(`${point}${SEEDS > 1 ? `, seed ${seed}` : ''}`, () => strike(point, seed, false));
        for (let seed = 0; seed < freezesAt(point); seed++) test(`${point}, frozen${seed > 0 ? `, seed ${seed}` : ''}`, () => strike(point, seed, true));
    }
    for (const [name, point, passage] of LATER_PASSAGES.filter((row) => WANTED.test(row[1]))) test(`${point}, passage ${passage}`, () => kill(name, point, passage, 0));
});
