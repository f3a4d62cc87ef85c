// SPDX-License-Identifier: PostgreSQL
// The systemd unit is sound and shuts the daemon in, as far as systemd itself can tell.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
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
    writeFileSync(unit, text.replaceAll('@sbindir@', dirname(program('shouwangd'))).replaceAll('@bindir@', dirname(program('shouwangctl'))).replaceAll('@sysconfdir@', '/etc'));
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

test('the daemon is started again for ever, its log is kept whole, and what it may not write is closed to it', { skip }, () => {
    const lines = readFileSync(unit, 'utf8').split('\n').filter((line) => /^[A-Z]\w*=/.test(line));
    const values = (key) => lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
    assert.deepEqual(values('Restart'), ['on-failure']);
    assert.deepEqual(values('StartLimitIntervalSec'), ['0'], 'else systemd gives up, and systemctl start is refused as well');
    assert.deepEqual(values('RestartPreventExitStatus'), ['64 78']);
    assert.deepEqual(values('LogRateLimitIntervalSec'), ['0'], 'else a large round’s thousands of lines hide the one that matters');
    assert.deepEqual(values('ConfigurationDirectory'), [], 'it would be writable, and the account’s own where it is missing');
    assert.deepEqual(values('LimitCORE'), ['0']);
    const sample = spawnSync(program('shouwangd'), ['--print-config'], { encoding: 'utf8' }).stdout;
    const connections = Number(/^#connections = (\d+)$/m.exec(sample)[1]);
    assert.ok(Number(values('TasksMax')[0]) >= 4 * connections, 'a thread for each name that is looked up, also of an attempt that has ended');
    assert.match(values('ExecReload').join(), /shouwangctl -c \S+ reload$/, 'it ends when the reload has, and fails when that is refused');
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
    const mode = (path) => (statSync(join(root, path)).mode & 0o7777).toString(8);
    assert.deepEqual(['', '/drop', '/archive'].map((path) => mode(`var/lib/shouwang${path}`)), ['751', '751', '750']);
    assert.equal(mode('etc/shouwang'), '750');
    // A partner's account (operators.md, step 8) reaches its own folder, through folders that it cannot list, and no other's. When
    // the unit starts, systemd gives /var/lib/shouwang the mode that stands there.
    assert.match(readFileSync(unit, 'utf8'), /^StateDirectoryMode=0751$/m);
    for (const path of [folder, root]) chmodSync(path, 0o755);
    const drop = join(root, 'var/lib/shouwang/drop');
    for (const [feed, partner] of [['medical_insurance', '54321'], ['housing', '54322']])
        assert.equal(spawnSync('install', ['-d', '-o', partner, '-g', String(statSync(drop).gid), '-m', '2770', join(drop, feed)]).status, 0);
    const may = (script) => spawnSync('setpriv', ['--reuid=54321', '--regid=54321', '--clear-groups', 'sh', '-c', script], { cwd: folder, encoding: 'utf8' }).status === 0;
    assert.ok(may(`echo x >${drop}/medical_insurance/a.csv`), 'into its own folder');
    assert.equal(statSync(join(drop, 'medical_insurance', 'a.csv')).gid, statSync(drop).gid, 'the daemon may read it');
    for (const no of [`ls ${drop}`, `ls ${drop}/housing`, `ls ${drop}/../archive`, `touch ${drop}/x`, `ls ${root}/etc/shouwang`]) assert.ok(!may(no), no);
});
