#!/usr/bin/env node
// SPDX-License-Identifier: PostgreSQL
// bench: delivery: events of the outbox to a local nginx, beside wrk, bare libcurl, graphile-worker and pg-boss
//
//   bench/run delivery [--events N] [--repeats N] [--peer-jobs N] [--only NAME,…] [--million]
//
// One nginx on loopback answers 204. All post bodies of the same size over 64 connections to it, one after the other, several
// times over, so that a busy machine slows everybody. Ours is the whole way: rows of the outbox in PostgreSQL, claimed, signed,
// posted, logged, the results committed (synchronous_commit on). The peers use the same server and neither sign nor log.
//   --events N     events queued for each of our runs (100000)
//   --peer-jobs N  jobs of a peer's run (20000)
//   --repeats N    how often each is measured; the median counts (3)
//   --only A,B     some of: wrk, curl, sixteen, one, graphile (at its fastest), installed (graphile-worker's own settings), pgboss, count
//   --million      also: a million events queued, and the daemon's memory while they are delivered
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cpu } from './peers/deliver.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const { BENCH_BUILD, BENCH_DIR, BENCH_CONNINFO } = process.env;
const CONNECTIONS = 64;
const SECONDS = 3;
const DEADLINE_MS = 300000;

const { values: options } = parseArgs({
    options: {
        events: { type: 'string', default: '100000' },
        'peer-jobs': { type: 'string', default: '20000' },
        repeats: { type: 'string', default: '3' },
        only: { type: 'string' },
        million: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
    },
});
if (options.help) {
    const text = readFileSync(fileURLToPath(import.meta.url), 'utf8');
    console.log(text.split('\n').slice(2).filter((line, i, all) => all.slice(0, i + 1).every((one) => one.startsWith('//'))).map((line) => line.slice(3)).join('\n'));
    process.exit(0);
}
const EVENTS = Number(options.events);
const PEER_JOBS = Number(options['peer-jobs']);
const selected = (name) => !options.only || options.only.split(',').includes(name);

// --- small things ---------------------------------------------------------------------------------------------------

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(condition, what, deadline_ms = DEADLINE_MS, every_ms = 50) {
    const end = Date.now() + deadline_ms;
    for (;;) {
        const value = await condition();
        if (value) return value;
        if (Date.now() > end) throw new Error(`not within ${deadline_ms} ms: ${what}`);
        await pause(every_ms);
    }
}

function must(command, args, settings = {}) {
    const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...settings });
    if (result.error) throw result.error;
    if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}: exit ${result.status}: ${result.stderr}${result.stdout}`);
    return result.stdout.trim();
}

const sql = (text, database) => must('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', `${BENCH_CONNINFO} dbname=${database}`, '-c', text]);

/** Runs a program aside, so that we can measure meanwhile; resolves to its output. */
function aside(command, args, settings = {}) {
    return new Promise((resolve, reject) => {
        const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], ...settings });
        let text = '';
        child.stdout.setEncoding('utf8').on('data', (chunk) => (text += chunk));
        child.on('error', reject).on('close', (code) => (code === 0 ? resolve(text.trim()) : reject(new Error(`${command}: exit ${code}`))));
    });
}

const freePort = () =>
    new Promise((resolve) => {
        const server = createServer().listen(0, '127.0.0.1', () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });

const postmaster = Number(readFileSync(join(/host=(\S+)/.exec(BENCH_CONNINFO)[1], 'postmaster.pid'), 'utf8').split('\n')[0]);

// --- the receiver ---------------------------------------------------------------------------------------------------

const nginx = { directory: join(BENCH_DIR, 'nginx') };

async function startNginx() {
    rmSync(nginx.directory, { recursive: true, force: true });
    mkdirSync(nginx.directory, { recursive: true });
    const [port, counting] = [await freePort(), await freePort()];
    const conf = readFileSync(join(HERE, 'delivery', 'nginx.conf'), 'utf8');
    const user = process.getuid() === 0 ? 'user root;\n' : '';
    writeFileSync(join(nginx.directory, 'nginx.conf'), user + conf.replaceAll('@DIR@', nginx.directory).replaceAll('@PORT@', port).replaceAll('@COUNTING@', counting));
    nginx.process = spawn('/usr/sbin/nginx', ['-e', 'stderr', '-p', nginx.directory, '-c', 'nginx.conf'], { stdio: ['ignore', 'ignore', 'inherit'] });
    nginx.url = `http://127.0.0.1:${port}/hook`;
    nginx.countingUrl = `http://127.0.0.1:${counting}/hook`;
    await until(async () => (await fetch(nginx.url).catch(() => null))?.status === 204, 'nginx to answer', 10000);
}

