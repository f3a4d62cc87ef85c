// SPDX-License-Identifier: PostgreSQL
// The systemd unit is sound and shuts the daemon in, as far as systemd itself can tell.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { program, ROOT } from './lib/instance.mjs';

const analyze = (...args) => spawnSync('systemd-analyze', args, { encoding: 'utf8', timeout: 60000 });
const skip = analyze('--version').error && 'systemd-analyze is not installed';
let folder, unit;
before(() => {
    folder = mkdtempSync(join(tmpdir(), 'swunit.'));
    unit = join(folder, 'shouwangd.service');
    const text = readFileSync(join(ROOT, 'systemd', 'shouwangd.service.in'), 'utf8');
    writeFileSync(unit, text.replaceAll('@sbindir@', dirname(program('shouwangd'))).replaceAll('@sysconfdir@', '/etc'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('the unit has no mistakes', { skip }, () => {
    const { status, stdout, stderr } = analyze('verify', '--man=no', unit);
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
});

test('the daemon is exposed no more than it has to be', { skip }, () => {
    const { stdout } = analyze('security', '--offline=true', '--no-pager', unit);
    const exposure = Number(/Overall exposure level for shouwangd\.service: ([\d.]+)/.exec(stdout)?.[1]);
    assert.ok(exposure <= 1.2, `exposure ${exposure}:\n${stdout}`);
});

test('the account and its folders are made', { skip: (spawnSync('systemd-sysusers', ['--version']).error && 'systemd is not installed') || (process.getuid() !== 0 && 'only root makes accounts') }, () => {
    const root = join(folder, 'root');
    mkdirSync(join(root, 'etc'), { recursive: true });
    for (const args of [['systemd-sysusers', '--root', root], ['systemd-tmpfiles', '--create', '--root', root]]) {
        const file = args[0] === 'systemd-sysusers' ? 'shouwang.sysusers.conf' : 'shouwang.tmpfiles.conf';
        const { status, stderr } = spawnSync(args[0], [...args.slice(1), join(ROOT, 'systemd', file)], { encoding: 'utf8' });
        assert.equal(status, 0, stderr);
    }
    assert.match(readFileSync(join(root, 'etc/passwd'), 'utf8'), /^shouwang:/m);
    assert.equal(statSync(join(root, 'var/lib/shouwang/drop')).mode & 0o7777, 0o750);
});
