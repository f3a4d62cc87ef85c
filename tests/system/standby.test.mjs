// SPDX-License-Identifier: PostgreSQL
// Two daemons on one database: one leads, the other waits, and takes over when the first ends, is killed, frozen or cut off.
// Short leases, but for the last two, which take the defaults and run in make check-long.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { ask } from './lib/control.mjs';
import { Register, residentId } from './lib/county.mjs';
import { Cluster, Instance, newSecret, program } from './lib/instance.mjs';
import { ServiceManager } from './lib/notify.mjs';
import { PgProxy } from './lib/pg_proxy.mjs';
import { Receiver } from './lib/receiver.mjs';
import { inTime, Late, unhurried, until } from './lib/wait.mjs';

const TOWNSHIP = '610922103';
const AS_OF = '2021-06-30';
const LEASE_MS = 2500;
const LONG = process.env.SHOUWANG_LONG ? {} : { skip: 'runs in make check-long' };

let cluster, first, second, receiver, proxy, secret;
let struck; // how much the first had said when it was struck; null: it was not yet
before(() => (cluster = Cluster.start()));
after(() => cluster?.stop());
async function begin() {
    struck = null;
    secret = newSecret();
    receiver = await Receiver.start(secret);
}
async function end() {
    receiver.answer = () => 204;
    await second?.close();
    await first?.close();
    await proxy?.stop();
    await receiver.stop();
    first = second = proxy = null;
}
beforeEach(begin);
afterEach(end);

/** A daemon that was not kept from its lease could not keep it: the machine stood still for as long. */
const heldUp = () => [first?.output?.slice(0, struck ?? undefined), second?.output].some((said) => /event=lease\.suspended/.test(said));

/** A test with a lease that is short, or as long as this machine needs. */
const leased = (act) => () => unhurried(async (scale) => {
    try {
        await act(LEASE_MS * scale);
    } catch (problem) {
        throw heldUp() ? new Late(`a lease of ${LEASE_MS * scale} ms was lost by itself: ${problem.message}`) : problem;
    }
}, () => end().then(begin));
const strike = () => (struck = first.output.length);

/** Two daemons that are ready; the first leads. */
async function pair({ lease, through } = {}) {
    const settings = lease ? { lease: { duration: `${lease}ms` } } : {};
    const townships = { [TOWNSHIP]: { url: receiver.url, secret } };
    first = new Instance(cluster, { detached: true, settings, townships, through });
    first.import(register(12));
    second = new Instance(cluster, { detached: true, settings, townships, beside: first });
    await first.start();
    await second.start();
    await second.waitForLog(/event=lease\.waiting/);
}

const register = (households) => {
    const county = new Register();
    for (let i = 1; i <= households; i++) county.single(`H${String(i).padStart(3, '0')}`, residentId('1980-01-01', i), '1000.00');
    return county;
};

const readyz = (instance) => instance.get('/readyz');
const leads = async (instance) => (await readyz(instance)).status === 200;
const lease = () => first.sql("select token || ' ' || holder from lease where name = 'leader'");
const count = (what) => Number(first.sql(`select count(*) from ${what}`));

/** Runs until the second leads and has cleared up; how long that took. */
async function takeover(since) {
    await until(() => leads(second), () => `the second to lead:\n${second.output}`);
    return Date.now() - since;
}

/** A round; how many warnings it raised. */
async function raise(instance) {
    let answer; // one that is just taking over says: try again
    await until(async () => !/just taking over/.test((answer = await ask(instance.socket, 'round', { as_of: AS_OF, wait: true })).error), 'a leader that takes orders');
    assert.ok(answer.ok, `${answer.error}\n${instance.output}`);
    return answer.result.raised;
}

/** Everything was told to the township once, or again in the same words. */
function checkLedger(events) {
    const told = new Map();
    for (const entry of receiver.ledger) {
        assert.equal(entry.verified, true);
        const before = told.get(entry.id);
        if (before) assert.equal(entry.body, before.body, 'told again in the same words');
        told.set(entry.id, entry);
    }
    const sequences = [...told.values()].map(({ event }) => BigInt(event.sequence)).sort((a, b) => (a < b ? -1 : 1));
    assert.deepEqual(sequences, Array.from({ length: events }, (_, i) => BigInt(i + 1)), 'every sequence number, each once');
    assert.equal(count('outbox'), events);
    assert.equal(count("delivery where state = 'delivered'"), events);
    assert.equal(count("warning where state <> 'closed'"), events);
}

