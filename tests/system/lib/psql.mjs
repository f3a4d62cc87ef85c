// SPDX-License-Identifier: PostgreSQL
// A session of the test's own that the process does not wait for.
import { spawn } from 'node:child_process';

/** A psql that stays: one connection, answers as arrays of lines. */
export class Psql {
    constructor(conninfo) {
        this.child = spawn('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=0', '-d', conninfo], { stdio: ['pipe', 'pipe', 'pipe'] });
        this.text = '';
        this.said = '';
        this.child.stdout.setEncoding('utf8').on('data', (chunk) => this.#take(chunk));
        this.child.stderr.setEncoding('utf8').on('data', (chunk) => (this.said += chunk));
        this.child.stdin.on('error', () => {}); // it has ended, and says so
        this.child.on('exit', () => {
            this.ended = true;
            this.waiting?.reject(new Error(`psql ended: ${this.said}`));
        });
        this.last = this.ask('set search_path = shouwang');
    }

    #take(chunk) {
        this.text += chunk;
        const end = this.text.indexOf('\u0001\n');
        if (end < 0) return;
        const answer = this.text.slice(0, end);
        this.text = this.text.slice(end + 2);
        if (!this.waiting) return; // closed meanwhile
        const { resolve, reject } = this.waiting;
        this.waiting = null;
        if (this.said) reject(new Error(this.said));
        else resolve(answer.trimEnd());
        this.said = '';
    }

    /** Statements in turn; resolves to what they print. */
    ask(sql) {
        const before = this.last ?? Promise.resolve();
        this.last = before.catch(() => {}).then(() => new Promise((resolve, reject) => {
            this.waiting = { resolve, reject };
            if (this.ended) reject(new Error('psql ended before'));
            this.child.stdin.write(`${sql}\n;\n\\echo \u0001\n`);
        }));
        return this.last;
    }

    close() {
        this.waiting = null;
        this.child.stdin.end('\\q\n');
        if (this.ended) return null;
        return new Promise((resolve) => this.child.on('exit', resolve));
    }
}
