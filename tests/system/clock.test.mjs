// SPDX-License-Identifier: PostgreSQL
// The daemon's wall clock jumps by three years, forward and back, while it runs: libfaketime (faketime(1)) moves it, the
// monotonic clock and the database's stay. No retry is lost, nothing expires early, no round is run by a wrong date or twice.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { Register, residentId } from './lib/county.mjs';
import { Cluster, Instance, newSecret, program } from './lib/instance.mjs';
import { Receiver } from './lib/receiver.mjs';
import { until } from './lib/wait.mjs';

const TOWNSHIP = '610922103';
const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1'.replace('x86_64-linux-gnu', { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[process.arch]);
const YEARS = 3 * 366 * 86400;
const BATTERY_DIED = Math.floor((Date.UTC(2015, 0, 1) - Date.now()) / 1000);
let cluster, instance, receiver, apart;

/** libfaketime leaves them where a process is killed, and no process of another user's can begin that gets the same number. */
function sweep() {
    for (const name of readdirSync('/dev/shm')) {
        const [, pid] = /faketime_(?:sem|shm)_(\d+)$/.exec(name) ?? [];
        if (!pid || existsSync(`/proc/${pid}`)) continue;
        try {
            rmSync(join('/dev/shm', name), { force: true });
        } catch {
            // somebody else's, and ours to leave
        }
    }
}

before(() => {
    sweep();
    cluster = Cluster.start();
});
after(() => {
    cluster?.stop();
    apart?.stop();
    sweep();
});
afterEach(async () => {
    const end = await instance?.stop();
    const output = instance?.output;
    await instance?.close();
    await receiver?.stop();
    instance = receiver = null;
    if (end) assert.deepEqual(end, { code: 0, signal: null }, output);
});

/** Whoever reads the file finds the one time or the other, never half of one. */
function setClock(directory, seconds) {
    const file = join(directory, 'faketime');
    writeFileSync(`${file}.new`, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}\n`);
    renameSync(`${file}.new`, file);
}
const ofClock = (directory) => ({ LD_PRELOAD: LIBRARY, FAKETIME_TIMESTAMP_FILE: join(directory, 'faketime'), FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' });

/** The daemon's clock from now on: so many seconds beside the real one. */
const jump = (seconds) => setClock(instance.directory, seconds);

/** Jumps, and has the daemon look at the database at once. */
async function jumpAndLook(seconds, pattern) {
    const heard = instance.output.length;
    jump(seconds);
    // One look may have begun before the jump.
    await until(async () => (await instance.ctlAside('status'), pattern.test(instance.output.slice(heard))), () => `${pattern} in:\n${instance.output}`);
}

async function start(settings = {}, on = cluster) {
    assert.ok(existsSync(LIBRARY), `${LIBRARY} (package faketime)`);
    const secret = newSecret();
    receiver = await Receiver.start(secret);
    instance = new Instance(on, { settings: { delivery: { retry_first: '300ms', retry_max: '1s' }, ...settings }, townships: { [TOWNSHIP]: { url: receiver.url, secret } } });
    const register = new Register();
    for (let i = 1; i <= 3; i++) register.single(`H${i}`, residentId('1980-01-01', i), '100.00');
    instance.import(register);
    jump(0);
    // the test's own clock, and that of the other programs, must not be moved
    instance.env = {
        ...ofClock(instance.directory),
        // sanitizers want to be the first library
        ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:verify_asan_link_order=0`,
    };
    await instance.start();
}

const states = () => instance.sql("select string_agg(distinct state, ' ' order by state) from delivery");
const rounds = () => Number(instance.sql("select count(*) from round where state = 'committed'"));

