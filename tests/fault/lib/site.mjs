// SPDX-License-Identifier: PostgreSQL
// One cluster with databases in known states, and counties that begin in such a state: with receivers, a daemon that may
// be killed on its way, and an operator who brings it to the same end whatever happens.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from '../../system/lib/control.mjs';
import { Cluster, Instance, newSecret } from '../../system/lib/instance.mjs';
import { Psql } from '../../system/lib/psql.mjs';
import { Receiver } from '../../system/lib/receiver.mjs';
import { DEADLINE_MS } from '../../system/lib/wait.mjs';

/** Where the files of a state lie, within an instance's folder. */
const FOLDERS = ['drop', 'archive', 'register'];
const EX_TEMPFAIL = 75;
/** Longer than an attempt may take, and shorter than anybody's lease. */
const FREEZE_MS = 1500;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The cluster, the states, and what all counties share. */
export class Site {
    static async start(townships, county) {
        const site = new Site();
        site.cluster = Cluster.start();
        site.secrets = Object.fromEntries([...townships, county].map((code) => [code, newSecret()]));
        site.townships = townships;
        site.county = county;
        site.states = new Map();
        site.made = 0;
        const first = new Instance(site.cluster, {}); // migrates
        site.states.set('empty', { database: site.cluster.template, folder: null });
        await first.close();
        return site;
    }

    /** From the postgres database, while this process goes on. */
    sql(text) {
        this.psql ??= new Psql(`${this.cluster.conninfo} dbname=postgres`);
        return this.psql.ask(text);
    }

    /** Makes the state `name`: what `drive` makes of the state `from`, with the daemon ended well, unless it was killed last. */
    async make(name, from, options, drive) {
        const run = await Run.begin(this, from, options);
        try {
            await drive(run);
            await run.stop();
        } catch (problem) {
            await run.close();
            throw problem;
        }
        const folder = join(this.cluster.directory, `state_${name}`);
        run.keep(folder);
        const database = `state_${name}`;
        await run.psql.close();
        await this.sql(`alter database ${run.instance.database} rename to ${database}`);
        run.renamed = true;
        await run.close();
        this.states.set(name, { database, folder, socket: run.instance.socket });
    }

    async stop() {
        await this.psql?.close();
        this.cluster.stop();
    }
}

/** One county from a state to an end. */
export class Run {
    /** How often the daemon (or a shouwangctl) was killed, or stood still, by a kill point. */
    kills = 0;
    /** Passages per point, the most that one process made; filled by trace: true. */
    passages = new Map();
    log = '';

    /** options: settings, kill ("NAME:N"), freeze (instead of a death), trace, seed, told (townships with an endpoint; all by default) */
    static async begin(site, from, options = {}) {
        const run = new Run();
        run.site = site;
        run.options = options;
        const state = site.states.get(from);
        const database = `run_${++site.made}`;
        await site.sql(`create database ${database} template ${state.database} strategy file_copy`);
        run.receivers = {};
        for (const code of [...site.townships, site.county]) run.receivers[code] = await Receiver.start(site.secrets[code]);
        run.instance = new Instance(site.cluster, {
            database,
            settings: {
                ...options.settings,
                feeds: { scan_interval: '1s', ...options.settings?.feeds },
                rounds: { schedule: 'off', limit: 'none', ...options.settings?.rounds },
                delivery: { retry_first: '50ms', retry_max: '200ms', timeout: '1s', ...options.settings?.delivery },
            },
        });
        run.instance.hear = async () => {}; // its pages are the system tests' matter
        for (const code of options.told ?? site.townships) run.tell(code);
        if (state.folder) cpSync(state.folder, run.instance.directory, { recursive: true, preserveTimestamps: true });
        run.psql = new Psql(run.instance.conninfo);
        // Whoever holds a lease in this state was the same daemon: it is known by its control socket.
        if (state.socket) await run.sql(`update lease set holder = replace(holder, '${state.socket}', '${run.instance.socket}')`);
        return run;
    }

    /** The township gets an endpoint, from the next start or reload on. */
    tell(code) {
        this.instance.township(code, { url: this.receivers[code].url, secret: this.site.secrets[code] });
    }

    keep(folder) {
        mkdirSync(folder, { recursive: true });
        for (const name of FOLDERS)
            if (existsSync(join(this.instance.directory, name)))
                cpSync(join(this.instance.directory, name), join(folder, name), { recursive: true, preserveTimestamps: true });
    }

    sql(text) {
        return this.psql.ask(text);
    }

    // --- the daemon, and its death -------------------------------------------------------------------------------------

    /** What the next process has in its environment. */
    get environment() {
        if (this.options.trace) return { SHOUWANG_KILL_POINT: 'trace' };
        const signal = this.options.freeze ? 'STOP' : 'KILL';
        return this.options.kill && this.kills === 0 ? { SHOUWANG_KILL_POINT: this.options.kill, SHOUWANG_KILL_SIGNAL: signal } : {};
    }

