// SPDX-License-Identifier: PostgreSQL
// The daemon's life: start, readiness, reload, orders, outages, leftovers of a kill, the end.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, closeSync, existsSync, fstatSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection } from 'node:net';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { ask, askLine } from './lib/control.mjs';
import { Register, residentId } from './lib/county.mjs';
import { Cluster, Instance, newSecret, program } from './lib/instance.mjs';
import { ServiceManager } from './lib/notify.mjs';
import { until } from './lib/wait.mjs';

let cluster, instance, manager;
before(async () => {
    cluster = Cluster.start();
    manager = await ServiceManager.start();
    process.env.NOTIFY_SOCKET = manager.path;
});
after(() => {
    delete process.env.NOTIFY_SOCKET;
    manager?.stop();
    cluster?.stop();
});
beforeEach(() => {
    instance = new Instance(cluster);
    manager.messages = '';
});
afterEach(async () => instance.close());

const get = (path, options) => instance.get(path, options);
const daemon = (...args) => spawnSync(program('shouwangd'), ['-c', instance.conf, ...args], { encoding: 'utf8', timeout: 60000 });

test('it tells the service manager when it is ready, when it reloads and when it stops', async () => {
    await instance.start();
    await manager.waitFor('READY=1');
    assert.match(manager.messages, /^STATUS=/m);
    instance.daemon.kill('SIGHUP');
    await manager.waitFor('RELOADING=1');
    assert.match(manager.messages, /^MONOTONIC_USEC=\d+$/m);
    await manager.waitFor('READY=1', 2);
    const good = readFileSync(instance.conf, 'utf8'); // `systemctl status` tells of a reload that was refused
    writeFileSync(instance.conf, `${good}\n[nonsense]\n`);
    instance.daemon.kill('SIGHUP');
    await manager.waitFor('READY=1', 3);
    await until(() => /^STATUS=.*reload was refused/m.test(manager.messages), () => manager.messages);
    writeFileSync(instance.conf, good);
    instance.daemon.kill('SIGHUP');
    await manager.waitFor('READY=1', 4);
    await until(() => !/refused/.test(manager.messages.match(/^STATUS=.*$/gm).at(-1)), () => manager.messages);
    assert.deepEqual(await instance.stop(), { code: 0, signal: null });
    await manager.waitFor('STOPPING=1'); // its last words may come after its end
    assert.equal(manager.count('STOPPING=1'), 1);
    await instance.waitForLog(/event=daemon\.stop exit=0/);
    assert.ok(!existsSync(instance.socket), 'the control socket is gone');
});

test('the watchdog is pinged while the loop turns', async () => {
    process.env.WATCHDOG_USEC = '200000';
    try {
        await instance.start();
        await manager.waitFor('WATCHDOG=1', 4);
    } finally {
        delete process.env.WATCHDOG_USEC;
    }
});