for (const [direction, seconds] of [['forward', YEARS], ['back', -YEARS]]) {
    test(`a jump ${direction} while deliveries wait for their retry: each is delivered once, none expires`, async () => {
        await start();
        let open = false;
        receiver.answer = () => (open ? 204 : 503);
        instance.round('2021-06-30');
        await until(() => receiver.ledger.length >= 3, 'first attempts');
        await jumpAndLook(seconds, /event=clock\.disagrees ahead_s=-?9\d{7} work=waits/);
        await until(() => states() === 'queued', 'attempts in flight ended');
        const made = receiver.ledger.length;
        open = true;
        assert.equal(instance.sql("select count(*) from delivery where expires_at < now() + interval '2 days'"), '0');
        assert.match((await instance.ctlAside('round', '--wait')).stderr, /clock/);
        assert.equal(receiver.ledger.length, made, 'nothing is sent meanwhile');
        await jumpAndLook(0, /event=clock\.agrees/);
        await receiver.waitFor(3);
        await until(() => states() === 'delivered', 'all delivered');
        assert.equal(new Set(receiver.events.map((event) => event.id)).size, 3);
        assert.equal(receiver.events.length, 3);
        for (const entry of receiver.ledger) assert.ok(Math.abs(Number(entry.headers['webhook-timestamp']) - entry.at / 1000) < 60, 'signed at the right time');
    });
}

test("the database's clock jumps forward and back: nothing expires early, and each event is delivered once", async () => {
    apart ??= Cluster.start({ env: (directory) => (setClock(directory, 0), ofClock(directory)) });
    const jumpThere = (seconds) => setClock(apart.directory, seconds);
    await start({}, apart);
    let open = false;
    receiver.answer = () => (open ? 204 : 503);
    instance.round('2021-06-30');
    await until(() => receiver.ledger.length >= 3, 'first attempts');
    jumpThere(YEARS);
    // a new connection looks at once for what is overdue
    instance.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'shouwangd delivery'");
    await instance.waitForLog(/event=delivery\.database_up[^]*event=delivery\.database_up/);
    const look = instance.ctlAside('status');
    await instance.waitForLog(/event=clock\.disagrees ahead_s=-9\d{7} work=waits/);
    await look;
    await until(() => states() === 'queued', () => `the last attempts to end, found ${states()}:\n${instance.output}`);
    open = true;
    jumpThere(0);
    await Promise.all([instance.ctlAside('status'), instance.waitForLog(/event=clock\.agrees/)]);
    await until(() => states() === 'delivered', 'all delivered');
    assert.equal(receiver.events.length, 3);
    assert.doesNotMatch(instance.output, /event=delivery\.expired/);
});

for (const [direction, seconds, pattern] of [['forward', YEARS, /event=clock\.wrong ahead_s=9\d{7}/], ['back', BATTERY_DIED, /event=clock\.wrong ahead_s=-\d{8,9}/]]) {
    test(`both clocks jump ${direction} together: work waits, nothing expires, no round has a wrong date`, async () => {
        apart ??= Cluster.start({ env: (directory) => (setClock(directory, 0), ofClock(directory)) });
        const jumpBoth = (to) => (setClock(apart.directory, to), jump(to));
        setClock(apart.directory, 0);
        await start({ rounds: { schedule: 'monthly', limit: '100%' } }, apart);
        const busy = { status: 503, headers: { 'retry-after': '1' } };
        const inFlight = [];
        receiver.answer = () => new Promise((resolve) => inFlight.push(() => resolve(busy)));
        instance.round('2021-06-30');
        await until(() => inFlight.length === 3, 'first attempts');
        await instance.ctlAside('status'); // so that no look of the daemon's own falls between the two clocks
        jumpBoth(seconds);
        receiver.answer = () => busy;
        for (const answer of inFlight) answer(); // their retries, and the pause, are reckoned by the wrong clock
        await until(() => states() === 'queued', 'the answers to be written');
        const { status, stderr } = instance.ctl('round', '--wait'); // before anybody has looked
        assert.equal(status, 75);
        assert.match(stderr, /clock/);
        await Promise.all([instance.ctlAside('status'), instance.waitForLog(pattern)]);
        instance.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'shouwangd delivery'");
        await instance.waitForLog(/event=delivery\.database_up[^]*event=delivery\.database_up/);
        await instance.ctlAside('status');
        jumpBoth(0);
        receiver.answer = () => 204;
        await Promise.all([instance.ctlAside('status'), instance.waitForLog(/event=clock\.agrees/)]);
        await until(() => states() === 'delivered', () => `all delivered:\n${instance.output}`);
        assert.equal(receiver.events.length, 3);
        assert.doesNotMatch(instance.output, /event=delivery\.expired/);
        assert.equal(rounds(), 1);
    });
}

