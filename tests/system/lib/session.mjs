// SPDX-License-Identifier: PostgreSQL
// Statements for a test that waits for their answers, all by one psql that stays: a process and a connection for each took a tenth of the
// processor time of all system tests. What a statement sets is forgotten before the next one, as if each had a session of its own.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Lines that psql puts before and behind an answer. */
const CONNECTED = '\u0002\n';
const WHOLE = '\u0001\n';
/** As long as for any other program that a test waits for. */
const OPTIONS = "connect_timeout=10 options='-c statement_timeout=120s'";

/** Both ends of a named pipe. The first opening waits for nobody. */
function openPipe(path) {
    const both = openSync(path, constants.O_RDWR);
    const ends = { from: openSync(path, constants.O_RDONLY), to: openSync(path, constants.O_WRONLY) };
    closeSync(both);
    return ends;
}

export class Session {
    #psql = null; // { database, to, from }
    #chunk = Buffer.alloc(65536);

    /** conninfo: without a database; folder: for the pipes. */
    constructor(conninfo, folder) {
        this.conninfo = conninfo;
        [this.questions, this.answers, this.errors] = ['questions', 'answers', 'errors'].map((name) => join(folder, `psql.${name}`));
        const made = spawnSync('mkfifo', [this.questions, this.answers]);
        if (made.status !== 0) throw new Error(`mkfifo: ${made.stderr}`);
    }

    /** What the statements print, which are one transaction, as those of psql -c are; throws what the server says against them. */
    ask(sql, database) {
        let answer = this.#psql && this.#exchange(sql, database);
        if (!answer?.connected) { // the first, or the server went away since the last and never heard of this one
            this.#begin(database);
            answer = this.#exchange(sql, database);
        }
        if (answer.text === null) throw new Error(`${database}: ${readFileSync(this.errors, 'utf8')}in: ${sql.slice(0, 1000)}`);
        return answer.text;
    }

    /** In the same database as the last, for statements that may be given in any. */
    askAnywhere(sql) {
        return this.ask(sql, this.#psql?.database ?? 'postgres');
    }

    /** Its connection is closed when this returns. */
    close() {
        if (!this.#psql) return;
        closeSync(this.#psql.to);
        while (this.#read() !== '');
        closeSync(this.#psql.from);
        this.#psql = null;
    }

    #conninfo(database) {
        return `${this.conninfo} dbname=${database} ${OPTIONS}`;
    }

    #begin(database) {
        this.close();
        const questions = openPipe(this.questions);
        const answers = openPipe(this.answers);
        const errors = openSync(this.errors, 'w');
        // It ends at the first error, which so cannot be mistaken for an answer.
        spawn('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', this.#conninfo(database)], { stdio: [questions.from, answers.to, errors] }).unref();
        for (const end of [questions.from, answers.to, errors]) closeSync(end);
        this.#psql = { database, to: questions.to, from: answers.from };
    }

    /** { connected: whether the server was there to be asked; text: null if psql ended over it } */
    #exchange(sql, database) {
        const connect = this.#psql.database === database ? '' : `\\connect "${this.#conninfo(database)}"\n`;
        this.#psql.database = database;
        try {
            writeSync(this.#psql.to, `${connect}discard all;\n\\echo ${CONNECTED}select $asked$${sql}$asked$ \\gexec\n\\echo ${WHOLE}`);
        } catch (problem) {
            if (problem.code !== 'EPIPE') throw problem; // it has ended
        }
        let text = '';
        for (let more; !text.endsWith(WHOLE) && (more = this.#read()) !== ''; ) text += more;
        const connected = text.startsWith(CONNECTED);
        if (text.endsWith(WHOLE)) return { connected, text: Buffer.from(text.slice(CONNECTED.length, -WHOLE.length), 'latin1').toString().trim() };
        this.close();
        return { connected, text: null };
    }

    /** Byte for byte, '' at the end. */
    #read() {
        return this.#chunk.toString('latin1', 0, readSync(this.#psql.from, this.#chunk));
    }
}
