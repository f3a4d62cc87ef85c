// SPDX-License-Identifier: PostgreSQL
// The figures of status and metrics: right after everything that changes them, and read without reading the county.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { ask } from './lib/control.mjs';
import { dropFeed, Register, residentId } from './lib/county.mjs';
import { Cluster, Instance, newSecret } from './lib/instance.mjs';
import { Psql } from './lib/psql.mjs';
import { Receiver } from './lib/receiver.mjs';
import { until } from './lib/wait.mjs';

const [WEST, EAST] = ['610922103', '610922104'];
const AS_OF = '2021-06-30';
const QUICK = { delivery: { retry_first: '100ms', retry_max: '400ms' }, lease: { duration: '30s' } }; // a standby looks every second, whatever the lease

let cluster, daemon, standby, receiver, secret;
before(() => (cluster = Cluster.start()));
after(() => cluster?.stop());
beforeEach(async () => {
    secret = newSecret();
    receiver = await Receiver.start(secret);
});
afterEach(async () => {
    await standby?.close();
    await daemon?.close();
    await receiver.stop();
    daemon = standby = null;
});

/** Poor households of one person each, numbered from..to, of one township. */
function add(county, from, to, township, wage = '1000.00') {
    for (let i = from; i <= to; i++) {
        const birth = `19${50 + Math.floor(i / 1000)}-01-01`;
        county.single(`H${String(i).padStart(4, '0')}`, residentId(birth, i % 1000), wage, { township });
    }
    return county;
}

async function figures(of = daemon) {
    const answer = await ask(of.socket, 'status');
    assert.ok(answer.ok, answer.error);
    const { households, persons, levels, last_round, queue } = answer.result;
    const cases = levels && Object.values(levels).reduce((sum, count) => sum + count, 0);
    return { households, persons, cases, round: last_round?.round ?? 0, waiting: queue.waiting, failed: queue.failed };
}

