// SPDX-License-Identifier: PostgreSQL
// What is typed wrongly, or on a day when nothing runs: exit status by the manual page, and a message that says what to do.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { program, ROOT } from './lib/instance.mjs';

const folder = mkdtempSync(join(tmpdir(), 'swuse.'));
after(() => rmSync(folder, { recursive: true, force: true }));
const POLICY = join(ROOT, 'conf', 'policies', 'shaanxi-county.policy');
const file = (name, text, mode = 0o644) => {
    writeFileSync(join(folder, name), text, { mode });
    return join(folder, name);
};
for (const name of ['drop', 'register', 'dir.policy']) mkdirSync(join(folder, name));
const conf = (name, policy = POLICY) => file(name, `[county]
code = 610922
name = 示范县
[database]
conninfo = host=${folder}/none dbname=x
[feeds]
directory = drop
[policy]
file = ${policy}
[control]
socket = ctl.sock
[state]
directory = state
`);
const CONF = conf('shouwang.conf');
const BAD = file('bad.policy', '政策 坏\n');
const BAD_CONF = conf('badpolicy.conf', BAD);
const WRONG = file('wrong.conf', '[county]\ncode = 12\nnme = x\n');
const CREDENTIAL = conf('credential.conf');
writeFileSync(CREDENTIAL, readFileSync(CREDENTIAL, 'utf8').replace(/^conninfo = .*$/m, 'conninfo = credential:conninfo'));
const NONE = join(folder, 'none.conf'), NO_POLICY = join(folder, 'none.policy');
const run = (name, args, options = {}) => spawnSync(program(name), args, { encoding: 'utf8', timeout: 120000, ...options });

