// SPDX-License-Identifier: PostgreSQL
// Delivery in a storm: rounds write events, receivers answer as badly as receivers can, and meanwhile the daemon is killed and frozen,
// its sessions are ended, its database is restarted, addresses, secrets and limits change. Then the sun shines, and everything
// arrives by itself. Whether it did so as promised is judged from the receivers' ledgers (tests/reference/storm.mjs).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Webhook } from 'standardwebhooks';
import { plusDays } from '../reference/county.mjs';
import { Judge } from '../reference/storm.mjs';
import { Register, residentId } from './lib/county.mjs';
import { Cluster, Instance, newSecret } from './lib/instance.mjs';
import { pause, randomOf } from './lib/random.mjs';
import { MOODS, StormReceiver } from './lib/storm_receiver.mjs';
import { DEADLINE_MS, until } from './lib/wait.mjs';

const SEEDS = Number(process.env.SHOUWANG_SEEDS ?? 1);
const FIRST = Number(process.env.SHOUWANG_FIRST_SEED ?? 3); // to go through one again; that of ./check has a bit of everything
const LONG = process.env.SHOUWANG_LONG !== undefined;
const [HOUSEHOLDS, ROUNDS, BLOWS] = LONG ? [60, 12, 60] : [30, 3, 14];
const TOWNSHIPS = ['610922100', '610922101', '610922200', '610922201'];
const TIMEOUT_MS = 2000;
const RETRY = { first_ms: 100, max_ms: 600 };
const PG_CLUSTER = join(fileURLToPath(new URL('.', import.meta.url)), 'pg_cluster.sh');

// What changes about a household is its dwelling's grade, and with it its level.
const clause = (kind, grade) => `${kind} house.${grade.toLowerCase()} 住房${grade}\n  依据 甲 一\n  当 最新 房屋 属于 (${grade})\n  事由 住房\n  理由 "危房"\n`;
const POLICY = `政策 风暴 版本 1 生效 2019-01-01\n文件 甲 "试"\n事实 房屋 : 代码 取 housing.grade\n人群 成员 = 登记人员\n` + clause('红', 'D') + clause('橙', 'C') + clause('黄', 'B');

let cluster;
before(() => (cluster = Cluster.start()));
after(() => cluster?.stop());

/** Like spawnSync, but the receivers go on meanwhile. */
function run(command, ...args) {
    return new Promise((resolve, reject) => {
        const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: DEADLINE_MS });
        const said = { stdout: '', stderr: '' };
        for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (said[name] += text));
        child.on('error', reject).on('close', (status) => resolve({ status, ...said }));
    });
}

class Storm {
    epoch = 0; // daemons so far
    ledger = [];
    blows = [];
    lags = [];
    releases = [];
    wakes = []; // rounds and tests: the daemon looks at all receivers
    logs = [];
    orders = new Map();
    homes = new Map();
    pending = [];
    began = performance.now();

    constructor(seed) {
        this.seed = seed;
        this.random = randomOf(3 * seed);
        this.fate = randomOf(3 * seed + 1);
        this.folder = mkdtempSync(join(tmpdir(), 'swstorm.'));
        const policy = join(this.folder, 'storm.policy');
        writeFileSync(policy, POLICY);
        const delivery = { retry_first: `${RETRY.first_ms}ms`, retry_max: `${RETRY.max_ms}ms`, timeout: `${TIMEOUT_MS}ms` };
        this.instance = new Instance(cluster, { detached: true, policy, settings: { delivery, rounds: { schedule: 'off', limit: '1000000' } } });
        let last = this.now();
        this.ticker = setInterval(() => {
            const now = this.now();
            if (now - last > 30) this.lags.push([last, now]);
            last = now;
        }, 10);
        for (let n = 1; n <= HOUSEHOLDS; n++) this.homes.set(`H${String(n).padStart(3, '0')}`, { id: residentId('1980-01-01', n), township: TOWNSHIPS[n % TOWNSHIPS.length], grade: 'A' });
    }