async function metrics(of = daemon) {
    const { text } = await of.get('/metrics');
    const values = (name) => Object.fromEntries([...text.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? (\\d+)$`, 'gm'))].map(([, labels, value]) => [labels ?? '', Number(value)]));
    const sum = (name, pattern = /./) => Object.entries(values(name)).filter(([labels]) => pattern.test(labels)).reduce((total, [, value]) => total + value, 0);
    return { households: values('shouwang_households')[''], west: sum('shouwang_warnings', new RegExp(WEST)), east: sum('shouwang_warnings', new RegExp(EAST)),
        failed: sum('shouwang_queue_events', /state="failed"/), waiting: sum('shouwang_queue_events', /state="waiting"/) };
}

test('figures follow imports, rounds and deliveries, whoever commits them, on leader and standby', async () => {
    const townships = { [WEST]: { url: receiver.url, secret } };
    const refused = new Set(); // two events, whenever they come
    receiver.answer = (request, { id }) => (refused.size < 2 || refused.has(id) ? (refused.add(id), 400) : 204);
    daemon = new Instance(cluster, { townships, settings: QUICK });
    await daemon.start();
    assert.deepEqual(await figures(), { households: 0, persons: 0, cases: 0, round: 0, waiting: 0, failed: 0 });
    standby = new Instance(cluster, { townships, beside: daemon, settings: QUICK });
    await standby.start();

    daemon.import(add(add(new Register(), 1, 20, WEST), 21, 30, EAST)); // by shouwangctl, beside the daemons
    for (const one of [daemon, standby])
        assert.deepEqual(await figures(one), { households: 30, persons: 30, cases: 0, round: 0, waiting: 0, failed: 0 });

    const first = daemon.round(AS_OF);
    assert.equal(first.raised, 30);
    for (const one of [daemon, standby]) {
        const seen = await figures(one);
        assert.deepEqual([seen.cases, seen.round], [30, first.round]);
    }
    await until(async () => { const { waiting, failed } = await figures(); return waiting === 10 && failed === 2; }, 'the township to have taken or refused all');
    assert.deepEqual(await figures(), { households: 30, persons: 30, cases: 30, round: first.round, waiting: 10, failed: 2 });
    await until(async () => (await metrics()).failed === 2, 'the metrics to tell of it');
    assert.deepEqual(await metrics(), { households: 30, west: 20, east: 10, failed: 2, waiting: 10 });

    // put back, and taken this time
    receiver.answer = () => 204;
    daemon.sql(`update delivery set state = 'queued', attempts = 0, next_attempt_at = now(), finished_at = null where township_code = ${WEST} and state = 'failed'`);
    await until(async () => (await figures()).failed === 0 && (await figures()).waiting === 10, 'the township to have taken what it refused');

    // five households move to the east, five are gone: the next import alone changes where warnings are counted
    daemon.import(add(add(new Register(), 6, 15, WEST), 16, 30, EAST));
    for (const one of [daemon, standby]) {
        const seen = await figures(one);
        assert.deepEqual([seen.households, seen.persons, seen.cases], [25, 25, 30]);
    }
    await until(async () => (await metrics()).east === 15, 'the metrics to count by the new townships');

    await daemon.stop('SIGTERM');
    await until(async () => (await ask(standby.socket, 'status')).result.lease.role === 'leader', 'the standby to lead');
    const before = await figures(standby);
    const second = standby.round(AS_OF);
    assert.ok(second.cleared > 0 || second.raised > 0 || second.round > before.round);
    const open = Number(standby.sql("select count(*) from warning where state <> 'closed'"));
    const seen = await figures(standby);
    assert.deepEqual([seen.households, seen.cases, seen.round], [25, open, second.round]);
});

test('an idle daemon reads neither the register nor the warnings nor what was delivered, nor what years have left', async () => {
    const HOUSEHOLDS = 3000, LOOKS = 10, ROWS_A_LOOK = 120, BATCHES = 14000;
    receiver.answer = () => 204;
    daemon = new Instance(cluster, { townships: { [WEST]: { url: receiver.url, secret } } });
    daemon.import(add(new Register(), 1, HOUSEHOLDS, WEST));
    await daemon.start();
    assert.equal(daemon.round(AS_OF).raised, HOUSEHOLDS);
    await until(() => daemon.sql("select count(*) from delivery where state <> 'delivered'") === '0', 'all to be delivered');
    // Years of it: seven feeds a day, each refused once, and rounds that nobody looks at any more.
    daemon.sql(`insert into batch (source, batch, mode, status, reason, file_name) select s, 'b' || n || status, 'delta', status, 'wrong', 'f.csv'
        from generate_series(1, ${BATCHES / 14}) n, generate_series(1, 7) s, unnest(array['accepted', 'refused']) status;
        insert into round (state, cause, as_of) select 'failed', 'schedule', '2021-06-30' from generate_series(1, ${BATCHES})`);
    cluster.sql('vacuum analyze', daemon.database);
    /** Rows of the tables that grow with the county which a daemon reads in its life; its sessions tell it when they end. */
    const tables = "('household', 'membership', 'warning', 'finding', 'delivery', 'outbox', 'person', 'batch', 'round', 'audit')";
    const read = () => Number(daemon.sql(`select (select sum(seq_tup_read) from pg_stat_user_tables where relname in ${tables})
        + (select sum(idx_tup_read) from pg_stat_user_indexes where relname in ${tables})`));
    const sessions = () => daemon.sql("select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'");
    const end = async () => {
        await daemon.stop();
        await until(() => sessions() === '0', 'its sessions to end');
        return read();
    };
    const life = async (looks) => {
        const before = read();
        await daemon.start();
        for (let i = 0; i < looks; i++) {
            assert.equal((await figures()).households, HOUSEHOLDS);
            await metrics();
        }
        return (await end()) - before;
    };
    await end();
    const once = await life(1);
    const more = (await life(1 + LOOKS)) - once;
    assert.ok(once >= HOUSEHOLDS, `a daemon that starts counts once, which must be seen here: ${once} rows`);
    assert.ok(more <= LOOKS * ROWS_A_LOOK, `${LOOKS} looks more read ${more} rows more of a county of ${HOUSEHOLDS} households`);
});

test('status says in words what is wrong, and nothing of it when nothing is', async () => {
    daemon = new Instance(cluster, { townships: { [WEST]: { url: receiver.url, secret } }, settings: QUICK });
    daemon.import(add(add(new Register(), 1, 3, WEST), 4, 6, EAST));
    await daemon.start();
    const shown = () => daemon.ctl('status').stdout;
    await until(() => /; database up; job -\n/.test(shown()), () => `the first scan to end:\n${shown()}`);
    assert.match(shown(), /^round {4}none yet; held 0; next /m);
    assert.match(shown(), /^all is well$/m);
    const checked = () => ((said) => [said.status, said.stdout.match(/^[A-Z ]+(?=[: ])/gm)])(daemon.ctl('status', '--check'));
    assert.deepEqual(checked(), [0, null]);

    dropFeed(daemon.drop, 'housing', 'h06', [{ household_no: 'H0001', code: 'housing.grade', value: 'A', from: '2020-01-01' }], { rows: 2 });
    receiver.answer = () => 500;
    const { round } = daemon.round(AS_OF);
    assert.match(shown(), new RegExp(`^round {4}last ${round} as of ${AS_OF}; `, 'm'));
    assert.match(shown(), /^REFUSED: h06 of housing; shouwangctl feeds says why$/m);
    assert.match(shown(), new RegExp(`^NO RECEIVER is configured \\(townships\\.d\\) for townships whose events wait: ${EAST}$`, 'm'));
    assert.deepEqual((await ask(daemon.socket, 'status')).result.no_receiver, [EAST]);
    assert.doesNotMatch(shown(), /^LATE/m);
    daemon.sql("update delivery set created_at = now() - interval '2 hours'");
    assert.match(shown(), new RegExp(`^LATE: 3 events wait for ${WEST}, one of them for 120 min; shouwangctl queue --township ${WEST} says why$`, 'm'));
    daemon.sql(`update endpoint set state = 'held' where township_code = ${WEST}`);
    assert.match(shown(), new RegExp(`^HELD: these receivers answered 410 and are sent nothing: ${WEST}; shouwangctl queue release `, 'm'));
    assert.deepEqual((await ask(daemon.socket, 'status')).result.held, [WEST]);
    assert.doesNotMatch(shown(), /^LATE/m, 'why is said already');
    daemon.sql(`update delivery set state = 'failed', finished_at = now() where township_code = ${WEST}`);
    assert.match(shown(), new RegExp(`^NOT TOLD: ${WEST} refused 3 events and let 0 expire; shouwangctl queue --township ${WEST} says why, `, 'm'));
    assert.deepEqual(checked(), [1, ['HELD', 'NO RECEIVER', 'NOT TOLD', 'REFUSED']]);
    assert.match(shown(), /^4 matters want you:$/m);

    daemon.township(EAST, { url: 'no address', secret });
    const { status, stderr } = daemon.ctl('reload');
    assert.equal(status, 78);
    assert.match(stderr, /610922104\.conf:\d+: .*[^\n]\n$/, 'no empty line at the end');
    assert.match(shown(), /^RELOAD REFUSED: .*--check-config says why$/m);

    cluster.pg('stop');
    try {
        await until(() => /^DATABASE down: .*; the figures below are of \d{4}-/m.test(shown()), 'the database to be missed');
    } finally {
        cluster.pg('start');
    }
});

test('what keeps the daemon from working stands in status, readiness and log: nothing of it looks well', async () => {
    daemon = new Instance(cluster, { settings: { ...QUICK, feeds: { scan_interval: '1s' } } });
    daemon.import(add(new Register(), 1, 3, WEST));
    const shown = () => daemon.ctl('status').stdout;
    await daemon.start();

    mkdirSync(join(daemon.drop, 'housing'));
    const archive = join(dirname(daemon.drop), 'archive');
    rmSync(archive, { recursive: true });
    writeFileSync(archive, 'no folder');
    dropFeed(daemon.drop, 'housing', 'h06', [{ household_no: 'H0001', code: 'housing.grade', value: 'A', from: '2020-01-01' }]);
    assert.equal(daemon.round(AS_OF).raised, 3, 'the round goes on');
    assert.match(shown(), /^THE DROP DIRECTORY FAILED at \S+: .*archive.*: cannot make the folder: Not a directory; /m);
    assert.match((await daemon.get('/readyz?verbose')).text, /^\[!\] scan: failed at \S+: .*archive/m);
    rmSync(archive);
    await until(() => !/DROP DIRECTORY/.test(shown()), 'the next scan to go well');

    // an account that may look, and may not lead
    await daemon.stop();
    cluster.sql('create role status_looker login');
    daemon.sql('grant usage on schema shouwang to status_looker; grant select on all tables in schema shouwang to status_looker');
    daemon.settings.database.conninfo = daemon.conninfo = daemon.conninfo.replace(/user=\S+/, 'user=status_looker');
    daemon.configure();
    await daemon.start();
    await daemon.waitForLog(/level=error event=lease\.refused err="[^"]*no privilege; the account has not the role for it \(SQLSTATE 42501\)"/);
    const why = 'the lease cannot be taken or kept: database: no privilege; the account has not the role for it \\(SQLSTATE 42501\\)';
    assert.match(shown(), new RegExp(`^WORK WAITS, no round and no feed: ${why}$`, 'm'));
    const { status, text } = await daemon.get('/readyz');
    assert.deepEqual([status, /^\[-\] lease: standby: .*no privilege/m.test(text)], [503, true]);
    const { stderr } = daemon.ctl('round', '--wait');
    assert.match(stderr, new RegExp(why));
    cluster.sql('grant shouwang_daemon to status_looker');
    await until(() => / leader; /.test(shown()) && /^NO RECEIVER/m.test(shown()) && !/WAITS/.test(shown()), 'the account that has the role now to lead');

    // of what was never read there are no figures
    await daemon.stop();
    daemon.settings.database.conninfo = daemon.conninfo = 'host=/nonexistent dbname=x';
    daemon.configure();
    await daemon.start();
    assert.match(shown(), /^1 matter wants you:\nDATABASE down: .*; there are no figures yet$/m);
    assert.doesNotMatch(shown(), /^(register|warnings|round|queue) /m);
});

// The account is not the superuser that tests usually are: to it PostgreSQL says of others' sessions neither age nor state.
test('a transaction of somebody else that does not end is seen by an account that may not see its age', async () => {
    for (const role of ['status_daemon', 'status_li']) cluster.sql(`create role ${role} login in role shouwang_daemon`);
    daemon = new Instance(cluster, { settings: QUICK });
    daemon.conninfo = daemon.settings.database.conninfo = daemon.conninfo.replace(/user=\S+/, 'user=status_daemon');
    daemon.configure();
    await daemon.start();
    const age = async () => Number(/^shouwang_database_oldest_transaction_age_seconds (\S+)$/m.exec((await daemon.get('/metrics')).text)[1]);
    const seen = async () => (await ask(daemon.socket, 'status')).result.oldest_transaction;
    await until(async () => / job -\n/.test(daemon.ctl('status').stdout) && !(await seen()), 'the first scan to end');

    for (const begin of ['begin isolation level repeatable read; select count(*) from batch', 'begin; select pg_current_xact_id()']) {
        const other = new Psql(daemon.conninfo.replace(/user=\S+/, 'user=status_li'));
        try {
            await other.ask(begin);
            const pid = Number(await other.ask('select pg_backend_pid()'));
            await until(async () => (await age()) > 0.5, () => `the metric to tell of session ${pid}`);
            const { age_s, ...rest } = await seen();
            assert.deepEqual(rest, { pid, account: 'status_li', old: false });
            assert.ok(age_s >= 0);
        } finally {
            await other.close();
        }
        await until(async () => !(await seen()), 'nobody to hold anything');
    }
});
