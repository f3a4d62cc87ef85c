// SPDX-License-Identifier: PostgreSQL
// Many events beside each other while something fails: a receiver whose program is broken, one that fails at some events alone,
// many that hang, and events as long as events can be. Events are put into the outbox as rounds put them, by the hundred.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, afterEach, before, test } from 'node:test';
import { Cluster, Instance, newSecret } from './lib/instance.mjs';
import { until } from './lib/wait.mjs';

const A = '610922101';
let cluster, instance;
const servers = new Set();

before(() => (cluster = Cluster.start()));
after(() => cluster?.stop());
afterEach(async () => {
    const ended = await instance?.stop();
    const output = instance?.output;
    await instance?.close();
    for (const server of servers) await server.end();
    servers.clear();
    instance = null;
    if (ended) assert.deepEqual(ended, { code: 0, signal: null }, output);
});

/** A receiver that keeps no bodies: when each event's number came, and what it was answered; null: never anything. */
async function receiver(answer) {
    const server = createServer((request, response) => {
        let head = '';
        request.setEncoding('latin1').on('error', () => {}).on('data', (text) => (head = (head + text).slice(0, 200)));
        request.on('end', () => {
            const n = Number(/"n":(\d+)/.exec(head)?.[1]);
            const status = server.answer(n, request.url);
            server.ledger.push({ n, at: performance.now(), status });
            if (status !== null) setTimeout(() => response.writeHead(status).end(), server.late_ms ?? 0);
        });
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.add(server);
    server.end = () => new Promise((resolve) => server.close(resolve) && server.closeAllConnections());
    return Object.assign(server, { answer, ledger: [], url: `http://127.0.0.1:${server.address().port}/`, taken: () => server.ledger.filter(({ status }) => status === 204).length });
}

/** Puts numbered events into townships' queues, each of a household of its own: 10,000 numbers a township, `from` to `to` of them. */
function queue(townships, from, to, { priority = 1, bytes = 10 } = {}) {
    const put = (township, i) => `insert into endpoint (township_code) values (${township}) on conflict do nothing;
        with put as (insert into outbox (household_id, event_id, township_code, type, event)
            select n, gen_random_uuid(), ${township}, 'warning.raised', '{"data":{"n":' || n || '},"pad":"' || repeat('x', ${bytes}) || '"}' from generate_series(${10000 * i + from}, ${10000 * i + to}) n
            returning household_id, event_id, outbox_no)
        insert into delivery (household_id, event_id, outbox_no, township_code, priority, state, expires_at)
            select household_id, event_id, outbox_no, ${township}, ${priority}, 'queued', now() + interval '3 days' from put;`;
    instance.sql(townships.map(put).join('\n'));
}

const all_delivered = () => instance.sql("select count(*) from delivery where state <> 'delivered'") === '0';

for (const status of [500, 429])
    test(`a township that answers ${status} to everything is probed, not asked for each event, and gets all when it is well`, async () => {
        const a = await receiver(() => status);
        instance = new Instance(cluster, { settings: { delivery: { retry_first: '100ms', retry_max: '10min' } }, townships: { [A]: { url: a.url, secret: newSecret() } } });
        queue([A], 1, 1000);
        await instance.start();
        await until(() => a.ledger.length >= 14, () => `ten answers and four probes: ${a.ledger.length}`);
        for (let probe = 0; probe < 4; probe++) { // a rest lasts at least half of what it is meant to
            const rested = a.ledger[10 + probe].at - a.ledger[9 + probe].at;
            assert.ok(rested >= 50 * 2 ** probe - 5, `probe ${probe} came after ${rested.toFixed(0)} ms`);
        }
        a.answer = () => 204;
        await until(all_delivered, () => `all to be delivered: ${a.taken()} were`);
        const ids = a.ledger.filter(({ status }) => status === 204).map(({ n }) => n);
        assert.equal(new Set(ids).size, 1000);
        assert.equal(ids.length, 1000, 'each was taken once');
    });

test('events at which a receiver fails do not keep back the others, be they the most urgent', async () => {
    const POISON = 40;
    const a = await receiver((n) => (n <= POISON ? 500 : 204));
    instance = new Instance(cluster, { settings: { delivery: { retry_first: '500ms', retry_max: '10min' } }, townships: { [A]: { url: a.url, secret: newSecret() } } });
    queue([A], 1, POISON, { priority: 0 });
    queue([A], POISON + 1, 300);
    await instance.start();
    await until(() => a.taken() === 300 - POISON, () => `all others to be taken: ${a.taken()} were, of ${a.ledger.length}`);
});

const SLOW = { hang: null, 'answer at the last moment': 1800 };
for (const [what, late_ms] of Object.entries(SLOW)) test(`townships that ${what} leave the others their places`, async () => {
    const hole = Object.assign(await receiver(() => late_ms && 204), { late_ms }), good = await receiver(() => 204);
    const codes = Array.from({ length: 40 }, (_, i) => String(610922101 + i)), living = codes.slice(36);
    const delivery = { retry_first: '10min', retry_max: '1h', timeout: '2s', connections: 8, connections_per_endpoint: 4 };
    instance = new Instance(cluster, { settings: { delivery }, townships: Object.fromEntries(codes.map((code) => [code, { url: (living.includes(code) ? good : hole).url, secret: newSecret() }])) });
    queue(codes, 1, 100);
    await instance.start();
    await until(() => good.taken() === 400, () => `the living townships' events: ${good.taken()} were taken, ${hole.ledger.length} times one of the others was asked`);
});

test('long events are claimed by their bytes', { skip: /sanitize/.test(readFileSync(`${process.env.SHOUWANG_BUILD ?? '.'}/config.status`, 'utf8')) && 'sanitizers keep what was freed' }, async () => {
    const LONG = 300, MB = 1000 * 1000, CEILING_MB = 100;
    const codes = Array.from({ length: 3 }, (_, i) => String(610922101 + i));
    const a = await receiver(() => 204);
    const peak = (pid) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
    instance = new Instance(cluster, { townships: Object.fromEntries(codes.map((code) => [code, { url: a.url, secret: newSecret() }])) });
    queue(codes, 1, 500); // so that it claims many
    await instance.start();
    await until(() => a.taken() === 1500, () => `the short ones: ${a.taken()} were taken`);
    queue(codes, 1001, 1000 + LONG / 3, { bytes: MB });
    await until(all_delivered, () => `the long ones: ${a.taken()} of all were taken`);
    const backend = instance.sql("select pid from pg_stat_activity where application_name = 'shouwangd delivery' and datname = current_database()");
    for (const [what, pid] of [['the daemon', instance.daemon.pid], ["PostgreSQL's process", backend]]) assert.ok(peak(pid) < CEILING_MB, `${what} needed ${peak(pid).toFixed(0)} MB for ${LONG} events of 1 MB`);
    assert.equal(a.ledger.length, 1500 + LONG, 'each came once');
});