    /** Lets a process that stands still at its point go on after a while. */
    #thaw(child) {
        if (!this.options.freeze) return;
        const look = setInterval(() => {
            const stat = existsSync(`/proc/${child.pid}/stat`) ? readFileSync(`/proc/${child.pid}/stat`, 'latin1') : '';
            if (!/\) T /.test(stat)) return;
            clearInterval(look);
            this.kills++;
            setTimeout(() => child.kill('SIGCONT'), FREEZE_MS);
        }, 20);
        child.on('exit', () => clearInterval(look));
    }

    #count(output) {
        const here = new Map();
        for (const [, name] of output.matchAll(/^kill_point=(\S+)$/gm)) here.set(name, (here.get(name) ?? 0) + 1);
        for (const [name, times] of here) this.passages.set(name, Math.max(times, this.passages.get(name) ?? 0));
        this.log += output;
    }

    #ended(end, instance) {
        this.#count(instance.output);
        instance.daemon = null;
        if (this.stopping) return;
        if (end.signal === 'SIGKILL') this.kills++;
        else this.problem = `the daemon ended by itself (${end.signal ?? end.code})`;
    }

    get running() {
        return this.instance.daemon;
    }

    /** The daemon runs; one that died is started again. */
    async up() {
        while (!this.running) {
            if (this.problem) throw new Error(this.problem);
            this.instance.env = this.environment;
            const ready = this.instance.start();
            this.#thaw(this.instance.daemon);
            const gone = this.instance.exited.then((end) => this.#ended(end, this.instance));
            this.gone = gone;
            try {
                await ready;
            } catch (problem) {
                await gone;
                if (this.problem) throw problem;
            }
        }
    }

    /** Asks over the control socket, waiting for the end; null when the daemon died meanwhile. */
    async ask(verb, args) {
        try {
            return await ask(this.instance.socket, verb, args);
        } catch (problem) {
            const died = await Promise.race([this.gone.then(() => true), pause(DEADLINE_MS / 6).then(() => false)]);
            if (died) return null;
            throw problem;
        }
    }

    /** shouwangctl without the daemon's help; null when it was killed. */
    async ctl(...args) {
        this.instance.env = this.environment;
        const { child, ended } = this.instance.ctlBegin(...args);
        this.#thaw(child);
        const { status, signal, stdout, stderr } = await ended;
        this.#count(stderr);
        if (signal === 'SIGKILL') {
            this.kills++;
            return null;
        }
        return { status, stdout, stderr };
    }

    /** As an operator does: looks whether it is done; if not, orders it (again), and has an eye on the daemon. */
    async until(what, done, order = null) {
        const end = Date.now() + DEADLINE_MS;
        let answer = null;
        while (!(await done())) {
            if (Date.now() > end) throw new Error(`waited ${DEADLINE_MS} ms in vain for ${what}; last answer: ${JSON.stringify(answer)}`);
            await this.up();
            answer = order ? await order() : null;
            if (answer && !answer.ok && answer.exit !== EX_TEMPFAIL) throw new Error(`${what}: ${answer.error}`);
            if (!answer?.ok) await pause(15);
        }
    }

    /** A number from the database. */
    async count(sql) {
        return Number(await this.sql(`select count(*) from ${sql}`));
    }

    round(as_of, verb = 'round', args = { as_of, wait: true }) {
        return this.until(`the round of ${as_of}`, async () => (await this.count(`round where as_of = '${as_of}' and state in ('committed', 'held')`)) > 0, () => this.ask(verb, args));
    }

    /** Every event (of those that `which` means) has found its end; `meanwhile` is done at each look. */
    settled(which = 'true', meanwhile = async () => {}) {
        return this.until('the deliveries', async () => {
            await meanwhile();
            return (await this.count(`delivery where state in ('queued', 'in_flight') and (${which})`)) === 0;
        });
    }

    /** Ends the daemon well. One that comes to its kill point while it ends is started once more. */
    async stop() {
        this.stopping = true;
        const end = this.running ? await this.instance.stop() : null;
        await this.gone;
        if (end?.signal === 'SIGKILL' && this.options.kill && this.kills === 0) {
            this.kills++;
            this.stopping = false;
            await this.up();
            return this.stop();
        }
        if (end && (end.code !== 0 || end.signal)) throw new Error(`the daemon ended by ${end.signal ?? end.code} when it was asked to`);
        return end;
    }

    async close() {
        this.stopping = true;
        if (this.running) await this.instance.stop('SIGKILL');
        for (const receiver of Object.values(this.receivers)) await receiver.stop();
        if (!this.renamed) {
            await this.psql.close();
            await this.site.sql(`drop database if exists ${this.instance.database} with (force)`);
        }
        try {
            this.instance.examine(); // nothing that was said names a person
        } finally {
            if (!process.env.SHOUWANG_KEEP) rmSync(this.instance.directory, { recursive: true, force: true });
        }
    }
}
