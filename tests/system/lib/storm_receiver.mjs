// SPDX-License-Identifier: PostgreSQL
// A township's receiver as bad as the weather: on bare sockets, so that it can break off anywhere, and with a ledger of when
// everything came and what was said to it.
import { createServer } from 'node:net';

const REASONS = { 200: 'OK', 202: 'Accepted', 204: 'No Content' };

/** A whole answer. A body of nothing where there may be none. */
function answerText(status, headers = {}, body = '') {
    const lines = Object.entries(status === 204 ? headers : { ...headers, 'Content-Length': Buffer.byteLength(body) });
    return [`HTTP/1.1 ${status} ${REASONS[status] ?? 'Weather'}`, ...lines.map(([name, value]) => `${name}: ${value}`), '', status === 204 ? '' : body].join('\r\n');
}

const whole = (status, options = {}) => ({ random }, reply) => reply.whole(status, options.headers?.(random) ?? {}, options.body?.(random) ?? '', options);
const later = (random) => ({ 'Retry-After': String(1 + random.upTo(2)) });
const page = (random) => 'x'.repeat(random.pick([10, 5000, 200000]));

/**
 * What a receiver may do with a request. A whole answer's status is the receiver's word; all others are none. `cut` ones have a
 * status all the same: the body's length does not count.
 */
export const ACTS = {
    taken: ({ random }, reply) => reply.whole(random.pick([200, 202, 204]), {}, ''),
    'taken, and many words': whole(200, { body: page }),
    'taken, and closed': whole(200, { headers: () => ({ Connection: 'close' }), close: true }),
    'taken, and closed unsaid': whole(200, { close: true }),
    'taken slowly': ({ random }, reply) => reply.after(20 + random.upTo(250), () => reply.whole(200)),
    'taken, and a body without end': (_, reply) => reply.pour(200),
    'taken, and a body that drips': (_, reply) => reply.drip(answerText(200).replace('Content-Length: 0', 'Content-Length: 9999'), 200),
    busy: whole(429, { headers: later }),
    'away for a while': whole(503, { headers: later }),
    'away for a while, and many words': whole(503, { headers: later, body: page }),
    'a gateway that waits': whole(502, { headers: later }),
    'out of order': ({ random }, reply) => reply.whole(random.pick([500, 502, 503, 504, 599])),
    'too late or too early': ({ random }, reply) => reply.whole(random.pick([408, 425, 429])),
    'refused for a while': whole(404, { headers: later }),
    refused: ({ random }, reply) => reply.whole(random.pick([400, 401, 403, 404, 422]), {}, page(random)),
    'moved away': ({ random }, reply) => reply.whole(random.pick([301, 302, 304, 308]), { Location: 'http://127.0.0.1:1/' }),
    gone: whole(410, { body: page }),
    silence: () => {},
    'half a head': (_, reply) => reply.drip('HTTP/1.1 200 OK\r\nX-Weather: ', 0),
    'closed without a word': (_, reply) => reply.close(),
    'reset without a word': (_, reply) => reply.reset(),
    'reset in the middle': ({ random }, reply) => reply.part(answerText(200, {}, 'stored').slice(0, 5 + random.upTo(38)), true),
    'closed in the middle': ({ random }, reply) => reply.part(answerText(200, {}, 'stored').slice(0, 5 + random.upTo(38)), false),
    'taken, and reset behind it': (_, reply) => reply.part(answerText(200, {}, 'stored'), true, 200),
    'not HTTP': (_, reply) => reply.part('SSH-2.0-OpenSSH_9.2\r\n', false),
};

const GOOD = { taken: 20, 'taken, and many words': 1, 'taken, and closed': 1, 'taken, and closed unsaid': 2, 'taken slowly': 3 };
const BROKEN = { silence: 1, 'half a head': 1, 'closed without a word': 3, 'reset without a word': 3, 'reset in the middle': 3, 'closed in the middle': 3, 'taken, and reset behind it': 2, 'not HTTP': 1, 'taken, and a body without end': 2, 'taken, and a body that drips': 1 };

/** What kind of day a receiver has; null: nobody listens. */
export const MOODS = {
    fine: { taken: 1 },
    good: GOOD,
    mixed: { ...GOOD, ...BROKEN, taken: 8, busy: 1, 'away for a while': 1, 'away for a while, and many words': 1, 'a gateway that waits': 1, 'out of order': 4, 'too late or too early': 2, refused: 3, 'refused for a while': 1, 'moved away': 2, gone: 0.3 },
    busy: { busy: 2, 'away for a while': 2, 'away for a while, and many words': 1, 'a gateway that waits': 2, 'refused for a while': 1, taken: 6 },
    failing: { 'out of order': 6, silence: 1, 'reset without a word': 3, taken: 1 },
    broken: { 'out of order': 6, 'too late or too early': 1 },
    refusing: { refused: 6, 'moved away': 3, taken: 2 },
    breaking: { ...BROKEN, taken: 3 },
    down: null,
};

export class StormReceiver {
    mood = 'good';

