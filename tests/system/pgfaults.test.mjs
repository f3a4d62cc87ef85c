// SPDX-License-Identifier: PostgreSQL
// PostgreSQL fails under the daemon in every way that it can: connections cut in the middle of a COPY, answers to a COMMIT that
// never come, restarts, crashes, a full disk, an outage. The daemon recovers by itself, does nothing twice, and says so.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { ask } from './lib/control.mjs';
import { dropFeed, Register, residentId } from './lib/county.mjs';
import { Cluster, Instance, newSecret } from './lib/instance.mjs';
import { PgProxy } from './lib/pg_proxy.mjs';
import { Receiver } from './lib/receiver.mjs';
import { DEADLINE_MS, until } from './lib/wait.mjs';

const TOWNSHIP = '610922103';
const AS_OF = '2021-06-30';
const LONG = process.env.SHOUWANG_LONG ? {} : { skip: 'runs in make check-long' };
const OUTAGE_S = Number(process.env.SHOUWANG_OUTAGE_S ?? 4);

let cluster, instance, receiver, proxy;
before(() => (cluster = Cluster.start()));
after(() => cluster?.stop());

async function begin(on, { through, households = 12 } = {}) {
    const secret = newSecret();
    receiver = await Receiver.start(secret);
    instance = new Instance(on, {
        townships: { [TOWNSHIP]: { url: receiver.url, secret } },
        settings: { delivery: { retry_first: '100ms', timeout: '4s' }, lease: { duration: '10s' }, rounds: { limit: 'none' } },
        through,
    });
    instance.import(register(households));
}
beforeEach(async (t) => {
    if (t.name.startsWith('a full disk')) return;
    proxy = await PgProxy.start(cluster);
    await begin(cluster, { through: proxy.conninfo });
    await instance.start();
    await quiet();
});
afterEach(async () => {
    await instance?.close();
    await receiver?.stop();
    await proxy?.stop();
    instance = receiver = proxy = null;
});

const person = (i) => residentId(`198${Math.floor(i / 900)}-01-01`, i % 900);
const register = (households) => {
    const county = new Register();
    for (let i = 1; i <= households; i++) county.single(`H${String(i).padStart(4, '0')}`, person(i), '1000.00');
    return county;
};
const round = () => ask(instance.socket, 'round', { as_of: AS_OF, wait: true });
const scan = () => ask(instance.socket, 'scan', { wait: true });
const quiet = () => until(async () => (await ask(instance.socket, 'status')).result.job === '', 'the first scan to end');
const count = (what) => Number(instance.sql(`select count(*) from ${what}`));
const ready = async () => (await instance.get('/readyz')).status === 200;
const said = (pattern) => instance.output.match(new RegExp(pattern, 'g'))?.length ?? 0;

/** All warnings stand, each was told once, and nothing waits. */
async function allTold(households) {
    await until(() => count("delivery where state = 'delivered'") === households, () => `${households} deliveries:\n${instance.output}`, 120000); // a claim that was lost comes back when its lease ends
    assert.equal(count("warning where state <> 'closed'"), households);
    assert.equal(count('outbox'), households);
    assert.equal(new Set(receiver.ledger.map(({ id }) => id)).size, households);
    for (const entry of receiver.ledger) assert.equal(entry.body, receiver.ledger.find(({ id }) => id === entry.id).body);
}

const paid = { id_number: person(1), code: 'expense.medical_self_paid', value: '12.00', from: '2021-06-01', to: '2021-06-20', ref: 'D1' };
const feed = () => dropFeed(instance.drop, 'medical_insurance', 'M1', [paid]);

const ROUND_COMMIT = { type: 'Q', side: 'client', sql: /^commit$/, application: /^shouwangd round$/, nth: 2 }; // the first begins it

