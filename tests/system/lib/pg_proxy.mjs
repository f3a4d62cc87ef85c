// SPDX-License-Identifier: PostgreSQL
// Stands between a daemon and PostgreSQL and understands the framing of the protocol (PostgreSQL 15, chapter 55.7), so that a
// test can break a connection at one message: swallow the answer to a COMMIT, or let it arrive long after the one that sent it is
// gone; cut in the middle of a COPY, or let nothing through in either direction without closing.
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ONCE_MS = 60000;
const FINAL = 'Z'; // ReadyForQuery: what was asked has ended, and is committed unless a transaction is open

/** Takes messages out of a stream. The first one of a client has no type. */
class Splitter {
    #rest = Buffer.alloc(0);
    constructor(typed) {
        this.typed = typed;
    }
    *take(chunk) {
        this.#rest = this.#rest.length ? Buffer.concat([this.#rest, chunk]) : chunk;
        for (;;) {
            const head = this.typed ? 1 : 0;
            if (this.#rest.length < head + 4) return;
            const length = head + this.#rest.readUInt32BE(head);
            if (this.#rest.length < length) return;
            const raw = this.#rest.subarray(0, length);
            this.#rest = this.#rest.subarray(length);
            yield { type: this.typed ? String.fromCharCode(raw[0]) : '', raw, body: raw.subarray(head + 4) };
            this.typed = true;
        }
    }
}

const zeroEnded = (body) => body.toString('latin1', 0, body.indexOf(0));

/** One connection through the proxy: `application`, and the text of the last statement, `sql`. */
class Line {
    application = '';
    sql = '';
    losing = false;
    held = null; // messages of the client's that are still on their way

    constructor(proxy, client, server) {
        Object.assign(this, { proxy, client, server });
        this.#join(client, server, new Splitter(false), 'client');
        this.#join(server, client, new Splitter(true), 'server');
    }

    #join(from, to, splitter, side) {
        from.on('error', () => {}).on('close', () => {
            if (side === 'client' && this.held) return; // what it said still arrives
            this.proxy.lines.delete(this);
            to.destroy();
        });
        from.on('data', (chunk) => {
            for (const message of splitter.take(chunk)) {
                if (this.client.destroyed || this.server.destroyed) return;
                this.#note(message, side);
                this.#pass(message, side, to);
            }
        });
    }

    #note(message, side) {
        if (side === 'server') return;
        const { type, body } = message;
        if (type === '') this.application = /application_name\0([^\0]*)/.exec(body.toString('latin1'))?.[1] ?? '';
        if (type === 'Q') this.sql = zeroEnded(body);
        if (type === 'P') this.sql = zeroEnded(body.subarray(body.indexOf(0) + 1));
    }

    #pass(message, side, to) {
        const rule = this.losing ? null : this.proxy.match(this, message, side);
        if (rule?.action === 'cut') {
            to.write(message.raw.subarray(0, message.raw.length >> 1)); // in the middle of it
            this.cut();
        } else if (rule?.action === 'lose') {
            this.losing = true; // the server goes on to the end; the client will not know
        } else if (rule?.action === 'hold') {
            this.held = [];
        }
        if (this.held && side === 'client') {
            this.held.push(message.raw);
            rule?.done?.(this);
            return;
        }
        if (this.losing && side === 'server') {
            if (message.type === FINAL) this.cut();
        } else if (!this.client.destroyed) {
            to.write(message.raw);
        }
        rule?.done?.(this);
    }

    /** What was held arrives, whoever waits for an answer. */
    release() {
        for (const raw of this.held ?? []) this.server.write(raw);
        this.held = null;
        if (this.client.destroyed) this.server.end();
    }

    cut() {
        this.client.destroy();
        this.server.end();
    }
}

export class PgProxy {
    lines = new Set();
    #rules = [];
    #frozen = false;

    /** In front of a cluster's socket; daemons reach it by `conninfo` (+ dbname). */
    static async start(cluster) {
        const proxy = new PgProxy();
        const target = join(/host=(\S+)/.exec(cluster.conninfo)[1], '.s.PGSQL.5432');
        proxy.directory = mkdtempSync(join(tmpdir(), 'swx.'));
        proxy.conninfo = `host=${proxy.directory} user=postgres`;
        proxy.listener = createServer((client) => {
            const line = new Line(proxy, client, createConnection(target));
            proxy.lines.add(line);
            if (proxy.#frozen) proxy.#still(line);
        });
        await new Promise((resolve) => proxy.listener.listen(join(proxy.directory, '.s.PGSQL.5432'), resolve));
        return proxy;
    }

    /**
     * At the `nth` message of this type from this side ('client' or 'server') on a line whose last statement matches `sql`
     * and whose application matches `application`: 'cut' in the middle of the message; or 'lose': the server goes on to the
     * end of what it was asked, but nothing of its answer comes back, then the line is cut; or 'hold': it and what comes after it is on its way until
     * the line's release(). Resolves when it happened, and
     * fails when it does not within a minute.
     */
    once({ side, type, sql = /^/, application = /^/, nth = 1, action }) {
        return new Promise((done, fail) => {
            const late = setTimeout(() => fail(new Error(`no ${type} of ${side} like ${sql} came to be ${action} in ${ONCE_MS} ms`)), ONCE_MS);
            const met = (line) => {
                clearTimeout(late);
                done(line);
            };
            this.#rules.push({ side, type, sql, application, left: nth, action, done: met });
        });
    }

    match(line, message, side) {
        const rule = this.#rules.find(
            (one) => one.side === side && one.type === message.type && one.sql.test(line.sql) && one.application.test(line.application),
        );
        if (!rule || --rule.left > 0) return null;
        this.#rules.splice(this.#rules.indexOf(rule), 1);
        return rule;
    }

    #still(line) {
        line.client.pause();
        line.server.pause();
    }

    /** Nothing goes through any more, in either direction, and nothing is closed. */
    freeze() {
        this.#frozen = true;
        for (const line of this.lines) this.#still(line);
    }

    thaw() {
        this.#frozen = false;
        for (const line of this.lines) {
            line.client.resume();
            line.server.resume();
        }
    }

    cutAll() {
        for (const line of [...this.lines]) line.cut();
    }

    async stop() {
        for (const line of [...this.lines]) {
            line.client.destroy();
            line.server.destroy();
        }
        await new Promise((resolve) => this.listener.close(resolve));
        rmSync(this.directory, { recursive: true, force: true });
    }
}
