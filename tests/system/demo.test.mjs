// SPDX-License-Identifier: PostgreSQL
// ./demo as a newcomer runs it, beside the one that somebody may have running here: to its end, a second time, and stopped.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BUILD, ROOT } from './lib/instance.mjs';

/** Everything of the tree but what a demonstration makes: the script finds its own folder, and this build. */
function place() {
    const folder = mkdtempSync(join(tmpdir(), 'swdemo.'));
    chmodSync(folder, 0o755);
    for (const name of readdirSync(ROOT)) if (!['.demo', '.git', 'build', 'demo'].includes(name)) symlinkSync(join(ROOT, name), join(folder, name));
    symlinkSync(BUILD, join(folder, 'build'));
    copyFileSync(join(ROOT, 'demo'), join(folder, 'demo'));
    chmodSync(join(folder, 'demo'), 0o755);
    return folder;
}

const lives = (pid) => {
    try {
        return process.kill(pid, 0);
    } catch {
        return false;
    }
};

test('the demonstration goes to its end, again where it stands, and ends what it started', { timeout: 600000 }, async () => {
    const folder = place();
    const run = (command, ...args) => spawnSync(command, args, { cwd: folder, encoding: 'utf8', timeout: 280000, env: { ...process.env, DEMO_HOUSEHOLDS: '300' } });
    try {
        for (let time = 1; time <= 2; time++) {
            const { status, stdout, stderr } = run('./demo');
            assert.equal(status, 0, `${stdout}\n${stderr}`);
            assert.match(stdout, /\n(\d{3,}) of \1 events verified by their receivers; refused: 0\n/);
            assert.match(stdout, /\n {2}webhook-id {2}[0-9a-f-]{36}\n {2}type {8}cn\.shouwang\.warning\.raised\n {2}township {4}\d{9}, due on 2021-\d\d-\d\d\n {2}reason {6}近/);
            const [, where] = /== Where to look\S*\n([^]*)$/.exec(stdout);
            const page = await fetch(/^status page +(\S+)$/m.exec(where)[1]);
            assert.equal(page.status, 200);
            const [, warnings] = /^warnings +(.*)$/m.exec(where);
            assert.match(run('sh', '-c', warnings).stdout, /^H\d{8} {2}\d{9} {2}red /m);
            assert.match(where, /^end it +\.\/demo --stop$/m);
        }
        const pids = ['shouwangd.pid', ...readdirSync(join(folder, '.demo', 'townships')).filter((name) => name.endsWith('.pid')).map((name) => join('townships', name))].map((name) =>
            Number(readFileSync(join(folder, '.demo', name), 'utf8'))
        );
        assert.equal(pids.length, 13);
        assert.ok(pids.every(lives));
        assert.equal(run('./demo', '--stop').status, 0);
        assert.ok(!pids.some(lives));
    } finally {
        run('./demo', '--stop');
        rmSync(folder, { recursive: true, force: true });
    }
});