// `journalctl -p err` and `systemctl status` are what an operator looks at when it does not start.
test('what keeps it from starting has the priority of a fault in the journal, and is its status', async () => {
    const journal = (...args) => {
        const path = join(instance.directory, 'journal.log'), fd = openSync(path, 'w');
        const { dev, ino } = fstatSync(fd);
        const env = { ...process.env, JOURNAL_STREAM: `${dev}:${ino}` };
        const { status } = spawnSync(program('shouwangd'), ['-c', instance.conf, ...args], { env, stdio: ['ignore', 'ignore', fd], timeout: 60000 });
        closeSync(fd);
        return { status, lines: readFileSync(path, 'utf8').trimEnd().split('\n') };
    };
    const config = readFileSync(instance.conf, 'utf8');
    writeFileSync(instance.conf, `${config}\n[rounds]\nlimit = 0.5\n[nonsense]\n`);
    const mistaken = journal();
    assert.equal(mistaken.status, 78);
    assert.match(mistaken.lines[0], /^<3>level=error event=config\.mistake mistake=".*limit = 0\.5/);
    assert.match(mistaken.lines.at(-1), /^<1>level=alert event=daemon\.failed err=".*limit = 0\.5/);
    for (const line of mistaken.lines) assert.match(line, /^<[13]>level=/);
    await until(() => /^STATUS=.*limit = 0\.5/m.test(manager.messages), () => manager.messages);

    writeFileSync(instance.conf, config);
    instance.sql("insert into migration select max(number) + 1, 'from the future', repeat('0', 64), now() from migration");
    const log = join(instance.directory, 'other.log');
    writeFileSync(instance.conf, config.includes('[log]') ? config.replace('[log]', `[log]\nfile = ${log}`) : `${config}\n[log]\nfile = ${log}\n`);
    const misfit = journal();
    assert.equal(misfit.status, 78);
    assert.deepEqual(misfit.lines.filter((line) => !/^<1>shouwangd: the database has migration \d+/.test(line)), []);
    assert.match(readFileSync(log, 'utf8'), /event=database\.misfit/);
    await until(() => /^STATUS=the database has migration/m.test(manager.messages.split('STATUS=stopping').at(-1)), () => manager.messages);
});

test('it refuses a database that nobody migrated, and names the remedy', () => {
    cluster.sql(`drop database ${instance.database}`);
    cluster.sql(`create database ${instance.database}`);
    const { status, stderr } = daemon('-f');
    assert.equal(status, 78);
    assert.match(stderr, /event=database\.misfit .*shouwangctl migrate/);
});

test('it refuses a database that a newer program migrated', () => {
    instance.sql("insert into migration select max(number) + 1, 'from the future', repeat('0', 64), now() from migration");
    const { status, stderr } = daemon('-f');
    assert.equal(status, 78);
    assert.match(stderr, /event=database\.misfit/);
});

test('it comes up while the database is away, says so, and works when it is back', async () => {
    cluster.pg('stop');
    try {
        await instance.start();
        await instance.waitForLog(/event=daemon\.ready .*database=down/);
        assert.equal((await get('/livez')).status, 200);
        const ready = await get('/readyz');
        assert.equal(ready.status, 503);
        assert.match(ready.text, /\[-\] database: down: /);
        assert.match((await get('/metrics')).text, /^shouwang_database_up 0$/m);
        assert.equal((await get('/')).status, 200);
        const refused = await ask(instance.socket, 'round', { wait: true });
        assert.equal(refused.exit, 75);
    } finally {
        cluster.pg('start');
    }
    await until(async () => (await get('/readyz')).status === 200, 'ready');
    await instance.waitForLog(/event=database\.up/);
});

test('a server that is read-only counts as away, and the daemon connects again until it finds one that is not', async () => {
    await instance.start();
    const sessions = `pg_stat_activity where datname = '${instance.database}' and application_name like 'shouwangd%'`;
    cluster.sql(`alter database ${instance.database} set default_transaction_read_only = on`);
    cluster.sql(`select pg_terminate_backend(pid) from ${sessions}`); // as a failover does, with which the server becomes a standby
    await ask(instance.socket, 'status'); // has a look, as it does by itself every 15 s
    await until(async () => /database: down: .*read-only/.test((await get('/readyz')).text), () => `its state:\n${instance.output}`);
    cluster.sql(`alter database ${instance.database} reset default_transaction_read_only`); // for those who connect from now on
    await until(async () => (await get('/readyz')).status === 200, () => `ready again:\n${instance.output}`, 30000);
    assert.equal((await ask(instance.socket, 'scan', { wait: true })).ok, true);
});

test('it outlives a crash of the database under it', async () => {
    await instance.start();
    cluster.pg('kill');
    cluster.pg('start');
    // It may say that it is ready before it has missed the database: then it says "try again".
    const answers = [];
    await until(async () => (answers.push(await ask(instance.socket, 'scan', { wait: true })), answers.at(-1).ok), () => JSON.stringify(answers));
    assert.deepEqual(answers.filter(({ ok, exit }) => !ok && exit !== 75), []);
    assert.doesNotMatch(instance.output, /^(?!time=|<\d>)./m, 'nothing but log lines on stderr');
});

test('its pages are what they should be', async () => {
    await instance.start();
    for (const path of ['/', '/livez', '/readyz', '/readyz?verbose', '/metrics']) {
        const { status, headers } = await get(path);
        assert.equal(status, 200, path);
        assert.equal(headers['x-content-type-options'], 'nosniff');
        assert.equal((await get(path, { method: 'HEAD' })).text, '');
        const post = await get(path, { method: 'POST', body: 'x' });
        assert.equal(post.status, 405);
        assert.match(post.headers.allow, /GET/);
    }
    assert.equal((await get('/livez/')).status, 404);
    assert.equal((await get('/metrics?x=1')).status, 200);
    const page = (await get('/')).text;
    assert.match(page, /^<!DOCTYPE html>\n<html lang="zh-CN">/);
    assert.doesNotMatch(page, /<script|https?:/);
    assert.match((await get('/metrics')).headers['content-type'], /^text\/plain; version=0\.0\.4/);
});

test('promtool finds nothing to mend in the metrics', { skip: spawnSync('promtool', ['--version']).error && 'promtool is not installed' }, async () => {
    await instance.start();
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: (await get('/metrics')).text, encoding: 'utf8' });
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
});