/** A session that keeps a round from its commit, but nobody from reading; call the result to let it go. */
async function holdCommit() {
    const lock = spawn('psql', ['-XAtq', '-d', first.conninfo], { stdio: ['pipe', 'pipe', 'ignore'] });
    let said = '';
    lock.stdout.setEncoding('utf8').on('data', (chunk) => (said += chunk));
    lock.stdin.write('begin; lock table shouwang.finding in share mode; select 1;\n');
    await until(() => said.includes('1'), 'the lock');
    return () => new Promise((resolve) => (lock.on('close', resolve), lock.stdin.end('rollback;\n')));
}

/** A round of the first daemon that waits in its commit, under the fence. */
async function roundInCommit() {
    const release = await holdCommit();
    const answer = ask(first.socket, 'round', { as_of: AS_OF, wait: true }).catch((problem) => ({ problem }));
    await until(() => count("pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.application_name = 'shouwangd round'") > 0, 'the round');
    return { release, answer };
}

const stopped = (instance) => /\(T|\bT\b/.test(spawnSync('ps', ['-o', 'state=', '-p', String(instance.daemon.pid)], { encoding: 'utf8' }).stdout);
async function freeze(instance) {
    instance.daemon.kill('SIGSTOP');
    await until(() => stopped(instance), 'the daemon to be stopped');
}

test('a second daemon waits and says so; a clean end hands over within two seconds', leased(async (lease_ms) => {
    const manager = await ServiceManager.start();
    process.env.NOTIFY_SOCKET = manager.path;
    try {
        await pair({ lease: 4 * lease_ms }); // it does not wait for the end of that
    } finally {
        delete process.env.NOTIFY_SOCKET;
    }
    await manager.waitFor('READY=1', 2);
    assert.match(manager.messages, /^STATUS=standby, \S+ctl\.sock\S* leads$/m);
    manager.stop();
    assert.deepEqual([(await readyz(first)).status, (await readyz(second)).status], [200, 503]);
    assert.match((await readyz(second)).text, /^\[-\] lease: standby, \S+ leads$/m);
    const metric = async (instance) => /^shouwang_leader (\d)$/m.exec((await instance.get('/metrics')).text)[1];
    assert.deepEqual([await metric(first), await metric(second)], ['1', '0']);
    const [ours, theirs] = [(await ask(first.socket, 'status')).result.lease, (await ask(second.socket, 'status')).result.lease];
    assert.deepEqual([ours.role, theirs.role], ['leader', 'standby']);
    assert.deepEqual([theirs.holder, theirs.token, theirs.since], [ours.holder, ours.token, ours.since]);
    assert.equal(`${ours.token} ${ours.holder}`, lease());
    assert.match(second.ctl('status').stdout, /^lease +standby; held by \S+ctl\.sock/m);
    const refused = await ask(second.socket, 'round', { as_of: AS_OF, wait: true });
    assert.equal(refused.exit, 75);
    assert.match(refused.error, /standby; ask the one that leads: \S+ctl\.sock/);
    const third = new Instance(cluster, { detached: true, beside: first });
    assert.equal(spawnSync(program('shouwangd'), ['-c', third.conf, '-f', '--once'], { encoding: 'utf8', timeout: 120000 }).status, 75);
    await third.close();

    strike();
    assert.deepEqual(await first.stop(), { code: 0, signal: null });
    const took = await takeover(Date.now());
    inTime(took < 2000, `${took} ms`);
    await first.waitForLog(/event=lease\.left/);
    assert.equal(await raise(second), 12);
    await receiver.waitFor(12);
    await until(() => count("delivery where state = 'delivered'") === 12, 'the results');
    checkLedger(12);
}));

test('killed with a round in its commit and attempts in flight', leased(async (lease_ms) => {
    await pair({ lease: lease_ms });
    await ask(first.socket, 'round', { as_of: AS_OF, wait: true });
    await receiver.waitFor(12);
    first.import(register(16));
    receiver.answer = () => new Promise(() => {}); // what is under way stays under way
    await ask(first.socket, 'round', { as_of: AS_OF, wait: true });
    await until(() => receiver.ledger.length >= 14, 'attempts in flight');
    first.import(register(20));
    const { release, answer } = await roundInCommit();
    receiver.answer = () => 204;
    const since = Date.now();
    strike();
    await first.stop('SIGKILL');
    const took = await takeover(since);
    await release();
    assert.ok((await answer).problem, 'the asker sees the end');
    inTime(took < 3 * lease_ms, `${took} ms`);
    await second.waitForLog(/event=round\.leftovers rounds=1/);
    await second.waitForLog(/event=delivery\.recalled deliveries=\d/);
    assert.equal(count("round where state = 'running'"), 0);
    assert.equal(await raise(second), 4);
    await until(() => count("delivery where state = 'delivered'") === 20, 'all deliveries');
    checkLedger(20);
}));

test('frozen in the middle of everything; it wakes up as a standby and has changed nothing', leased(async (lease_ms) => {
    await pair({ lease: lease_ms });
    receiver.answer = () => new Promise((resolve) => (receiver.letGo = () => resolve(204)));
    first.import(register(3), '--allow-shrink');
    await ask(first.socket, 'round', { as_of: AS_OF, wait: true });
    await until(() => receiver.ledger.length >= 3, 'attempts in flight');
    first.import(register(8));
    const { release, answer } = await roundInCommit();
    receiver.answer = () => 204;
    const since = Date.now();
    strike();
    await freeze(first);
    const took = await takeover(since);
    inTime(took < 3 * lease_ms, `${took} ms`);
    await second.waitForLog(/event=lease\.evicted \S+ sessions=1/);
    await release();
    assert.equal(await raise(second), 5);
    await until(() => count("delivery where state = 'delivered'") === 8, 'all deliveries');
    const state = () => first.sql("select string_agg(d::text, ';' order by outbox_no) from delivery d") + first.sql("select string_agg(r::text, ';' order by round_id) from round r");
    const before = state();

    receiver.letGo(); // the answer to what the frozen one had sent is there when it wakes up
    first.daemon.kill('SIGCONT');
    await first.waitForLog(/event=lease\.lost/);
    assert.equal((await answer).exit, 75, 'its round has failed');
    await until(async () => (await readyz(first)).text.includes('lease: standby'), 'a standby');
    await first.waitForLog(/event=delivery\.(stale|database)/);
    assert.equal((await ask(first.socket, 'round', { as_of: AS_OF, wait: true })).exit, 75);
    assert.equal(state(), before);
    checkLedger(8);

    assert.deepEqual(await second.stop(), { code: 0, signal: null }); // and back again
    await until(() => leads(first), 'the first to lead again');
    first.import(register(9));
    assert.equal(await raise(first), 1);
    await until(() => count("delivery where state = 'delivered'") === 9, 'the ninth');
    checkLedger(9);
}));

test('cut off from the database, nothing closed; it stops by its own clock, and finds another leader', leased(async (lease_ms) => {
    proxy = await PgProxy.start(cluster);
    await pair({ lease: lease_ms, through: proxy.conninfo });
    receiver.answer = () => new Promise((resolve) => (receiver.letGo = () => resolve(204)));
    await first.importAside(register(4), '--allow-shrink');
    await ask(first.socket, 'round', { as_of: AS_OF, wait: true });
    await until(() => receiver.ledger.length >= 4, 'attempts in flight');
    const since = Date.now();
    strike();
    proxy.freeze();
    await first.waitForLog(/event=lease\.suspended/);
    inTime(Date.now() - since < lease_ms, 'before its lease can have run out');
    assert.equal((await ask(first.socket, 'round', { as_of: AS_OF, wait: true })).exit, 75);
    receiver.letGo();
    receiver.answer = () => 204;
    const took = await takeover(since);
    inTime(took < 3 * lease_ms, `${took} ms`);
    await until(() => count("delivery where state = 'delivered'") === 4, 'all deliveries');
    const before = first.sql("select string_agg(d::text, ';' order by outbox_no) from delivery d");
    proxy.thaw();
    await first.waitForLog(/event=lease\.lost/);
    await until(async () => (await readyz(first)).text.includes('lease: standby'), 'a standby');
    assert.equal(first.sql("select string_agg(d::text, ';' order by outbox_no) from delivery d"), before);
    checkLedger(4);
}));

test('without a standby a daemon that was cut off goes on under its old token', leased(async (lease_ms) => {
    proxy = await PgProxy.start(cluster);
    first = new Instance(cluster, { detached: true, settings: { lease: { duration: `${lease_ms}ms` } }, through: proxy.conninfo, townships: { [TOWNSHIP]: { url: receiver.url, secret } } });
    first.import(register(2));
    await first.start();
    const before = lease();
    proxy.cutAll(); // noticed at once, and mended within the lease
    await until(() => proxy.lines.size > 0 && leads(first), 'it to lead');
    assert.doesNotMatch(first.output, /event=lease\.suspended/);
    strike();
    proxy.freeze();
    await first.waitForLog(/event=lease\.suspended/);
    proxy.thaw();
    await first.waitForLog(/event=lease\.kept/);
    await until(() => leads(first), 'it to lead');
    assert.equal(lease(), before);
    assert.equal(await raise(first), 2);
    await receiver.waitFor(2);
}));

test('one that was killed and started again leads at once, under a new token', async () => {
    first = new Instance(cluster, { detached: true, settings: { lease: { duration: '1min' } } });
    await first.start();
    const [token] = lease().split(' ');
    await first.stop('SIGKILL');
    await first.start();
    assert.ok(await leads(first));
    assert.equal(Number(lease().split(' ')[0]), Number(token) + 1);
});

test('a scheduled round that died with the leader is run by the next', leased(async (lease_ms) => {
    await pair({ lease: lease_ms });
    const due = new Date(Math.floor(Date.now() / 60000 - 3) * 60000);
    second.settings.rounds = { schedule: `*-*-* ${new Date(due.getTime() + 8 * 3600000).toISOString().slice(11, 16)}` }; // in Shanghai
    second.configure();
    first.sql(`insert into round (state, cause, as_of, started_at) values ('running', 'schedule', current_date, '${due.toISOString()}'::timestamptz + interval '1 s')`);
    first.sql("insert into round (state, cause, as_of) select 'failed', 'operator', current_date from generate_series(1, 300)"); // an operator's trials since
    assert.equal((await ask(second.socket, 'reload')).ok, true);
    strike();
    await first.stop('SIGKILL');
    await takeover(Date.now());
    await until(() => count("round where cause = 'schedule' and state = 'committed'") >= 1, 'the round');
}));

/** The daemon's own dictionary gets a code that the database does not have: its configuration and the schema do not fit. */
async function misfit(instance, code) {
    writeFileSync(join(instance.directory, `${code}.conf`), `[${code}]\nnumber = ${code === 'expense.one' ? 2001 : 2002}\nkind = amount\ntitle = 一笔支出\n`);
    instance.settings.facts = { dictionary: `${code}.conf` };
    instance.configure();
    assert.equal((await ask(instance.socket, 'reload')).ok, true);
    await instance.waitForLog(/event=database\.misfit/);
}

test('a leader whose configuration does not fit the database lets a standby that fits take over, and nobody else', leased(async (lease_ms) => {
    await pair({ lease: lease_ms });
    await misfit(second, 'expense.two');
    await misfit(first, 'expense.one');
    const before = lease();
    // Neither fits: the one that leads goes on delivering, and nobody takes its lease, however long that is run out.
    await until(() => count("lease where name = 'leader' and expires_at <= clock_timestamp()") === 1, 'a lease that is run out');
    const asked = new Set();
    await until(() => asked.add(first.sql("select query_start from pg_stat_activity where application_name = 'shouwangd-lease' and query like 'with free%'")).size > 3, 'the second to ask');
    assert.equal(lease(), before);
    assert.equal((await ask(first.socket, 'status')).result.lease.role, 'leader');

    // The code of the second is entered: it fits, and takes over.
    assert.equal(second.ctl('migrate').status, 0);
    assert.equal((await ask(second.socket, 'reload')).ok, true);
    await takeover(Date.now());
    await first.waitForLog(/event=lease\.lost/);
    assert.equal(await raise(second), 12);
    await receiver.waitFor(12);
    await until(() => count("delivery where state = 'delivered'") === 12, 'the results');
    checkLedger(12);

    // It stays there, also when the first fits again.
    const then = lease();
    delete first.settings.facts;
    first.configure();
    assert.equal((await ask(first.socket, 'reload')).ok, true);
    await until(async () => (await ask(first.socket, 'status')).result.database.state === 'up', 'the first to fit');
    assert.equal(lease(), then);

    // One that does not fit takes what was left to it.
    await misfit(first, 'expense.one');
    assert.deepEqual(await second.stop(), { code: 0, signal: null });
    await until(async () => (await ask(first.socket, 'status')).result.lease.role === 'leader', 'the first to lead');
}));

for (const [how, act] of [
    ['killed', (instance) => instance.stop('SIGKILL')],
    ['frozen', freeze],
])
    test(`${how}, with the default lease: within 30 seconds`, LONG, async (t) => {
        await pair();
        const { release } = await roundInCommit();
        const since = Date.now();
        await act(first);
        const took = await takeover(since);
        assert.ok(took < 30000, `${took} ms`);
        t.diagnostic(`taken over after ${took} ms`);
        await release();
        assert.equal(await raise(second), 12);
        await until(() => count("delivery where state = 'delivered'") === 12, 'all deliveries');
        checkLedger(12);
    });