test('a jump while a round is armed: none by a wrong date, none twice, none lost', async () => {
    await start({ rounds: { schedule: 'monthly', limit: '100%' } });
    assert.equal(rounds(), 0);
    for (const seconds of [YEARS, -YEARS]) {
        await jumpAndLook(seconds, /event=clock\.disagrees/);
        const { status, stderr } = instance.ctl('round', '--wait');
        assert.equal(status, 75);
        assert.match(stderr, /clock/);
        await jumpAndLook(0, /event=clock\.agrees/);
    }
    assert.equal(instance.sql('select count(*) from round'), '0', 'no round was made up for that the calendar did not have');
    const today = () => new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(new Date());
    const before = today();
    const { as_of } = instance.json('round', '--wait');
    assert.ok([before, today()].includes(as_of), as_of); // a day may have ended meanwhile
    assert.equal(rounds(), 1);
});

test('the calendar had a round while the clock was wrong: it is run once when the clock is right', async () => {
    const soon = new Date(Date.now() + 10 * 60 * 1000);
    const time = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai', hour: '2-digit', minute: '2-digit' }).format(soon);
    await start({ rounds: { schedule: `*-*-* ${time}`, limit: '100%' } });
    await jumpAndLook(-YEARS, /event=clock\.disagrees .*work=waits/);
    await jumpAndLook(20 * 60, /event=clock\.disagrees ahead_s=1\d{3} work="goes on"/); // a clock that is right to a day is believed
    await until(() => rounds() === 1, () => `the round:\n${instance.output}`);
    assert.equal(instance.sql('select cause from round'), 'schedule');
    await jumpAndLook(YEARS, /work=waits/);
    await jumpAndLook(20 * 60, /work="goes on"/);
    await instance.stop();
    assert.equal(rounds(), 1, 'and only once');
});

test('a scheduled round that was begun in time by a clock that is ahead of the database\'s is not made up for once more', async () => {
    const AHEAD_S = 40;
    await start();
    await instance.stop();
    jump(AHEAD_S);
    const due = new Date(Math.floor((Date.now() / 1000 + AHEAD_S) / 60 - 2) * 60000); // by our clock, and in Shanghai
    instance.settings.rounds = { schedule: `*-*-* ${new Date(due.getTime() + 8 * 3600000).toISOString().slice(11, 16)}` };
    instance.configure();
    const begun = new Date(due.getTime() + 1000 - AHEAD_S * 1000).toISOString(); // by the database's
    instance.sql(`insert into round (state, cause, as_of, started_at) values ('committed', 'schedule', '2021-06-30', '${begun}')`);
    await instance.start();
    assert.equal(instance.ctl('round', '--dry-run').status, 0); // comes after all that was ordered before
    assert.equal(rounds(), 1);
});

test('--once by a clock whose battery died runs nothing, and ends', async () => {
    await start();
    await instance.stop();
    jump(BATTERY_DIED);
    const { status, stderr } = spawnSync(program('shouwangd'), ['-c', instance.conf, '-f', '--once'], { env: { ...process.env, ...instance.env }, encoding: 'utf8', timeout: 120000 });
    assert.equal(status, 75, stderr);
    assert.match(stderr, /clock is wrong/);
    assert.equal(rounds(), 0);
});

test('a round that was run years ahead is not hidden: every later one is refused, and says so', async () => {
    await start();
    instance.round('2021-06-30');
    instance.sql("update round set as_of = '2029-06-30'"); // it was today when the clock stood there
    const { status, stderr } = instance.ctl('round', '--wait');
    assert.notEqual(status, 0);
    assert.match(stderr, /2029-06-30/);
    await instance.waitForLog(/event=job\.failed .*2029-06-30/);
    assert.equal(rounds(), 1);
});