test('a reload takes everything or nothing', async () => {
    await instance.start();
    instance.settings.delivery = { timeout: '20s', retry_first: '9x' };
    instance.configure();
    instance.daemon.kill('SIGHUP');
    await instance.waitForLog(/event=config\.refused .*retry_first = 9x/);
    assert.match((await get('/readyz?verbose')).text, /\[!\] configuration: the last reload was refused/);
    const refused = await ask(instance.socket, 'reload');
    assert.equal(refused.exit, 78);
    assert.match(refused.error, /shouwang\.conf:\d+: \[delivery\] retry_first = 9x: /);
    assert.doesNotMatch(instance.output, /config\.changed/);

    delete instance.settings.delivery.retry_first;
    instance.settings.http.listen = '127.0.0.1:1';
    instance.configure();
    const taken = await ask(instance.socket, 'reload');
    assert.equal(taken.ok, true);
    assert.match(taken.result.policy.hash, /^[0-9a-f]{64}$/);
    await instance.waitForLog(/event=config\.changed key=delivery\.timeout from=1min to=20s/);
    await instance.waitForLog(/event=config\.restart_needed key=http\.listen in_use=127\.0\.0\.1:0 written=127\.0\.0\.1:1/);
    assert.equal((await get('/readyz?verbose')).status, 200);
    assert.match((await get('/readyz?verbose')).text, /\[\+\] configuration: as on disk/);
    await until(() => instance.sql("select count(*) from audit where action = 'daemon.reload'") === '1', 'the audit');
});

test('a reload with a policy that does not compile keeps the old one', async () => {
    const file = `${instance.directory}/p.policy`;
    writeFileSync(file, readFileSync(instance.settings.policy.file));
    instance.settings.policy.file = file;
    instance.configure();
    await instance.start();
    const before_ = (await ask(instance.socket, 'status')).result.policy;
    writeFileSync(file, readFileSync(file, 'utf8') + '\n红色 坏\n');
    const refused = await ask(instance.socket, 'reload');
    assert.equal(refused.exit, 78);
    assert.match(refused.error, /p\.policy:\d+:\d+: /);
    assert.deepEqual((await ask(instance.socket, 'status')).result.policy, before_);
});

test('what cannot be understood at the control socket is refused with a reason', async () => {
    await instance.start();
    for (const [line, reason] of [
        ['nonsense', /a request is one line/],
        ['[]', /a request is one line/],
        ['', /a request is one line/],
        ['{"verb":"status"}\0', /a request is one line/],
        ['{"verb":"sta\0tus"}', /a request is one line/],
        ['{"verb":"status\\u0000"}', /a request is one line/],
        ['['.repeat(60000), /a request is one line/],
        ['{"verb":"status","verb":"status"}', /a request is one line/],
        ['{"verb":"frobnicate"}', /knows no verb frobnicate/],
        ['{"verb":"round","args":[]}', /args must be an object/],
        ['{"verb":"round","args":{"dry_run":"yes"}}', /dry_run must be true or false/],
        ['{"verb":"round","args":{"as_of":"2021-02-30"}}', /as_of must be a date/],
        ['{"verb":"round","args":{"bad":1}}', /takes no argument bad/],
        ['{"verb":"round accept","args":{"reason":"x"}}', /needs the argument id/],
        ['{"verb":"round accept","args":{"id":0,"reason":"x"}}', /id must be a number above 0/],
        ['{"verb":"log level","args":{"level":"loud"}}', /level must be debug/],
    ]) {
        const answer = await askLine(instance.socket, line);
        assert.deepEqual({ ok: answer.ok, exit: answer.exit }, { ok: false, exit: 64 }, line);
        assert.match(answer.error, reason);
    }
    assert.equal((await get('/livez')).status, 200);
});

test('a peer that sends a line without end, or goes away, does no harm', async () => {
    await instance.start();
    await new Promise((resolve) => {
        const socket = createConnection(instance.socket, () => socket.write('x'.repeat(1 << 20)));
        socket.on('close', resolve).on('error', resolve);
    });
    for (let i = 0; i < 20; i++) {
        const socket = createConnection(instance.socket).on('error', () => {});
        await new Promise((resolve) => socket.write('{"verb":"round","args":{"dry_run":true}}\n', resolve));
        socket.destroy();
    }
    // 16 peers are served at one time; those who left give their places back.
    await until(async () => (await ask(instance.socket, 'status').catch(() => ({}))).ok, 'an answer');
});