const DATABASE_DOWN = /database at .*none, 5432: cannot be reached; is PostgreSQL running, and is \[database\] conninfo in .*shouwang\.conf right\?/;
const DAEMON_DOWN = /shouwangd does not answer \(.*ctl\.sock: .*\); is it running\?/;
const NO_CONF = /none\.conf: cannot open it: No such file or directory; name the configuration by -c FILE or SHOUWANG_CONF/;
const CASES = [
    // no configuration
    ...[['status'], ['warnings'], ['migrate'], ['import', 'register'], ['simulate', POLICY], ['policy', 'check', POLICY]].map((args) => [['-c', NONE, ...args], 78, NO_CONF]),
    [['-c', WRONG, 'status'], 78, /wrong\.conf:2: \[county\] code = 12: .*expected the county's 6 digits \(and \d more\); shouwangd --check-config tells all/],
    // nothing runs
    ...[['status'], ['round'], ['round', '--dry-run'], ['round', 'accept', '--reason', 'seen', '1'], ['endpoint', 'test', '610922103'], ['reload']].map((args) => [args, 69, DAEMON_DOWN]),
    ...[['warnings'], ['explain', 'H1'], ['leads'], ['migrate'], ['feeds'], ['feed', 'show', '1'], ['rounds'], ['queue'], ['queue', 'shape'], ['simulate', POLICY]].map((args) => [args, 69, DATABASE_DOWN]),
    // what only systemd shows, and only to the daemon: who needs no database needs it not, who does names a folder of his own
    ...[['status'], ['round'], ['round', 'accept', '--reason', 'seen', '1'], ['endpoint', 'test', '610922103'], ['reload']].map((args) => [['-c', CREDENTIAL, ...args], 69, DAEMON_DOWN]),
    ...[['warnings'], ['import', 'register']].map((args) => [['-c', CREDENTIAL, ...args], 78, /conninfo: CREDENTIALS_DIRECTORY is not set: .*an operator to a folder of his own/]),
    // files
    [['import', join(folder, 'register')], 66, /household\.csv: cannot be read: No such file/],
    ...['check', 'test', 'show', 'fmt'].flatMap((verb) => [
        [['policy', verb, NO_POLICY], 66, /none\.policy: cannot open it: No such file/],
        [['policy', verb, join(folder, 'dir.policy')], 66, /dir\.policy: not a regular file/],
        [['policy', verb, BAD], 1, /bad\.policy:2:1: .*应为“版本”/],
    ]),
    [['policy', 'diff', BAD, POLICY], 65, /bad\.policy:2:1: /],
    [['simulate', NO_POLICY], 66, /none\.policy: cannot open it: No such file/], // whether or not there is a database
    [['simulate', BAD], 65, /bad\.policy:2:1: /],
    [['-c', BAD_CONF, 'simulate', POLICY], 78, /bad\.policy:2:1: /],
    // words
    [[], 64, /^usage: shouwangctl/],
    [['frobnicate'], 64, /unknown verb "frobnicate"; shouwangctl --help lists them/],
    [['warnngs'], 64, /unknown verb "warnngs" \(did you mean warnings\?\); shouwangctl --help lists them/],
    [['warnings', '--levle', 'red'], 64, /unknown option --levle \(did you mean --level\?\)/],
    [['policy'], 64, /"policy" wants another word: policy check, policy test, policy show, policy diff, policy fmt; shouwangctl --help/],
    [['policy', 'chek', POLICY], 64, /"policy" wants another word: policy check, /],
    [['feed', 'shw', '1'], 64, /"feed" wants another word: feed show, feed trust; /],
    [['feed', 'accept', '3'], 64, /this version has no verb "feed accept" yet; .*feed trust/],
    [['queue', 'hold', '--township', '610922103'], 64, /this version has no verb "queue hold" yet; .*townships\.d/],
    [['queue', 'release'], 64, /--township is missing: whose receiver .*; see shouwangctl queue release --help/],
    [['queue', 'requeue', '--reason', 'x'], 64, /--township is missing: whose events .*; see shouwangctl queue requeue --help/],
    [['queue', 'release', '--township', '610922103', '--reason', ' '], 64, /--reason is empty/],
    [['queue', 'requeue', '--township', '61092210'], 64, /--township: "61092210" is no township's code; expected 9 digits, .*, or the county's own 6; see/],
    [['replay', '--township', '610922103', '--since', '2021-07-01'], 64, /this version has no verb "replay" yet; /],
    [['report', '--month', '2021-06'], 64, /this version has no verb "report" yet; /],
    [['audit', 'verify'], 64, /this version has no verb "audit verify" yet; /],
    [['endpoint'], 64, /"endpoint" wants another word: endpoint test; /],
    [['-x', 'status'], 64, /unknown option -x; shouwangctl --help lists/],
    [['status', 'more'], 64, /unexpected argument "more"; see shouwangctl status --help/],
    [['status', '--frobnicate'], 64, /unknown option --frobnicate; see shouwangctl status --help/],
    [['feed', 'show'], 64, /BATCH is missing; see shouwangctl feed show --help/],
    [['import'], 64, /give either a DIR or --views/],
    [['import', '--views', 'register'], 64, /give either a DIR or --views/],
    // values
    [['warnings', '--level'], 64, /--level needs a LEVEL/],
    [['warnings', '--level', 'blue'], 64, /--level: unknown "blue"; expected red, orange, yellow, verify; see/],
    [['warnings', '--state', 'nah'], 64, /--state: unknown "nah"; expected open, accepted, visited, assisting, watching, closed; see/],
    [['warnings', '--township', '12'], 64, /--township: "12" is no township's code; expected 9 digits, the last three from 001 to 399/],
    [['warnings', '--village', 'x'], 64, /--village: "x" is no village's code; expected 12 digits/],
    [['queue', '--township', 'x'], 64, /--township: "x" is no township's code/],
    [['simulate', '--township', '610922999', POLICY], 64, /--township: "610922999" is no township's code; expected 9 digits, the last three from 001 to 399/],
    [['endpoint', 'test', '12'], 64, /"12" is no township's code; expected 9 digits, .*; see shouwangctl endpoint test --help/],
    [['explain', '--round', 'x', 'H1'], 64, /--round: "x" is not a number from 0 to/],
    [['explain', '--round', '1', '--as-of', '2021-01-01', 'H1'], 64, /expected one of them/],
    [['leads', '--limit', '-1'], 64, /--limit: "-1" is not a number/],
    ...['2021-13-01', '2021-02-30', 'yesterday', '20210101', '9999-12-31', ''].map((date) => [['round', '--as-of', date], 64, /--as-of: ".*" is not a date; expected YYYY-MM-DD, from 1850-01-01 to 2999-12-31; see/]),
    [['round', 'accept', '--reason', 'seen', 'y'], 64, /"y" is not a round's number/],
    [['import', '--encoding', 'latin1', 'register'], 64, /--encoding: "latin1" is none of auto, utf-8, gb18030/],
    // what does not go together
    [['warnings', '--csv', '--json'], 64, /--csv and --json do not go together/],
    [['simulate', '--csv', '--json', POLICY], 64, /--csv and --json do not go together/],
    [['policy', 'test', '--examples', '--mutants', POLICY], 64, /--examples and --mutants do not go together/],
    [['policy', 'fmt', '--check', '--write', POLICY], 64, /--check and --write do not go together/],
];
test('a policy is checked beside a configuration whose conninfo only systemd shows', () => {
    const { status, stdout } = run('shouwangctl', ['-c', CREDENTIAL, 'policy', 'check', POLICY]);
    assert.equal(status, 0);
    assert.match(stdout, /来源与 .*credential\.conf 比对过/);
});

for (const [args, status, said] of CASES)
    test(`shouwangctl ${args.map((word) => word.replace(folder + '/', '').replace(ROOT + '/', '') || '""').join(' ')}`, () => {
        const result = run('shouwangctl', args.includes('-c') || args.length === 0 ? args : ['-c', CONF, ...args], { cwd: folder });
        assert.match(result.stderr, said);
        assert.equal(result.status, status, result.stderr);
        assert.equal(result.stdout, '');
    });

for (const [args, status, said] of [
    [['--frobnicate'], 64, /unrecognized option '--frobnicate'\nusage: shouwangd/],
    [['start'], 64, /unexpected argument "start"\nusage: shouwangd/],
    [['-c'], 64, /option requires an argument -- 'c'\nusage: shouwangd/],
    [['-c', NONE, '-f'], 78, /none\.conf: cannot open it: No such file or directory; name the configuration by -c FILE or SHOUWANG_CONF/],
    [['-c', NONE, '--check-config'], 78, /none\.conf: cannot open it/],
    [['-c', WRONG, '--check-config'], 78, /wrong\.conf:3: unknown key nme in \[county\], did you mean name\?/],
    [['-c', BAD_CONF, '--check-config'], 78, /bad\.policy:2:1: /],
    [['-c', BAD_CONF, '-f'], 78, /bad\.policy:2:1: /],
    [['-c', conf('nopolicy.conf', NO_POLICY), '--check-config'], 78, /none\.policy: cannot open it/],
])
    test(`shouwangd ${args.map((word) => word.replace(folder + '/', '')).join(' ')}`, () => {
        const result = run('shouwangd', args);
        assert.match(result.stderr, said);
        assert.equal(result.status, status, result.stderr);
    });

test('who may not read the configuration or open the socket is told which group may: 77', { skip: process.getuid() !== 0 }, async () => {
    const nobody = { uid: 65534, gid: 65534, cwd: folder };
    chmodSync(folder, 0o755);
    const secret = file('secret.conf', '', 0o640);
    const hidden = run('shouwangctl', ['-c', secret, 'status'], nobody);
    assert.match(hidden.stderr, /secret\.conf: cannot open it: Permission denied; only its group \(root\) may: be a member of it and log in again/);
    assert.equal(hidden.status, 77);
    const socket = join(folder, 'ctl.sock');
    const server = createServer();
    await new Promise((resolve) => server.listen(socket, resolve));
    chmodSync(socket, 0o660);
    const closed = run('shouwangctl', ['-c', CONF, 'status'], nobody);
    await new Promise((resolve) => server.close(resolve));
    assert.match(closed.stderr, /ctl\.sock: cannot connect: Permission denied; only its group \(root\) may: be a member of it and log in again/);
    assert.equal(closed.status, 77);
});

test('an output that cannot be written is no success: 74', () => {
    const full = openSync('/dev/full', 'w');
    for (const args of [['policy', 'show', POLICY], ['policy', 'check', '--json', POLICY], ['policy', 'fmt', POLICY], ['policy', 'diff', POLICY, join(ROOT, 'conf', 'policies', 'guangxi.policy')]]) {
        const { status, stderr } = run('shouwangctl', args, { stdio: ['ignore', full, 'pipe'] });
        assert.match(stderr, /cannot write the (output|document|page)/, args.join(' '));
        assert.equal(status, 74);
    }
    closeSync(full);
});