test('the answer to a round\'s commit is lost: it is looked up, and was committed', async () => {
    const lost = proxy.once({ ...ROUND_COMMIT, action: 'lose' });
    const answer = await round();
    await lost;
    assert.ok(answer.ok, answer.error);
    assert.equal(answer.result.raised, 12);
    await instance.waitForLog(/event=round\.reconciled round=\d+ state=committed/);
    assert.equal(instance.sql("select string_agg(state, ',') from round"), 'committed');
    assert.equal((await round()).result.raised, 0);
    await allTold(12);
});

test('a round\'s commit is cut off on its way: it is looked up, and was not committed', async () => {
    const cut = proxy.once({ ...ROUND_COMMIT, action: 'cut' });
    const answer = await round();
    await cut;
    assert.equal(answer.exit, 75);
    await instance.waitForLog(/event=round\.reconciled round=\d+ state=running/);
    assert.equal(instance.sql("select string_agg(state, ',') from round"), 'failed');
    assert.equal(count('warning') + count('outbox'), 0);
    assert.equal((await round()).result.raised, 12);
    await allTold(12);
});

test('the answer to the commit of a round\'s row is lost: the row is tidied up by the next', async () => {
    const lost = proxy.once({ ...ROUND_COMMIT, nth: 1, action: 'lose' });
    assert.equal((await round()).exit, 75);
    await lost;
    assert.equal((await round()).result.raised, 12);
    assert.equal(instance.sql("select string_agg(state, ',' order by round_id) from round"), 'failed,committed');
    await instance.waitForLog(/event=round\.leftovers rounds=1/);
    await allTold(12);
});

test('the answer to an ingest\'s commit is lost: the file is recognised by its hash, and archived', async () => {
    const path = feed();
    const lost = proxy.once({ type: 'Q', side: 'client', sql: /^commit$/, application: /^shouwangd-job$/, action: 'lose' });
    await scan();
    await lost;
    await until(async () => ((await scan()), !existsSync(path)), 'the file to be archived');
    await instance.waitForLog(/event=feed\.archived/);
    assert.equal(instance.sql("select string_agg(status, ',') from batch where source <> 0"), 'accepted');
    assert.equal(instance.sql("select string_agg(rows_stored::text, ',') from batch where source <> 0"), '1');
    assert.equal(count("audit where action = 'feed.accepted'"), 1);
});

for (const [what, sql] of [
    ['results', /record_results/],
    ['a claim', /claim_deliveries/],
])
    test(`the answer to ${what} of deliveries is lost`, async () => {
        instance.settings.delivery.timeout = '1s'; // a claim that nobody knows of comes back when its lease ends
        instance.configure();
        await instance.ctlAside('reload'); // this process must go on: the proxy lives in it
        const lost = proxy.once({ type: 'P', side: 'client', sql, application: /^shouwangd delivery$/, action: 'lose' });
        assert.equal((await round()).result.raised, 12);
        await lost;
        await allTold(12);
        assert.equal(receiver.ledger.length - said('event=delivery\\.retry .*outcome=timed_out'), 12, 'nothing else was sent twice');
        await instance.waitForLog(/event=delivery\.database err=.*\n[^]*event=delivery\.database_up/); // after the cut, which the commit did not wait for
    });

test('cut in the middle of a COPY, out and in', async () => {
    const out = proxy.once({ type: 'd', side: 'server', application: /^shouwangd round$/, nth: 5, action: 'cut' });
    assert.equal((await round()).exit, 75);
    await out;
    const into = proxy.once({ type: 'd', side: 'client', application: /^shouwangd round$/, action: 'cut' });
    assert.equal((await round()).exit, 75);
    await into;
    assert.equal(count('warning') + count('outbox') + count('finding'), 0);
    const path = feed();
    const fed = proxy.once({ type: 'd', side: 'client', application: /^shouwangd-job$/, action: 'cut' });
    assert.equal((await scan()).exit, 75);
    await fed;
    assert.ok(existsSync(path));
    assert.equal(count('batch where source <> 0'), 0);
    assert.equal((await scan()).result.accepted, 1);
    assert.equal((await round()).result.raised, 12);
    assert.equal(instance.sql("select string_agg(state, ',' order by round_id) from round"), 'failed,failed,committed');
    await allTold(12);
});