    async wake(act) {
        const wake = { from: this.now(), to: null };
        this.wakes.push(wake);
        try {
            return await act();
        } finally {
            wake.to = this.now();
        }
    }

    now = () => performance.now() - this.began;

    async begin() {
        this.receivers = new Map();
        for (const [i, township] of TOWNSHIPS.entries()) {
            const receiver = new StormReceiver(township, randomOf(7919 * this.seed + i), this);
            this.receivers.set(township, await (await receiver.listen()).listen());
            this.order(township, { address: 0, secrets: [newSecret()], connections: 1 + this.random.upTo(4) });
            this.orders.get(township)[0].done = 0;
        }
        await this.import();
        await this.instance.start();
        this.taken_up();
    }

    // --- what the county does ----------------------------------------------------------------------------------------------------------

    async insist(what, act) {
        for (const end = this.now() + DEADLINE_MS; ; await pause(100)) {
            const { status, stderr } = await act();
            if (status === 0) return;
            if (this.now() > end) throw new Error(`${what}: ${stderr}`);
        }
    }

    async import() {
        const register = new Register();
        for (const [no, { id, township, grade }] of this.homes) register.household(no, { township }).person(no, id).fact({ household_no: no, code: 'housing.grade', value: grade, from: '2020-01-01' });
        const folder = register.write(join(this.instance.directory, 'register'));
        this.instance.watch.folder(folder);
        await this.insist('import', () => this.instance.ctlAside('import', folder));
    }

    /** Before the storm: all have news, and one township's program is broken. */
    async siege() {
        const receiver = this.receivers.get(TOWNSHIPS[0]), asked = (from) => this.ledger.filter(({ township, at }) => township === receiver.township && at > from).length;
        await receiver.setMood('broken');
        for (const home of this.homes.values()) home.grade = 'B';
        await this.import();
        await this.wake(() => this.insist('round', () => this.instance.ctlAside('round', '--as-of', '2021-06-29', '--wait')));
        const quiet = this.now() + 1000; // what the round made the daemon do is over
        await until(() => asked(0) >= 15 && asked(quiet) >= 3, () => `ten failures and some probes: ${asked(0)}`);
    }

    async live() {
        for (let n = 0; n < ROUNDS; n++) {
            for (const home of this.homes.values()) {
                if (this.fate.chance(55)) home.grade = this.fate.pick('AABCD');
                if (this.fate.chance(4)) home.township = this.fate.pick(TOWNSHIPS);
            }
            await this.import();
            await this.wake(() => this.insist('round', () => this.instance.ctlAside('round', '--as-of', plusDays('2021-06-30', n), '--wait')));
            await pause(this.fate.upTo(300));
        }
    }

    // --- what strikes it ----------------------------------------------------------------------------------------------------------------

    order(township, order) {
        const [secret, previous] = order.secrets, { address, connections } = order;
        if (!this.orders.has(township)) this.orders.set(township, []);
        this.orders.get(township).push({ ...order, from: this.now(), done: null });
        const keys = { url: this.receivers.get(township).url(address), secret, connections };
        if (previous) {
            writeFileSync(join(this.instance.directory, 'townships.d', `${township}.old`), previous + '\n', { mode: 0o600 });
            keys.secret_file_previous = `${township}.old`;
        }
        this.instance.township(township, keys);
    }

    /** The daemon has read its configuration, as it stood at `from` at the latest. */
    taken_up(from = Infinity) {
        for (const list of this.orders.values()) for (const order of list) if (order.from <= from) order.done ??= this.now();
    }

    async psql(sql) {
        return run('psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', `${cluster.conninfo} connect_timeout=5 dbname=${this.instance.database}`, '-c', `set search_path = shouwang; ${sql}`);
    }

    async blow(kind, act, township) {
        const blow = { kind, from: this.now(), to: null, township };
        this.blows.push(blow);
        try {
            await act();
        } finally {
            blow.to = this.now();
        }
    }