test('connections that somebody left open keep no operator out, nor put out who waits for an answer', async () => {
    instance.import(new Register().single('H1', residentId('1980-01-01', 1), '1000.00'));
    await instance.start();
    const left = [];
    const leave = (bytes) =>
        new Promise((resolve) => {
            const socket = createConnection(instance.socket, () => (bytes ? socket.write(bytes, resolve) : resolve())).on('error', () => {});
            left.push(socket);
        });
    try {
        for (let i = 0; i < 20; i++) await leave(i % 2 ? '{"verb":"sta' : '');
        const waits = instance.ctlAside('round', '--as-of', '2021-06-30', '--wait', '--json');
        for (let i = 0; i < 20; i++) await leave('');
        assert.equal((await instance.ctlAside('status', '--json')).status, 0);
        assert.equal((await waits).status, 0);
    } finally {
        for (const socket of left) socket.destroy();
    }
});

test('status tells what is', async () => {
    await instance.start();
    const { result } = await ask(instance.socket, 'status');
    assert.equal(result.county.code, '610922');
    assert.equal(result.database.state, 'up');
    assert.equal(result.http, instance.http);
    assert.deepEqual(result.levels, { red: 0, orange: 0, yellow: 0, verify: 0 });
    assert.equal(result.last_round, null);
    assert.ok(result.feeds.some((feed) => feed.feed === 'medical_insurance' && feed.batch === null && feed.fresh === false));
});

test('a round says how far it is and gives its report', async () => {
    instance.import(new Register().single('H1', residentId('1980-01-01', 1), '1000.00'));
    await instance.start();
    const answer = await ask(instance.socket, 'round', { as_of: '2021-06-30', wait: true });
    assert.equal(answer.ok, true, answer.error);
    assert.deepEqual(answer.progress.map(({ stage }) => stage).filter((stage) => stage !== 'scan'), ['round']);
    assert.equal(answer.result.as_of, '2021-06-30');
    assert.equal(answer.result.raised, 1);
    assert.equal(instance.sql('select cause from round'), 'operator');
    assert.match((await get('/metrics')).text, /^shouwang_rounds_total\{outcome="committed"\} 1$/m);
    const early = await ask(instance.socket, 'round', { as_of: '2021-06-29', wait: true });
    assert.equal(early.exit, 65);
});

test('endpoints that are configured have their rows, after a reload too', async () => {
    const keys = { url: 'http://127.0.0.1:9/hook', secret: newSecret() };
    instance.township('610922103', keys);
    await instance.start();
    const rows = () => instance.sql('select string_agg(township_code::text, $$,$$ order by township_code) from endpoint');
    assert.equal(rows(), '610922103');
    instance.township('610922104', keys);
    assert.equal((await ask(instance.socket, 'reload')).ok, true);
    await instance.waitForLog(/event=config\.township township=610922104 change=added/);
    await until(() => rows() === '610922103,610922104', 'the new row');
});

test('a second daemon on the same control socket is refused', async () => {
    await instance.start();
    const second = daemon('-f');
    assert.equal(second.status, 78);
    assert.match(second.stderr, /event=daemon\.failed .*control socket/);
    assert.equal((await ask(instance.socket, 'status')).ok, true);
});

test('a round that a killed daemon left running is failed at the next start', async () => {
    instance.sql("insert into round (state, cause, as_of) values ('running', 'operator', '2021-06-30')");
    await instance.start();
    await instance.waitForLog(/event=round\.leftovers rounds=1/);
    assert.equal(instance.sql('select state from round'), 'failed');
});

/** A daily schedule whose next round is half a day away, whenever this runs. */
function halfADayAway() {
    const inShanghai = new Date(Date.now() + (12 + 8) * 3600000);
    return `*-*-* ${inShanghai.toISOString().slice(11, 16)}`;
}

test('a scheduled round that was missed runs at the start, once', async () => {
    instance.settings.rounds = { schedule: halfADayAway() };
    instance.configure();
    instance.sql("insert into round (state, cause, as_of, started_at, finished_at) values ('committed', 'schedule', current_date - 9, now() - interval '9 days', now() - interval '9 days')");
    await instance.start();
    const rounds = () => instance.sql("select count(*) from round where cause = 'schedule' and state = 'committed'");
    await until(() => rounds() === '2', 'the missed round');
    await instance.stop();
    await instance.start();
    await ask(instance.socket, 'scan', { wait: true });
    assert.equal(rounds(), '2');
});