    /** storm: { now(), epoch, ledger } of the whole storm. */
    constructor(township, random, storm) {
        Object.assign(this, { township, random, storm, servers: [], sockets: new Set() });
    }

    /** One address more; the township's configuration says which is in force. */
    async listen() {
        const server = createServer((socket) => this.#take(socket, server.number));
        server.number = this.servers.length;
        await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
        server.port = server.address().port;
        this.servers.push(server);
        return this;
    }

    url = (number) => `http://127.0.0.1:${this.servers[number].port}/hook`;

    async setMood(mood) {
        this.mood = mood;
        if (MOODS[mood] === null) {
            for (const socket of this.sockets) socket.destroy();
            await Promise.all(this.servers.map((server) => server.listening && new Promise((resolve) => server.close(resolve))));
        } else {
            await Promise.all(this.servers.map((server) => server.listening || new Promise((resolve) => server.listen(server.port, '127.0.0.1', resolve))));
        }
    }

    /** Closes connections that carry nothing just now, as a receiver may at any time. */
    closeIdle() {
        for (const socket of this.sockets) if (!socket.entry || socket.entry.ended !== null) socket.end();
    }

    async stop() {
        for (const socket of this.sockets) socket.destroy();
        await Promise.all(this.servers.map((server) => server.listening && new Promise((resolve) => server.close(resolve))));
    }

    #take(socket, address) {
        this.sockets.add(socket);
        let bytes = Buffer.alloc(0), requests = 0;
        socket.on('error', () => {}).setNoDelay(true);
        const gone = () => {
            if (socket.entry && socket.entry.ended === null) socket.entry.ended = this.storm.now();
            this.sockets.delete(socket);
        };
        socket.on('end', gone).on('close', gone);
        socket.on('data', (chunk) => {
            bytes = Buffer.concat([bytes, chunk]);
            const end = bytes.indexOf('\r\n\r\n');
            if (end < 0) return;
            const lines = bytes.subarray(0, end).toString('latin1').split('\r\n');
            const headers = Object.fromEntries(lines.slice(1).map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
            const length = Number(headers['content-length']);
            if (bytes.length < end + 4 + length) return;
            const body = bytes.subarray(end + 4, end + 4 + length).toString('utf8');
            bytes = bytes.subarray(end + 4 + length);
            this.#answer(socket, { line: lines[0], headers, body, address, nth: ++requests });
        });
    }

    #answer(socket, request) {
        const { storm, township } = this;
        const entry = { ...request, township, id: request.headers['webhook-id'], at: storm.now(), epoch: storm.epoch, ended: null, status: null, answered: null, perhaps: null, spoke: false, parallel: socket.entry ? socket.entry.ended === null : false };
        socket.entry = entry;
        storm.ledger.push(entry);
        if (socket.writableEnded) { // we had closed it before it came
            Object.assign(entry, { act: 'not heard', ended: entry.at });
            return;
        }
        const mood = Object.entries(MOODS[this.mood] ?? MOODS.failing);
        let left = this.random.next() * mood.reduce((sum, [, weight]) => sum + weight, 0);
        const [act] = mood.find(([, weight]) => (left -= weight) < 0) ?? mood[0];
        entry.act = act;
        ACTS[act](this, this.#reply(socket, entry));
    }

    #reply(socket, entry) {
        const { storm } = this;
        const end = () => (entry.ended ??= storm.now());
        const open = () => !socket.destroyed && entry.ended === null; // the other side may have gone meanwhile
        const give = (status, headers = {}) => {
            entry.answered = storm.now();
            Object.assign(entry, { status, spoke: true, wait_s: headers['Retry-After'] ? Number(headers['Retry-After']) : null });
            end();
        };
        return {
            after: (ms, act) => setTimeout(() => open() && act(), ms),
            whole: (status, headers = {}, body = '', { close = false } = {}) => {
                give(status, headers);
                const text = answerText(status, headers, body);
                if (close) socket.end(text);
                else socket.write(text);
            },
            pour: (status) => {
                give(status);
                const more = () => {
                    while (!socket.destroyed && socket.write('ff\r\n' + 'x'.repeat(255) + '\r\n'));
                };
                socket.on('drain', more).write(`HTTP/1.1 ${status} Weather\r\nTransfer-Encoding: chunked\r\n\r\n`);
                more();
            },
            /** A byte now and then, until the other side has enough; status 0: it has no head. */
            drip: (first, status) => {
                if (status) Object.assign(entry, { status, answered: storm.now(), dripped: true });
                entry.spoke = true;
                socket.write(first);
                const timer = setInterval(() => socket.write('x'), 100);
                socket.on('close', () => clearInterval(timer)).on('end', () => clearInterval(timer));
            },
            /** perhaps: the status, if the other side sees it before the end. */
            part: (text, reset, perhaps = null) => {
                Object.assign(entry, { spoke: true, perhaps });
                end();
                socket.write(text); // at once: a head and then nothing would be an answer whose body is late
                if (reset) socket.resetAndDestroy();
                else socket.end();
            },
            close: () => (end(), socket.end()),
            reset: () => (end(), socket.resetAndDestroy()),
        };
    }
}
