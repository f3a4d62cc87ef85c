// SPDX-License-Identifier: PostgreSQL
// Hostile clients of our own listener, over raw sockets against a running daemon: drips, floods, smuggled framing, answers
// that nobody reads. Each costs at most 64 KiB and 10 seconds, and the others are served meanwhile.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { Cluster, Instance, program } from './lib/instance.mjs';
import { inTime, unhurried, until } from './lib/wait.mjs';

const DEADLINE_MS = 10000;
const MARGIN_MS = 2000;
const SERVED_MS = 1000;
const STALLED_MS = 8000; // whoever waits for a drip to be cut waits longer
const SANITIZED = readFileSync(program('shouwangd')).includes('__asan_init');
const COST_KIB = 64 * (SANITIZED ? 8 : 1); // a sanitizer's own share cannot be told apart
let cluster, instance, port;

before(async () => {
    cluster = Cluster.start();
    const env = { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:quarantine_size_mb=0` }; // what was freed is given back
    instance = new Instance(cluster, { env });
    await instance.start();
    port = Number(instance.http.split(':').at(-1));
});
after(async () => {
    await instance?.close();
    cluster?.stop();
});

/** A client that sends what it is told and keeps what comes. */
class Client {
    answer = '';
    closed_ms = null;

    constructor(first = '') {
        this.began_ms = Date.now();
        this.socket = connect({ port, host: '127.0.0.1' });
        this.socket.on('error', () => {}).on('data', (chunk) => (this.answer += chunk.toString('latin1')));
        this.socket.on('close', () => (this.closed_ms = Date.now() - this.began_ms));
        if (first) this.socket.write(first, 'latin1');
    }

    send(bytes) {
        if (!this.socket.destroyed) this.socket.write(bytes, 'latin1');
    }

    close() {
        this.socket.destroy();
    }

    get status() {
        return /^HTTP\/1\.[01] (\d{3})/.exec(this.answer)?.[1] ?? '';
    }
}

function ask(path) {
    const began = performance.now();
    return new Promise((resolve, reject) => {
        get({ port, host: '127.0.0.1', path, agent: false, timeout: STALLED_MS }, (response) => response.resume().on('end', () => resolve({ status: response.statusCode, ms: performance.now() - began })))
            .on('timeout', function () {
                this.destroy(new Error(`${path}: no answer in ${STALLED_MS} ms`));
            })
            .on('error', reject);
    });
}

/** Asks a few times in a row; all must be served at once. Of a busy machine an answer may be late, but not one after the other. */
async function mustServe(what, times = 5) {
    for (let i = 0; i < times; i++) {
        const took = [];
        do {
            const { status, ms } = await ask('/livez');
            assert.equal(status, 200, what);
            took.push(ms.toFixed(0));
        } while (took.at(-1) >= SERVED_MS && took.length < 4);
        assert.ok(took.at(-1) < SERVED_MS, `${what}: /livez took ${took} ms`);
    }
}

const memoryKiB = () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${instance.daemon.pid}/status`, 'utf8'))[1]);
const quiet = () => until(async () => Number(/shouwang_http_connections(?:\{\})? (\d+)/.exec(await text('/metrics'))?.[1] ?? 99) <= 2, 'the daemon to be alone again', DEADLINE_MS + MARGIN_MS);
const text = (path) => new Promise((resolve, reject) => get({ port, host: '127.0.0.1', path, agent: false }, (response) => {
    let body = '';
    response.setEncoding('utf8').on('data', (chunk) => (body += chunk)).on('end', () => resolve(body));
}).on('error', reject));

const HEAD = 'POST /v1/nothing HTTP/1.1\r\nHost: a\r\n';
const chunked = (rest) => `${HEAD}Transfer-Encoding: chunked\r\n\r\n${rest}`;