test('without an earlier scheduled round none was missed', async () => {
    instance.settings.rounds = { schedule: halfADayAway() };
    instance.configure();
    await instance.start();
    await ask(instance.socket, 'scan', { wait: true });
    assert.equal(instance.sql('select count(*) from round'), '0');
});

test('SIGUSR1 opens the log file again after a rotation', async () => {
    const file = `${instance.directory}/shouwangd.log`;
    instance.settings.log = { file: 'shouwangd.log' };
    instance.configure();
    instance.daemonArguments = [];
    const { spawn } = await import('node:child_process');
    const child = spawn(program('shouwangd'), ['-c', instance.conf], { stdio: 'ignore' });
    const exited = new Promise((resolve) => child.on('exit', resolve));
    const text = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '');
    try {
        await until(() => text(file).includes('event=daemon.ready'), 'ready in the log file');
        renameSync(file, `${file}.1`);
        child.kill('SIGUSR1');
        await until(() => existsSync(file), 'the new log file');
        assert.equal((await ask(instance.socket, 'status')).ok, true);
        await until(() => text(file).includes('verb=status'), 'a line in the new file');
        assert.ok(!text(`${file}.1`).includes('verb=status'));
    } finally {
        child.kill('SIGTERM');
    }
    assert.equal(await exited, 0);
});

test('SIGTERM during a round ends it without a trace but its row', async () => {
    instance.import(new Register().single('H1', residentId('1980-01-01', 1), '1000.00'));
    await instance.start();
    // The round waits for this lock when it wants to commit.
    const { spawn } = await import('node:child_process');
    const lock = spawn('psql', ['-XAtq', '-d', instance.conninfo], { stdio: ['pipe', 'pipe', 'ignore'] });
    let said = '';
    lock.stdout.setEncoding('utf8').on('data', (chunk) => (said += chunk));
    lock.stdin.write('begin; lock table shouwang.finding in access exclusive mode; select 1;\n');
    await until(() => said.includes('1'), 'the lock');
    const answer = ask(instance.socket, 'round', { as_of: '2021-06-30', wait: true }).catch((problem) => ({ problem }));
    await until(() => instance.sql("select count(*) from round where state = 'running'") === '1', 'the round');
    const started = Date.now();
    instance.daemon.kill('SIGTERM');
    const end = await instance.exited;
    instance.daemon = null;
    lock.stdin.end('rollback;\n');
    assert.deepEqual(end, { code: 0, signal: null });
    assert.ok(Date.now() - started < 26000);
    const { exit, problem } = await answer;
    assert.ok(exit === 75 || problem, 'the asker is told');
    assert.equal(instance.sql('select count(*) from warning'), '0');
});

test('--once takes in, rounds and ends', () => {
    instance.import(new Register().single('H1', residentId('1980-01-01', 1), '1000.00'));
    const { status, stderr } = daemon('-f', '--once');
    assert.equal(status, 0, stderr);
    assert.equal(instance.sql("select state || ' ' || cause from round"), 'committed once');
});

test('--once with the database away is a passing failure', () => {
    cluster.pg('stop');
    try {
        assert.equal(daemon('-f', '--once').status, 75);
    } finally {
        cluster.pg('start');
    }
});

test('--check-config tells every mistake and needs no database', () => {
    assert.equal(daemon('--check-config').status, 0);
    appendFileSync(instance.conf, '[feed]\n[rounds]\nschedul = x\nlimit = y\n');
    const { status, stderr } = daemon('--check-config');
    assert.equal(status, 78);
    assert.match(stderr, /unknown section \[feed\], did you mean \[feeds\]\?\n.*unknown key schedul.*\n.*\[rounds\] limit = y: /);
});

test('the arguments are what the interface says', () => {
    assert.match(daemon('--version').stdout, /^shouwang \d/);
    assert.match(daemon('--help').stdout, /--check-config[^]*Example/);
    assert.equal(daemon('--print-config').stdout, readFileSync(new URL('../../conf/shouwang.conf', import.meta.url), 'utf8'));
    for (const args of [['--frobnicate'], ['extra'], ['-c']]) {
        const { status, stderr } = spawnSync(program('shouwangd'), args, { encoding: 'utf8' });
        assert.equal(status, 64);
        assert.match(stderr, /^shouwangd: |usage: shouwangd/m);
    }
});