async function stopNginx() {
    if (!nginx.process) return;
    const gone = new Promise((resolve) => nginx.process.on('exit', resolve));
    nginx.process.kill('SIGQUIT');
    await gone;
}

// --- ours -----------------------------------------------------------------------------------------------------------

const EVENT = `'{"specversion":"1.0","id":"' || id || '","source":"/counties/610922/shouwang","type":"cn.shouwang.warning.raised",'
    || '"subject":"households/' || household || '","time":"2026-06-30T09:00:00+08:00","datacontenttype":"application/json",'
    || '"partitionkey":"' || household || '","data":{"warning_id":"' || household || '","level":"orange","text":"'
    || repeat('因病支出较大', 36) || '"}}'`;

const started = new Set(); // daemons

const townshipCode = (i) => 610922100 + i;

/** A county of so many townships, all at the same receiver, with so many events queued. */
class County {
    constructor(name, townships, perEndpoint, url) {
        Object.assign(this, { name, townships, perEndpoint, directory: join(BENCH_DIR, name) });
        rmSync(this.directory, { recursive: true, force: true });
        mkdirSync(join(this.directory, 'townships.d'), { recursive: true });
        mkdirSync(join(this.directory, 'drop'));
        this.conf = join(this.directory, 'shouwang.conf');
        this.log = join(this.directory, 'log');
        const policy = join(HERE, '..', 'conf', 'policies', 'shaanxi-county.policy');
        writeFileSync(this.conf, [
            '[county]', 'code = 610922', 'name = 示范县', '[database]', `conninfo = ${BENCH_CONNINFO} dbname=${name}`, '[feeds]', 'directory = drop',
            'archive = archive', '[policy]', `file = ${policy}`, '[http]', 'listen = 127.0.0.1:0', '[control]', 'socket = ctl.sock', '[state]', 'directory = state',
            '[delivery]', `connections = ${CONNECTIONS}`, `connections_per_endpoint = ${perEndpoint}`, '[log]', 'file = log', '',
        ].join('\n'));
        for (let i = 1; i <= townships; i++) {
            writeFileSync(join(this.directory, 'townships.d', 'secret'), 'whsec_' + Buffer.alloc(32, 7).toString('base64') + '\n', { mode: 0o600 });
            writeFileSync(join(this.directory, 'townships.d', `${townshipCode(i)}.conf`), `[endpoint]\nurl = ${url}/${townshipCode(i)}\nsecret_file = secret\n`);
        }
        sql(`drop database if exists ${name} with (force)`, 'postgres');
        sql(`create database ${name}`, 'postgres');
        must(join(BENCH_BUILD, 'ctl', 'shouwangctl'), ['-c', this.conf, 'migrate']);
    }

    sql(text) {
        return sql(`set search_path = shouwang; ${text}`, this.name);
    }

    queue(events) {
        this.sql(`truncate outbox, delivery, endpoint;
            create temporary table made as select gen_random_uuid() as id, i as household, ${townshipCode(1)} + i % ${this.townships} as township from generate_series(1, ${events}) i;
            insert into outbox (household_id, event_id, township_code, type, event) select household, id, township, 'warning.raised', ${EVENT} from made order by household;
            insert into delivery (household_id, event_id, outbox_no, township_code, priority, state, expires_at)
                select household_id, event_id, outbox_no, township_code, (outbox_no % 3)::smallint, 'queued', now() + interval '3 days' from outbox order by outbox_no;
            commit; analyze outbox; analyze delivery; checkpoint`);
    }

    async start() {
        rmSync(this.log, { force: true });
        this.daemon = spawn(join(BENCH_BUILD, 'daemon', 'shouwangd'), ['-c', this.conf], { stdio: ['ignore', 'ignore', 'inherit'] });
        started.add(this.daemon);
        this.exited = new Promise((resolve) => this.daemon.on('exit', resolve)).then(() => started.delete(this.daemon));
        const ready = () => existsSync(this.log) && /event=daemon\.ready .*?http=(\S+)/.exec(readFileSync(this.log, 'utf8'));
        this.http = (await until(ready, 'the daemon', 30000, 10))[1];
    }