/** A session that keeps a round from its commit until the server goes. */
async function roundInCommit() {
    const lock = spawn('psql', ['-XAtq', '-d', instance.conninfo], { stdio: ['pipe', 'pipe', 'ignore'] });
    let saidBy = '';
    lock.stdout.setEncoding('utf8').on('data', (chunk) => (saidBy += chunk));
    lock.stdin.on('error', () => {}).write('begin; lock table shouwang.finding in share mode; select 1;\n');
    await until(() => saidBy.includes('1'), 'the lock');
    const answer = round();
    await until(() => count("pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.application_name = 'shouwangd round'") > 0, 'the round');
    return { answer, end: () => lock.stdin.end() };
}

for (const [how, act, options = {}] of [
    ['is restarted (fast)', () => cluster.pg('restart')],
    ['is stopped at once and started', () => (cluster.pg('kill'), cluster.pg('start')), LONG],
    ['is killed (-9) and started', () => (killPostmaster(), cluster.pg('start'))],
])
    test(`PostgreSQL ${how}, with a round in its commit`, options, async () => {
        const { answer, end } = await roundInCommit();
        act();
        end();
        assert.equal((await answer).exit, 75);
        await until(ready, () => `ready again:\n${instance.output}`);
        assert.equal((await until(async () => ((await round()).result), () => `a round:\n${instance.output}`)).raised, 12);
        assert.equal(count("round where state = 'running'"), 0);
        await allTold(12);
        await instance.waitForLog(/event=(round\.failed|job\.failed) /);
        await instance.waitForLog(/event=delivery\.database_up[^]*event=delivery\.database err=[^]*event=delivery\.database_up/);
    });