    async end_daemon(signal) {
        this.instance.daemon.kill('SIGCONT');
        const end = await this.instance.stop(signal);
        this.logs.push(this.instance.output);
        this.epoch++;
        return end;
    }

    strike = {
        mood: (receiver) => receiver.setMood(this.random.pick(['good', 'mixed', 'mixed', 'mixed', 'busy', 'busy', 'failing', 'broken', 'refusing', 'breaking', 'down'])),
        closeIdle: (receiver) => receiver.closeIdle(),
        move: (receiver) => this.reload(receiver, (order) => ({ ...order, address: 1 - order.address })),
        rotate: (receiver) => this.reload(receiver, ({ secrets, ...order }) => ({ ...order, secrets: secrets.length > 1 ? [secrets[0]] : [newSecret(), ...(this.random.chance(70) ? [secrets[0]] : [])] })),
        allow: (receiver) => this.reload(receiver, (order) => ({ ...order, connections: 1 + this.random.upTo(6) })),
        release: () => this.release(),
        test: (receiver) => this.pending.push(this.wake(() => this.instance.ctlAside('endpoint', 'test', receiver.township))),
        kill: () => this.blow('kill', async () => {
            await this.end_daemon('SIGKILL');
            if (this.random.chance(30)) await pause(this.random.upTo(500));
            await this.instance.start();
            this.taken_up();
        }),
        freeze: () => this.blow('freeze', async () => {
            this.instance.daemon.kill('SIGSTOP');
            await pause(LONG ? this.random.pick([50, 500, 1500, 3000]) : 50 + this.random.upTo(500));
            this.instance.daemon.kill('SIGCONT');
        }),
        terminate: () => this.blow('database', async () => {
            const which = this.random.pick([" and application_name = 'shouwangd delivery'", '']);
            await this.psql(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and application_name like 'shouwangd%'${which}`);
            await pause(300);
        }),
        restart: () => this.blow('database', async () => {
            await run(PG_CLUSTER, this.random.pick(['stop', 'kill']), cluster.data);
            if (this.random.chance(50)) await pause(this.random.upTo(LONG ? 2000 : 300));
            await run(PG_CLUSTER, 'start', cluster.data);
            await pause(500);
        }),
    };

    reload(receiver, change) {
        const { township } = receiver;
        return this.blow('reload', async () => {
            const { address, secrets, connections } = this.orders.get(township).at(-1);
            this.order(township, change({ address, secrets, connections }));
            const from = this.now();
            if ((await this.instance.ctlAside('reload')).status === 0) this.taken_up(from);
        }, township);
    }

    /** As docs/operators.md says. */
    async release() {
        const at = this.now();
        const { stdout } = await this.psql("update endpoint set state = 'active', held_reason = null where state = 'held' returning township_code");
        if (stdout.trim() !== '') this.releases.push(at);
    }

    async rage() {
        const weights = { mood: 12, closeIdle: 3, move: 2, rotate: 2, allow: 2, release: 3, test: 1, kill: 2, freeze: 2, terminate: 2, restart: LONG ? 0.7 : 0 };
        const rare = LONG ? [] : ['restart', 'kill', 'rotate', 'move'].map((kind) => [this.random.upTo(BLOWS - 3), kind]);
        for (let n = 0; n < BLOWS; n++) {
            let left = this.random.next() * Object.values(weights).reduce((sum, weight) => sum + weight, 0);
            const kind = rare.find(([when]) => when === n)?.[1] ?? Object.keys(weights).find((one) => (left -= weights[one]) < 0);
            await this.strike[kind](this.receivers.get(this.random.pick(TOWNSHIPS)));
            await pause(this.random.upTo(120));
        }
        // Claims whose answer was lost come back with their lease, or when a daemon begins.
        if (!LONG || this.random.chance(50)) await this.strike.kill();
    }

    // --- and then ------------------------------------------------------------------------------------------------------------------------

    async drain() {
        this.calm = this.now();
        for (const receiver of this.receivers.values()) await receiver.setMood('fine');
        const end = this.now() + DEADLINE_MS;
        for (;;) {
            await this.release();
            const { stdout } = await this.psql("select count(*) from delivery where finished_at is null");
            if (stdout.trim() === '0') break;
            if (this.now() > end) throw new Error(`not told after ${DEADLINE_MS} ms of good weather:\n${(await this.psql('select * from delivery where finished_at is null')).stdout}\n${this.instance.output.slice(-2000)}`);
            await pause(50);
        }
        await Promise.allSettled(this.pending);
        assert.deepEqual(await this.end_daemon('SIGTERM'), { code: 0, signal: null }, this.logs.at(-1));
        clearInterval(this.ticker);
    }

    async judge() {
        const rows = await this.psql(`select json_build_object('no', outbox_no, 'id', event_id, 'household', household_id, 'household_no', event::json->>'partitionkey', 'township', d.township_code::text,
            'type', type, 'state', state, 'sequence', sequence::text, 'attempts', attempts, 'refusals', refusals, 'event', event)
            from outbox o join delivery d using (household_id, event_id, outbox_no) order by outbox_no`);
        const events = rows.stdout.trim().split('\n').map((line) => JSON.parse(line));
        const last = new Map((await this.psql('select township_code, last_sequence from endpoint')).stdout.trim().split('\n').map((line) => line.split('|')).map(([code, number]) => [code, Number(number)]));
        const line = /event=delivery\.(delivered|retry|failed) delivery=(\S+) township=(\d+) attempt=(\d+) http=(\d+) outcome=(\S+)/g;
        const log = [...this.logs.join('').matchAll(line)].map(([, end, id, township, attempt, http, outcome]) => ({ end, id, township, attempt: Number(attempt), http: Number(http), outcome }));
        const judge = new Judge({ events, ledger: this.ledger, log, last, blows: this.blows, orders: this.orders, releases: this.releases, lags: this.lags, wakes: this.wakes, retry: RETRY, timeout_ms: TIMEOUT_MS, homes: this.homes, verify: (secret, body, headers) => new Webhook(secret).verify(body, headers) });
        const count = (list, what) => Object.fromEntries([...new Set(list.map(what))].sort().map((one) => [one, list.filter((other) => what(other) === one).length]));
        const told = { ms: [this.calm, this.now()].map(Math.round), came: this.ledger.length, states: count(events, ({ state }) => state), blows: count(this.blows, ({ kind }) => kind), acts: count(this.ledger, ({ act }) => act) };
        const wrong = judge.judge();
        assert.ok(judge.rests > 0, 'of those that rested between probes some were seen');
        return { wrong, told: { ...told, rests: judge.rests } };
    }

    async close() {
        clearInterval(this.ticker);
        await run(PG_CLUSTER, 'start', cluster.data);
        this.instance.daemon?.kill('SIGCONT');
        for (const receiver of this.receivers.values()) await receiver.stop();
        await Promise.allSettled(this.pending);
        await this.instance.close();
        rmSync(this.folder, { recursive: true });
    }
}

for (let seed = FIRST; seed < FIRST + SEEDS; seed++)
    test(`everything arrives, once the storm is over, as promised (seed ${seed})`, async (t) => {
        const storm = new Storm(seed);
        try {
            await storm.begin();
            await storm.siege();
            await Promise.all([storm.live(), storm.rage()]);
            await storm.drain();
            const { wrong, told } = await storm.judge();
            t.diagnostic(JSON.stringify(told));
            if (wrong.length > 0 && process.env.SHOUWANG_KEEP) writeFileSync(join(tmpdir(), `storm-${seed}.json`), JSON.stringify({ wrong, ...storm, instance: undefined, receivers: undefined, ticker: undefined }, null, 1));
            assert.deepEqual(wrong.slice(0, 10), [], `${wrong.length} promises were not kept`);
        } finally {
            await storm.close();
        }
    });