// What must be refused, or cut without an answer; never answered 200 or 404, which would mean that a request was seen.
const REFUSED = {
    'two lengths': `${HEAD}Content-Length: 5\r\nContent-Length: 0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    'a length and chunks': `${HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nHost: a\r\n\r\n`,
    'chunks and a length': `${HEAD}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nHost: a\r\n\r\n`,
    'a hidden coding': `${HEAD}Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n`,
    'a chunk size with a sign': chunked('+5\r\nhello\r\n0\r\n\r\n'),
    'a chunk size of 0x': chunked('0x5\r\nhello\r\n0\r\n\r\n'),
    'a huge chunk size': chunked('fffffffffffffffff\r\nhello\r\n0\r\n\r\n'),
    'a negative chunk size': chunked('-5\r\nhello\r\n0\r\n\r\n'),
    'a chunk that does not end': chunked('5\r\nhelloGET /livez HTTP/1.1\r\nHost: a\r\n\r\n'),
    'a header of 20 KiB and more of it': `GET /livez HTTP/1.1\r\nHost: a\r\n${`X-Y: ${'z'.repeat(1000)}\r\n`.repeat(80)}\r\n`,
    'a target of 64 KiB': `GET /${'a'.repeat(65536)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    'a body beyond the limit': `${HEAD}Content-Length: 70000\r\n\r\n${'x'.repeat(70000)}`,
    'chunks beyond the limit': chunked(`8000\r\n${'x'.repeat(0x8000)}\r\n`.repeat(12) + '0\r\n\r\n'),
    'a length beyond all numbers': `${HEAD}Content-Length: 99999999999999999999999\r\n\r\nx`,
    'no HTTP': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + '\r\n'.repeat(3),
};

test('smuggled framing and oversize are refused, and nothing behind them is understood as a request', async () => {
    for (const [what, bytes] of Object.entries(REFUSED)) {
        const client = new Client(bytes);
        await until(() => client.closed_ms !== null, () => `${what} to be closed: ${client.answer}`);
        assert.match(client.status, /^(4\d\d|501|505|)$/, `${what}: ${client.answer}`);
        // what we serve would say 200, what we do not know 404 (libmicrohttpd sends the head of its own 413 twice, then closes)
        assert.doesNotMatch(client.answer, /^HTTP\/1\.1 (200|404)/m, what);
        assert.ok(client.closed_ms < 5000, `${what}: ${client.closed_ms} ms`);
    }
    await mustServe('afterwards');
});

test('line ends without carriage return and garbage behind a good request do no harm', async () => {
    const bare = new Client('GET /livez HTTP/1.1\nHost: a\nConnection: close\n\n');
    const piped = new Client('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n\xff\xfe\x01garbage\r\n\r\n');
    const folded = new Client('GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: b\r\n Content-Length: 7\r\n\r\n');
    await until(() => folded.closed_ms !== null, 'it closed');
    // libmicrohttpd ends a target or a value at a raw zero byte and does not tell: it may be answered, once
    for (const bytes of ['GET /livez HTTP/1.1\r\nHost: a\0b\r\n', 'GET /livez\0/x HTTP/1.1\r\nHost: a\r\n']) {
        const zero = new Client(`${bytes}Connection: close\r\n\r\n`);
        await until(() => zero.closed_ms !== null, 'it closed');
        assert.match(zero.status, /^(200|400|)$/);
        assert.ok(!/HTTP\/1.*HTTP\/1/s.test(zero.answer));
    }
    assert.match(folded.status, /^(200|400)$/); // RFC 9112 5.2: refused, or one value; never a header of its own
    await until(() => bare.closed_ms !== null && piped.closed_ms !== null, 'both closed');
    assert.match(bare.status, /^(200|400|)$/); // RFC 9112 2.2 allows either
    assert.equal(piped.status, '200');
    assert.ok(!/ 200 .* 200 /s.test(piped.answer));
});

/** Drips one byte a second, without end. */
function drip(first) {
    const client = new Client(first);
    const timer = setInterval(() => client.send('a'), 200);
    client.socket.on('close', () => clearInterval(timer));
    return client;
}

test('drips, slow bodies, idle clients and unread answers: each is cut within ten seconds, the others are served meanwhile', () => unhurried(async () => {
    const clients = {
        'a dripping request line': drip('GET /'),
        'dripping headers': drip('GET /livez HTTP/1.1\r\nHost: a\r\nX: '),
        'a dripping body': drip(`${HEAD}Content-Length: 1000\r\n\r\n`),
        'dripping chunks': drip(chunked('ffff\r\n')),
        'nothing at all': new Client(),
        'half a request': new Client('GET /livez HTT'),
    };
    const unread = new Client();
    unread.socket.pause();
    unread.send('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2000));
    for (let i = 0; i < 10; i++) {
        await mustServe('beside drips', 1);
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await until(() => Object.values(clients).every((client) => client.closed_ms !== null), () => Object.entries(clients).filter(([, client]) => client.closed_ms === null).map(([what]) => what).join(', '));
    for (const [what, client] of Object.entries(clients)) {
        assert.ok(client.closed_ms > 8000, `${what}: ${client.closed_ms} ms`);
        inTime(client.closed_ms < DEADLINE_MS + MARGIN_MS, `${what}: ${client.closed_ms} ms`);
    }
    await quiet(); // the one that does not read
    unread.close();
    inTime(Date.now() - unread.began_ms < DEADLINE_MS + 2 * MARGIN_MS, `${Date.now() - unread.began_ms} ms`);
}));

test('hundreds of idle and half-heard clients: everybody else is served at once, and each costs at most 64 KiB', async () => {
    await quiet();
    const before = memoryKiB();
    const clients = [];
    let most = before;
    for (let round = 0; round < 4; round++) {
        for (let i = 0; i < 100; i++) clients.push(new Client(['', 'GET / HTTP/1.1\r\nHost: a\r\nX-Y: ' + 'z'.repeat(12000), `${HEAD}Content-Length: 65536\r\n\r\n` + 'x'.repeat(65535)][i % 3]));
        await mustServe(`with ${clients.length} of them`, 3);
        most = Math.max(most, memoryKiB());
    }
    const open = clients.filter((client) => client.closed_ms === null).length;
    assert.ok(most - before <= COST_KIB * 64, `${most - before} KiB for ${open} of ${clients.length} clients that are open`);
    await until(() => clients.every((client) => client.closed_ms !== null), 'all to be cut');
    await quiet();
    await mustServe('afterwards');
});
