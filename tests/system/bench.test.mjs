// SPDX-License-Identifier: PostgreSQL
// The benchmark of rounds still runs, on a tiny county, and its peers in SQL agree with the daemon on every household.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './lib/instance.mjs';

test('a round, raw COPY and the scheme in SQL on 400 households', () => {
    const bench = spawnSync(join(ROOT, 'bench', 'run'), ['round', '--households', '400', '--rounds', '1', '--sql', '1'], { encoding: 'utf8', timeout: 600000 });
    assert.equal(bench.status, 0, bench.stdout + bench.stderr);
    for (const peer of ['staged', 'one statement']) assert.match(bench.stdout, new RegExp(`^${peer} SQL: equal to the daemon on every household \\([1-9]`, 'm'));
    assert.match(bench.stdout, /^400 households, 1[0-9]{3} persons/m);
    assert.match(bench.stdout, /^raw COPY: [0-9]+ statements, [1-9][0-9]{3,} rows/m);
    for (const bar of ['round : raw COPY', 'staged SQL : round', 'one statement : round', 'evaluation : round', 'peak memory'])
        assert.match(bench.stdout, new RegExp(`^ +${bar}.* (met|MISSED)$`, 'm'));
});

test('the first round of a county, twice', () => {
    const bench = spawnSync(join(ROOT, 'bench', 'run'), ['round', '--households', '400', '--first', '2'], { encoding: 'utf8', timeout: 600000 });
    assert.equal(bench.status, 0, bench.stdout + bench.stderr);
    const rounds = [...bench.stdout.matchAll(/^first round: ([1-9][0-9]*) warnings raised, .* record [0-9]+, .* ([1-9][0-9]*) bytes per household$/gm)];
    assert.equal(rounds.length, 2, bench.stdout);
    assert.equal(rounds[0][1], rounds[1][1], 'both raise the same');
    assert.match(bench.stdout, /^medians of 2: record and commit [0-9]+ ms, [0-9]+ µs a warning/m);
});