    async stop() {
        this.daemon.kill('SIGTERM');
        await this.exited;
    }

    memory(key) {
        return Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${this.daemon.pid}/status`, 'utf8'))[1]) / 1024;
    }

    async delivered() {
        const text = await (await fetch(`http://${this.http}/metrics`)).text();
        return Number(/^shouwang_\w+\{outcome="delivered"\} (\d+)/m.exec(text)?.[1] ?? 0);
    }

    /** Counts how often the log has had these words, reading only what is new. */
    tail(words) {
        const chunk = Buffer.alloc(1 << 20);
        let [offset, count, rest] = [0, 0, ''];
        return () => {
            const file = openSync(this.log, 'r');
            for (let length; (length = readSync(file, chunk, 0, chunk.length, offset)) > 0; offset += length) {
                const lines = (rest + chunk.toString('latin1', 0, length)).split('\n');
                rest = lines.pop();
                for (const line of lines) if (line.includes(words)) count++;
            }
            closeSync(file);
            return count;
        };
    }

    /** Delivers what is queued; events per second from the first claim to the last result. */
    async run(events) {
        this.queue(events);
        const backend = cpu(postmaster, true);
        await this.start();
        const own = cpu(this.daemon.pid);
        // Counted in the log: a psql twice a second takes a tenth of a core from what is measured, and /metrics a look at the queue.
        const told = this.tail('event=delivery.delivered ');
        await until(() => told() >= events, `${events} events to be delivered`, DEADLINE_MS, 200);
        await until(() => this.sql('select exists (select from delivery where finished_at is null)') === 'f', 'the last results', 10000);
        const missing = events - Number(this.sql("select count(*) from delivery where state = 'delivered'"));
        if (missing !== 0) throw new Error(`${missing} events were not delivered`);
        const seconds = Number(this.sql('select extract(epoch from max(finished_at) - min(first_sent_at)) from delivery'));
        const result = { rate: events / seconds, own: (cpu(this.daemon.pid) - own) / events, database: (cpu(postmaster, true) - backend) / events, rss: this.memory('VmHWM') };
        await this.stop();
        return result;
    }
}

const BODY_BYTES = () => {
    sql('create database body_size', 'postgres');
    const bytes = Number(sql(`select octet_length(${EVENT}) + 36 from (select gen_random_uuid() as id, 12345 as household) one`, 'body_size'));
    sql('drop database body_size', 'postgres');
    return bytes;
};

// --- all of them ----------------------------------------------------------------------------------------------------

async function wrk(bytes) {
    const text = await aside('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, '-s', join(HERE, 'delivery', 'post.lua'), nginx.url], { env: { ...process.env, BODY_BYTES: String(bytes) } });
    return { rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)[1]) };
}

async function curl(bytes) {
    const [rate, own] = (await aside(join(BENCH_BUILD, 'bench', 'delivery', 'curl_multi'), [nginx.url, String(bytes), String(CONNECTIONS), String(SECONDS)])).split(' ').map(Number);
    return { rate, own: own / 1e6 };
}

async function peer(script, database, bytes, ...settings) {
    sql(`drop database if exists ${database} with (force)`, 'postgres');
    sql(`create database ${database}`, 'postgres');
    const text = await aside('node', [join(HERE, 'peers', script), `${BENCH_CONNINFO} dbname=${database}`, nginx.url, String(PEER_JOBS), String(bytes), String(CONNECTIONS), ...settings], { env: { ...process.env, BENCH_POSTMASTER: String(postmaster) } });
    return JSON.parse(text);
}

/** Every event came exactly once, and every number was given once. */
async function count() {
    const events = 20000;
    const county = new County('counted', 16, 4, nginx.countingUrl);
    await county.run(events);
    const ledger = join(nginx.directory, 'ledger');
    const lines = () => (existsSync(ledger) ? readFileSync(ledger, 'utf8').trim().split('\n').map((line) => line.split(' ')[0]) : []);
    await until(() => lines().length >= events, 'the ledger', 10000);
    const came = lines();
    const ours = new Set(county.sql('select event_id from outbox').split('\n'));
    const gaps = county.sql('select count(*) from (select township_code from delivery group by 1 having count(distinct sequence) <> count(*) or max(sequence) <> count(*)) wrong');
    const good = came.length === events && new Set(came).size === events && came.every((id) => ours.has(id)) && gaps === '0';
    console.log(`counted: ${events} events queued, ${came.length} requests with ${new Set(came).size} ids came, ${gaps} townships with gaps: ${good ? 'each exactly once' : 'WRONG'}`);
    if (!good) process.exitCode = 1;
}