function killPostmaster() {
    const pid = Number(readFileSync(join(cluster.data, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
    // Its children are nobody's when it is dead; a server that starts beside them would spoil the data.
    const family = [pid, ...spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' }).stdout.trim().split('\n').map(Number)];
    process.kill(pid, 'SIGKILL');
    const status = (one) => {
        try {
            return readFileSync(`/proc/${one}/status`, 'utf8');
        } catch {
            return ''; // it is not there any more
        }
    };
    const gone = () => family.every((one) => !/^State:\s+[^ZX]/m.test(status(one)));
    for (const end = Date.now() + DEADLINE_MS; !gone(); spawnSync('sleep', ['0.05'])) assert.ok(Date.now() < end, 'the sessions of a dead postmaster go on');
    // Whoever reaps the dead may take his time, and to a new server they look alive.
    for (const lock of [join('data', 'postmaster.pid'), '.s.PGSQL.5432.lock']) rmSync(join(cluster.data, lock), { force: true });
}

test(`an outage of ${OUTAGE_S} s: few lines, no growth, and it goes on by itself`, async (t) => {
    receiver.answer = () => 503;
    assert.equal((await round()).result.raised, 12);
    await until(() => receiver.ledger.length >= 12, 'attempts');
    const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${instance.daemon.pid}/status`, 'utf8'))[1]);
    const before = { lines: instance.output.split('\n').length, memory: memory() };
    cluster.pg('stop');
    const since = Date.now();
    try {
        await until(() => Date.now() - since > OUTAGE_S * 1000, 'the outage to last', (OUTAGE_S + 60) * 1000);
        assert.equal((await round()).exit, 75);
    } finally {
        cluster.pg('start');
    }
    const lines = instance.output.split('\n').length - before.lines;
    const grown = memory() - before.memory;
    receiver.answer = () => 204;
    const back = Date.now();
    await until(ready, () => `ready again:\n${instance.output}`);
    t.diagnostic(`${lines} lines, ${grown} KiB more, ready ${Date.now() - back} ms after the server`);
    assert.ok(said('event=delivery\\.database err') <= 2, `each failed attempt to connect is told:\n${instance.output}`);
    assert.ok(lines < 30, `${lines} lines:\n${instance.output}`);
    assert.ok(grown < 8192, `${grown} KiB`);
    await until(() => said('event=database\\.up') === 2, 'it to say so'); // the page may be read before the log
    assert.equal(said('event=database\\.down'), 1);
    await allTold(12);
});

test('claims that take longer than claims may wait: what they bring is sent all the same', LONG, async () => {
    instance.sql(`alter function claim_deliveries rename to claim_at_once;
        create function claim_deliveries(bigint, bigint[], integer[], bigint) returns table (household_id bigint, event_id uuid, township_code bigint,
            sequence bigint, attempts integer, refusals smallint, priority smallint, fresh boolean, expires_at timestamptz, outbox_no bigint, place tid)
        language plpgsql as $$ begin perform pg_sleep(5.1); return query select * from claim_at_once($1, $2, $3, $4); end $$`);
    assert.equal((await round()).result.raised, 12);
    await receiver.waitFor(1);
    assert.doesNotMatch(instance.output, /event=delivery\.database /);
});

test('statements that fail again and again are told once, and an event is given up when that stands', async () => {
    instance.sql(`create function full_disk() returns trigger language plpgsql as $$ begin raise exception 'full' using errcode = '53100'; end $$;
        create trigger full_disk before update on delivery for each row when (new.state in ('delivered', 'expired')) execute function full_disk()`);
    assert.equal((await round()).result.raised, 12);
    await receiver.waitFor(1);
    await instance.waitForLog(/event=delivery\.database err="[^"]*disk is full/);
    const since = Date.now();
    const told = said('event=delivery\\.database ');
    await until(() => Date.now() - since > 1600, 'results to be written again and again');
    assert.ok(said('event=delivery\\.database ') <= told + 1, instance.output);
    // Now their terms end; nothing can be written of that either.
    instance.sql("update delivery set expires_at = now(), lease_until = now() where state = 'in_flight'");
    let tries = 0;
    proxy.match = (line, message, side) => (side === 'client' && message.type === 'P' && /set state = 'expired'/.test(line.sql) && tries++, null);
    for (const looks of [1, 2]) {
        // It looks at what is overdue when its session is back.
        instance.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'shouwangd delivery' and datname = current_database()");
        await until(() => tries >= 12 * looks, () => `each to be given up ${looks} times:\n${instance.output}`, 30000);
    }
    delete proxy.match;
    assert.equal(count("delivery where state = 'expired'"), 0);
    assert.equal(said('event=delivery\\.expired'), 12);
    instance.sql('drop trigger full_disk on delivery');
    await until(() => count('delivery where finished_at is null') === 0, () => `all to be told or given up:\n${instance.output}`, 15000);
    assert.equal(said('event=delivery\\.expired'), 12);
});

test('a server that takes connections and no statements, as a pooler does without its server, is asked ever more seldom', async () => {
    let cuts = 0;
    proxy.match = (line, message, side) =>
        side === 'client' && message.type === 'P' && line.application === 'shouwangd delivery' ? (cuts++, { action: 'cut' }) : null;
    proxy.cutAll();
    await until(() => cuts > 0, 'a first statement');
    const since = Date.now();
    await until(() => Date.now() - since > 1500, 'some more');
    assert.ok(cuts <= 5, `${cuts} connections in one and a half seconds`);
    delete proxy.match;
    assert.equal((await round()).result.raised, 12);
    await allTold(12);
});

test('what is claimed while the daemon ends, and cannot be given back, does not keep it', async () => {
    const lock = spawn('psql', ['-XAtq', '-d', instance.conninfo], { stdio: ['pipe', 'pipe', 'ignore'] });
    instance.sql(`alter function claim_deliveries rename to claim_at_once;
        create function claim_deliveries(bigint, bigint[], integer[], bigint) returns table (household_id bigint, event_id uuid, township_code bigint,
            sequence bigint, attempts integer, refusals smallint, priority smallint, fresh boolean, expires_at timestamptz, outbox_no bigint, place tid)
        language plpgsql as $$ begin perform pg_advisory_xact_lock_shared(1); return query select * from claim_at_once($1, $2, $3, $4); end $$`);
    let saidBy = '';
    lock.stdout.setEncoding('utf8').on('data', (chunk) => (saidBy += chunk));
    lock.stdin.on('error', () => {}).write("select pg_advisory_lock(1), 'held';\n");
    await until(() => saidBy.includes('held'), 'the lock');
    assert.equal((await round()).result.raised, 12);
    await until(() => count("pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.application_name = 'shouwangd delivery'") > 0, 'a claim');
    const cut = proxy.once({ type: 'P', side: 'client', sql: /record_results/, action: 'cut' });
    const end = instance.stop();
    await instance.waitForLog(/event=daemon\.drain/);
    lock.stdin.end();
    await cut;
    assert.deepEqual(await end, { code: 0, signal: null });
    assert.doesNotMatch(instance.output, /event=daemon\.drain_deadline/);
});

/** A cluster on a small file system of its own; null where nothing can be mounted. */
function smallCluster(megabytes) {
    const mount = mkdtempSync(join(tmpdir(), 'swfull.'));
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'tmpfs', mount]).status !== 0) {
        rmSync(mount, { recursive: true });
        return null;
    }
    const small = Cluster.start({ below: mount });
    const filler = join(mount, 'filler');
    small.fill = () => {
        const file = openSync(filler, 'w');
        const block = Buffer.alloc(65536);
        try {
            for (;;) writeSync(file, block);
        } catch (problem) {
            if (problem.code !== 'ENOSPC') throw problem;
        } finally {
            closeSync(file);
        }
    };
    small.free = () => rmSync(filler, { force: true });
    small.unmount = () => {
        small.stop();
        spawnSync('umount', [mount]);
        rmSync(mount, { recursive: true, force: true });
    };
    return small;
}

test('a full disk: feed and round fail cleanly, and succeed when there is room', async (t) => {
    const small = smallCluster(400);
    if (!small) return t.skip('nothing can be mounted here');
    try {
        await begin(small, { households: 2500 });
        await instance.start();
        await quiet();
        // As many rows as do not fit into what the tables have already.
        const rows = Array.from({ length: 60000 }, (_, i) => ({ ...paid, id_number: person(1 + (i % 2500)), value: '1.00', ref: `D${i}` }));
        const path = dropFeed(instance.drop, 'medical_insurance', 'M1', rows);
        small.fill();
        const answer = await scan();
        assert.equal(answer.exit, 75, JSON.stringify(answer));
        assert.ok(existsSync(path));
        await instance.waitForLog(/event=job\.failed job=scan .*(disk is full|failed in itself|shutting down|connection|recover|starting)/);
        small.free();
        small.pg('start'); // a server whose log has no room may have ended
        await until(ready, () => `ready again:\n${instance.output}`, 60000);
        await until(async () => ((await scan()), !existsSync(path)), () => `the feed:\n${instance.output}`, 60000);
        assert.equal(instance.sql("select string_agg(status || ' ' || rows_stored, ',') from batch where source <> 0"), 'accepted 60000');
        small.fill();
        const failed = await round();
        assert.equal(failed.exit, 75, JSON.stringify(failed));
        small.free();
        small.pg('start');
        await until(ready, () => `ready again:\n${instance.output}`, 60000);
        assert.equal(count('warning') + count('outbox'), 0);
        assert.equal((await until(async () => (await round()).result, () => `a round:\n${instance.output}`, 30000)).raised, 2500);
        assert.equal(count('outbox'), 2500);
        assert.equal(count("round where state = 'running'"), 0);
        await instance.waitForLog(/event=(round|job)\.failed /);
    } finally {
        small.free(); // what failed before tells more than what closing says of a full disk
        small.pg('start');
        await instance?.close().finally(small.unmount);
        instance = null;
    }
});
