// SPDX-License-Identifier: PostgreSQL
// Receivers that misbehave, all at once and each in its way: every fault is told by its name, what must be kept is kept, and
// the township beside them gets its events as if it were alone.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Register, residentId } from './lib/county.mjs';
import { Cluster, Instance, newSecret } from './lib/instance.mjs';
import { Receiver } from './lib/receiver.mjs';
import { until } from './lib/wait.mjs';

const HOUSEHOLDS = 4; // of each township: as many attempts at one time as it may have
const answer = (line, ...headers) => [`HTTP/1.1 ${line}`, ...headers, '', ''].join('\r\n');
const say = (text) => (socket, good) => socket.end(text.replace('GOOD', good));

/** One byte a second, as long as anybody listens. */
const drip = (first, text) => (socket) => {
    socket.write(first);
    let next = 0;
    const timer = setInterval(() => socket.write(text[next++ % text.length]), 1000);
    socket.on('close', () => clearInterval(timer));
};

const pour = (first, chunk) => (socket) => {
    const more = () => {
        while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', more).write(first);
    more();
};

/** name, what the receiver does with a request, what the log calls it, and what then stands in the queue. */
const FAULTS = [
    ['refuses the connection', null, 'http=0 outcome=not_connected', 'queued'],
    ['hangs', () => {}, 'http=0 outcome=timed_out', 'queued'],
    ['drips its headers', drip('HTTP/1.1 204 No', ' Content'), 'http=0 outcome=timed_out', 'queued'],
    ['drips its body', drip(answer('200 OK', 'Content-Length: 1000'), 'x'), 'http=200 outcome=answered .*body=cut', 'delivered'],
    ['closes without an answer', say(''), 'http=0 outcome=broken_off', 'queued'],
    ['resets in the middle of its answer', (socket) => socket.write(answer('200 OK', 'Content-Length: 1000') + 'x') && socket.resetAndDestroy(), 'http=0 outcome=broken_off', 'queued'],
    ['does not speak HTTP', say('SSH-2.0-OpenSSH_9.2\r\n'), 'http=0 outcome=malformed', 'queued'],
    ['answers without end', pour(answer('200 OK', 'Transfer-Encoding: chunked'), 'a\r\n0123456789\r\n'), 'http=200 outcome=answered .*body=cut', 'delivered'],
    ['answers with headers without end', pour('HTTP/1.1 200 OK\r\n', 'X-More: and more\r\n'), 'http=0 outcome=too_large', 'queued'],
    ['answers 404 with a long page', say(answer('404 Not Found', 'Content-Length: 5000') + 'x'.repeat(5000)), 'http=404 outcome=answered .*body=cut', 'failed'],
    ['answers 503, Retry-After, with a long page', say(answer('503 Busy', 'Retry-After: 3600', 'Content-Length: 5000') + 'x'.repeat(5000)), 'http=503 outcome=answered .*body=cut', 'queued'],
    ['answers 302', say(answer('302 Found', 'Location: GOOD', 'Content-Length: 0')), 'http=302 outcome=answered', 'failed'],
    ['answers 400', say(answer('400 Bad Request', 'Content-Length: 0')), 'http=400 outcome=answered', 'failed'],
    ['answers 500', say(answer('500 Oops', 'Content-Length: 0')), 'http=500 outcome=answered', 'queued'],
    ['answers 429, Retry-After', say(answer('429 Slow', 'Retry-After: 3600', 'Content-Length: 0')), 'http=429 outcome=answered', 'queued'],
    ['answers 410', say(answer('410 Gone', 'Content-Length: 0')), 'http=410 outcome=answered', 'queued'],
    ['has a wrong certificate', 'tls', 'http=0 outcome=not_trusted', 'queued'],
];
const GOOD = '610922199';
const code = (i) => String(610922101 + i);
let cluster;

before(() => (cluster = Cluster.start()));
after(() => cluster?.stop());

function selfSigned() {
    const directory = mkdtempSync(join(tmpdir(), 'swca.'));
    const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1', '-keyout', 'key', '-out', 'cert'], { cwd: directory });
    assert.equal(made.status, 0);
    const tls = { key: readFileSync(join(directory, 'key')), cert: readFileSync(join(directory, 'cert')) };
    rmSync(directory, { recursive: true });
    return tls;
}

/** Does with every request, once its body is there, what the table says; null: is not there. */
async function misbehave(act, good) {
    const sockets = new Set();
    const server = createServer((socket) => {
        sockets.add(socket.on('error', () => {}));
        let head = '';
        const take = (chunk) => {
            head += chunk;
            const end = head.indexOf('\r\n\r\n');
            if (end < 0 || Buffer.byteLength(head) - Buffer.byteLength(head.slice(0, end)) - 4 < Number(/content-length: (\d+)/i.exec(head)[1])) return;
            socket.off('data', take).resume();
            act(socket, good);
        };
        socket.on('data', take);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address();
    const stop = () => {
        for (const socket of sockets) socket.destroy();
        return new Promise((resolve) => server.close(resolve));
    };
    if (act === null) await stop();
    return { url: `http://127.0.0.1:${port}/hook`, stop: act === null ? () => {} : stop };
}

test('each receiver that misbehaves hurts itself alone', async (t) => {
    const secret = newSecret();
    const good = await Receiver.start(secret);
    const receivers = [];
    const townships = { [GOOD]: { url: good.url, secret } };
    for (const [i, [, act]] of FAULTS.entries()) {
        receivers.push(act === 'tls' ? await Receiver.start(secret, { tls: selfSigned() }) : await misbehave(act));
        townships[code(i)] = { url: receivers[i].url, secret };
    }
    const delivery = { retry_first: '100ms', retry_max: '400ms', timeout: '2s', connections_per_endpoint: HOUSEHOLDS };
    const instance = new Instance(cluster, { settings: { delivery }, townships });
    try {
        const register = new Register();
        let persons = 0;
        for (const township of Object.keys(townships))
            for (let i = 0; i < HOUSEHOLDS; i++) register.single(`H${township}-${i}`, residentId('1980-01-01', ++persons), '1000.00', { township });
        instance.import(register);
        await instance.start();
        instance.round('2021-06-30');
        await good.waitFor(HOUSEHOLDS, 'events of the good township');
        for (const [i, [fault, , told, state]] of FAULTS.entries())
            await t.test(`one ${fault}`, async () => {
                await instance.waitForLog(new RegExp(`event=delivery\\.(delivered|retry|failed) .*township=${code(i)} .*${told}(?: |$)`, 'm'));
                const states = () => instance.sql(`select string_agg(distinct state, ' ') from delivery where township_code = ${code(i)} and state <> 'in_flight'`);
                await until(() => states() === state, () => `${state}, found ${states()}`);
                if (fault === 'answers 410') await until(() => instance.sql(`select state from endpoint where township_code = ${code(i)}`) === 'held', 'the endpoint to be held');
                const waits = () => instance.sql(`select coalesce(last_status, 0), round(extract(epoch from next_attempt_at - now()) / 60) from delivery where township_code = ${code(i)} and attempts > 0 order by 1, 2`);
                const late = () => /^(429|503)\|[56]\d$/m.test(waits()) && !/^(429|503)\|(?![56]\d$)/m.test(waits());
                if (fault.includes('Retry-After')) await until(late, () => `all that were told so wait for an hour: status and minutes\n${waits()}`); // the last results are still being written
            });

        // A second wave, with all of them known to be bad: the good one does not notice.
        const ids = () => new Set(good.events.map((event) => event.id)).size;
        assert.equal(ids(), HOUSEHOLDS);
        assert.deepEqual(new Set(good.events.map((event) => event.data.township_code)), new Set([GOOD]), 'no redirect was followed');
        assert.equal((await instance.ctlAside('endpoint', 'test', GOOD)).status, 0);
        assert.equal(ids(), HOUSEHOLDS + 1);
        const late = instance.output.match(new RegExp(`event=delivery\\.retry .*township=${GOOD} .*`, 'g')) ?? [];
        const of_this_busy_machine = late.filter((line) => line.includes('outcome=timed_out'));
        assert.equal(good.ledger.length - of_this_busy_machine.length, HOUSEHOLDS + 1, `each came once; tried again were\n${late.join('\n')}`);
        assert.deepEqual(await instance.stop(), { code: 0, signal: null }, instance.output);
    } finally {
        await instance.close();
        await good.stop();
        for (const receiver of receivers) await receiver.stop();
    }
});