async function million() {
    const events = 1000000;
    const county = new County('million', 16, 4, nginx.url);
    county.queue(events);
    await county.start();
    await until(async () => (await county.delivered()) >= 50000, '50000 of a million delivered', DEADLINE_MS, 2000);
    const megabytes = Number(county.sql("select pg_total_relation_size('delivery') + pg_total_relation_size('outbox')")) / 1048576;
    console.log(`million: ${events} events queued (${megabytes.toFixed(0)} MB in the database); the daemon's memory after 50000 of them: ${county.memory('VmRSS').toFixed(1)} MB, at most ${county.memory('VmHWM').toFixed(1)} MB`);
    await county.stop();
}

const median = (numbers) => numbers.toSorted((x, y) => x - y)[Math.floor((numbers.length - 1) / 2)];

function report(measured) {
    const rate = (name) => (measured[name] ? median(measured[name].map((one) => one.rate)) : NaN);
    const micro = (name, key) => (measured[name][0][key] ? (median(measured[name].map((one) => one[key])) * 1e6).toFixed(0).padStart(10) : '         –');
    const spent = (name) => median(measured[name].map((one) => one.own + (one.database ?? 0)));
    console.log('\n                      per second   of wrk  runs                       own CPU µs  database µs  (an event)');
    for (const name of Object.keys(measured))
        console.log(`${name.padEnd(20)} ${rate(name).toFixed(0).padStart(11)} ${(rate(name) / rate('wrk')).toFixed(3).padStart(8)}  ${measured[name].map((one) => one.rate.toFixed(0)).join(' ').padEnd(24)} ${micro(name, 'own')} ${micro(name, 'database')}`);
    for (const name of ['sixteen', 'one'].filter((one) => measured[one]))
        for (const other of ['curl', 'graphile', 'installed', 'pgboss'].filter((one) => measured[one])) console.log(`${name}: ${(rate(name) / rate(other)).toFixed(2)} × ${other}, ${(spent(other) / spent(name)).toFixed(2)} × by processor time`);
}

try {
    if (!existsSync(join(HERE, 'peers', 'node_modules')) && ['graphile', 'installed', 'pgboss'].some(selected)) must('npm', ['ci', '--no-audit', '--no-fund'], { cwd: join(HERE, 'peers') });
    if (selected('curl')) must('make', ['-s', '-C', BENCH_BUILD, 'bench/delivery/curl_multi']);
    await startNginx();
    const bytes = BODY_BYTES();
    console.log(`bodies of ${bytes} bytes, ${CONNECTIONS} connections, ${EVENTS} events, ${PEER_JOBS} jobs of the peers`);
    if (selected('count')) await count();
    const sixteen = selected('sixteen') && new County('sixteen', 16, CONNECTIONS / 16, nginx.url);
    const one = selected('one') && new County('one', 1, CONNECTIONS, nginx.url);
    const runs = {
        wrk: () => wrk(bytes),
        curl: () => curl(bytes),
        sixteen: () => sixteen.run(EVENTS),
        one: () => one.run(EVENTS),
        graphile: () => peer('deliver_graphile.mjs', 'graphile', bytes, 'fastest'),
        installed: () => peer('deliver_graphile.mjs', 'installed', bytes, 'installed'),
        pgboss: () => peer('deliver_pgboss.mjs', 'pgboss', bytes),
    };
    const measured = {};
    for (let repeat = 0; repeat < Number(options.repeats); repeat++)
        for (const name of Object.keys(runs).filter(selected)) {
            const result = await runs[name]();
            (measured[name] ??= []).push(result);
            console.log(`${name.padEnd(10)} ${result.rate.toFixed(0).padStart(8)}/s${result.own ? `  own ${(result.own * 1e6).toFixed(0)} µs, database ${((result.database ?? 0) * 1e6).toFixed(0)} µs an event` : ''}${result.rss ? `; memory at most ${result.rss.toFixed(1)} MB` : ''}`);
        }
    report(measured);
    if (options.million) await million();
} finally {
    for (const daemon of started) daemon.kill('SIGKILL');
    await stopNginx();
}
