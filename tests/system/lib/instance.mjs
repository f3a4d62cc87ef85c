// SPDX-License-Identifier: PostgreSQL
// One Shouwang under test: a private PostgreSQL cluster for the test file, a database, a configuration, a daemon.
//
// SHOUWANG_BUILD names the build folder. Nothing leaves loopback; everything lies in a temporary folder.
import { execFile, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Watch } from './privacy.mjs';
import { Session } from './session.mjs';
import { DEADLINE_MS, until } from './wait.mjs';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
export const BUILD = process.env.SHOUWANG_BUILD ?? ROOT;
const PG_CLUSTER = join(ROOT, 'tests', 'system', 'pg_cluster.sh');
export const program = (name) => join(BUILD, { shouwangd: 'daemon', shouwangctl: 'ctl' }[name] ?? 'sample', name);

function run(command, args, options = {}) {
    const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, timeout: 120000, ...options });
    if (result.error) throw result.error;
    return result;
}

function must(command, args, options) {
    const result = run(command, args, options);
    if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}: exit ${result.status}: ${result.stderr}`);
    return result.stdout;
}

/** A private cluster; `template` is a migrated database that others are copied from. */
export class Cluster {
    /** below: a folder of another file system; env: what the server finds in its environment beside ours, of its folder */
    static start({ below = tmpdir(), env = () => ({}) } = {}) {
        const cluster = new Cluster();
        cluster.instances = new Set();
        cluster.directory = mkdtempSync(join(below, 'swpg.'));
        chmodSync(cluster.directory, 0o755);
        const data = join(cluster.directory, 'pg');
        cluster.data = data;
        cluster.conninfo = must(PG_CLUSTER, ['start', data], { env: { ...process.env, ...env(cluster.directory) } }).trim().split('\n').at(-1);
        cluster.session = new Session(cluster.conninfo, cluster.directory);
        if (process.env.SHOUWANG_PROTOTYPE) cluster.template = 'template_county';
        return cluster;
    }

    sql(text, database = 'postgres') {
        return this.session.ask(text, database);
    }

    pg(action) {
        must(PG_CLUSTER, [action, this.data]);
    }

    /** The same, and this process goes on meanwhile: a proxy or a receiver that lives in it, too. */
    async pgAside(action) {
        await promisify(execFile)(PG_CLUSTER, [action, this.data], { timeout: 120000 });
    }

    /** What the server logged of sessions that were not the tests' own (psql). */
    serverLog() {
        const path = join(this.data, 'data', 'server.log');
        if (!existsSync(path)) return Buffer.alloc(0);
        const text = readFileSync(path, 'latin1'); // byte for byte
        const entries = text.split(/^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)/m);
        return Buffer.from(entries.filter((entry) => !/^\S+ \S+ \S+ \[\d+\] psql /.test(entry)).join(''), 'latin1');
    }

    /** For a test that put something into it on purpose. */
    forgetServerLog() {
        writeFileSync(join(this.data, 'data', 'server.log'), '');
    }

    stop() {
        const unexamined = [...this.instances];
        this.session.close();
        run(PG_CLUSTER, ['remove', this.data]);
        rmSync(this.directory, { recursive: true, force: true });
        if (unexamined.length > 0) throw new Error(`${unexamined.map((instance) => instance.database)}: never closed, so nobody looked what they said about persons`);
    }
}

/** What shouwangctl shows of households to operators who ask for them; all else that it says is about no person. */
const SHOWS_PERSONS = /^(explain|feed show|warnings|visits|leads)/;

export const newSecret = () => 'whsec_' + randomBytes(24).toString('base64');

let databases = 0;

/** A configured county: its database is migrated when the instance is made. `env` is added to the daemon's environment. */
export class Instance {
    /**
     * options: townships: { code: { url, secret, ...extra } }, settings: { section: { key: value } }, policy: path,
     * beside: an instance whose database and folders this one shares; through: conninfo (without dbname) of a proxy,
     * database: the name of one that is there already, detached: in a process group of its own. One that is to be stopped (SIGSTOP)
     * needs that: the kernel hangs up on a whole group of which a member is stopped when nobody is left to continue it
     */
    constructor(cluster, options = {}) {
        this.cluster = cluster;
        cluster.instances.add(this);
        this.watch = new Watch();
        this.said = []; // [where, bytes]
        this.detached = options.detached ?? false;
        this.beside = options.beside;
        this.database = this.beside?.database ?? options.database ?? `county_${++databases}`;
        this.directory = mkdtempSync(join(tmpdir(), 'sw.'));
        this.drop = this.beside?.drop ?? join(this.directory, 'drop');
        this.socket = join(this.directory, 'ctl.sock');
        this.log = join(this.directory, 'log');
        this.conf = join(this.directory, 'shouwang.conf');
        this.toolConf = options.through ? join(this.directory, 'tool.conf') : this.conf;
        this.conninfo = `${cluster.conninfo} dbname=${this.database}`;
        mkdirSync(this.drop, { recursive: true });
        mkdirSync(join(this.directory, 'feeds.d'));
        mkdirSync(join(this.directory, 'townships.d'));
        this.settings = {
            county: { code: '610922', name: '示范县' },
            database: { conninfo: options.through ? `${options.through} dbname=${this.database}` : this.conninfo },
            feeds: { directory: this.drop, archive: join(dirname(this.drop), 'archive') },
            policy: { file: options.policy ?? join(ROOT, 'conf', 'policies', 'shaanxi-county.policy') },
            // No round but those that a test orders, whatever day and hour it is where the test runs.
            rounds: { schedule: 'off' },
            // The receivers live in this process, which waits for shouwangctl and psql: an attempt that lasts as long is not cut.
            delivery: { timeout: '1min' },
            http: { listen: '127.0.0.1:0' },
            control: { socket: 'ctl.sock' },
            state: { directory: 'state' },
        };
        for (const [section, keys] of Object.entries(options.settings ?? {})) this.settings[section] = { ...this.settings[section], ...keys };
        this.configure();
        for (const [code, endpoint] of Object.entries(options.townships ?? {})) this.township(code, endpoint);
        if (!this.beside && !options.database) this.#createDatabase();
    }

    configure() {
        const ini = Object.entries(this.settings)
            .map(([section, keys]) => `[${section}]\n` + Object.entries(keys).map(([key, value]) => `${key} = ${value}\n`).join(''))
            .join('\n');
        writeFileSync(this.conf, ini);
        // Tools that this process waits for cannot go through a proxy that lives in it.
        writeFileSync(this.toolConf, ini.replace(/^conninfo = .*/m, `conninfo = ${this.conninfo}`));
    }

    township(code, { secret, ...keys }) {
        this.watch.secret(secret);
        const secretFile = join(this.directory, 'townships.d', `${code}.secret`);
        writeFileSync(secretFile, secret + '\n', { mode: 0o600 });
        const lines = Object.entries({ ...keys, secret_file: `${code}.secret` }).map(([key, value]) => `${key} = ${value}\n`);
        writeFileSync(join(this.directory, 'townships.d', `${code}.conf`), '[endpoint]\n' + lines.join(''));
    }

    /** The daemon takes up the configuration as it stands now. */
    reload() {
        this.#must('reload');
    }

    #createDatabase() {
        if (!this.cluster.template) {
            this.cluster.sql('create database template_county');
            const conf = `${this.conf}.template`;
            writeFileSync(conf, readFileSync(this.conf, 'utf8').replace(/^conninfo = .*/m, `conninfo = ${this.cluster.conninfo} dbname=template_county`));
            must(program('shouwangctl'), ['-c', conf, 'migrate']);
            this.cluster.template = 'template_county';
        }
        this.cluster.sql(`create database ${this.database} template template_county strategy file_copy`); // half the work of the log's way
    }

    sql(text) {
        return this.cluster.sql(`set search_path = shouwang; ${text}`, this.database);
    }

    /** Runs shouwangctl; returns { status, stdout, stderr }. */
    ctl(...args) {
        return this.#heard(args, run(program('shouwangctl'), ['-c', this.toolConf, ...args]));
    }

    #heard(args, result) {
        this.said.push([`shouwangctl ${args[0]}: stderr`, result.stderr]);
        if (!SHOWS_PERSONS.test(args.join(' '))) this.said.push([`shouwangctl ${args[0]}: stdout`, result.stdout]);
        return result;
    }

    #must(...args) {
        const result = this.ctl(...args);
        if (result.status !== 0) throw new Error(`shouwangctl ${args.join(' ')}: exit ${result.status}: ${result.stderr}`);
        return result.stdout;
    }

    /** Like ctl, but this process goes on meanwhile: for what waits for one of our own receivers. */
    ctlAside(...args) {
        return this.ctlBegin(...args).ended;
    }

    /** The same, with the process, which a test may kill. */
    ctlBegin(...args) {
        const result = { stdout: '', stderr: '' };
        const env = { ...process.env, ...this.env };
        const child = spawn(program('shouwangctl'), ['-c', this.toolConf, ...args], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 120000, env });
        for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (chunk) => (result[name] += chunk));
        const ended = new Promise((resolve, reject) => child.on('error', reject).on('close', (status, signal) => resolve(this.#heard(args, { status, signal, ...result }))));
        return { child, ended };
    }

    /** Runs shouwangctl, which must succeed, and parses its JSON document. */
    json(...args) {
        return JSON.parse(this.#must(...args, '--json'));
    }

    import(register, ...args) {
        const folder = typeof register === 'string' ? register : register.write(join(this.directory, 'register'));
        this.watch.folder(folder);
        return this.json('import', ...args, folder);
    }

    /** One that was held is an answer, too. */
    round(as_of, ...args) {
        const { status, stdout, stderr } = this.ctl('round', '--as-of', as_of, '--wait', ...args, '--json');
        const report = status <= 1 && stdout ? JSON.parse(stdout) : null;
        if (report === null || (status === 1) !== (report.held && report.round !== null)) throw new Error(`shouwangctl round: exit ${status}: ${stderr}`);
        return report;
    }

    /** Like import, but this process goes on meanwhile: for a daemon that reaches its database through it. */
    async importAside(register, ...args) {
        const folder = register.write(join(this.directory, 'register'));
        this.watch.folder(folder);
        const { status, stderr } = await this.ctlAside('import', ...args, folder);
        if (status !== 0) throw new Error(`shouwangctl import: exit ${status}: ${stderr}`);
    }

    /** Starts the daemon and waits until it says that it is ready. */
    async start(...args) {
        const env = { ...process.env, ...this.env };
        this.daemon = spawn(program('shouwangd'), ['-c', this.conf, '-f', ...args], { stdio: ['ignore', 'ignore', 'pipe'], env, detached: this.detached });
        this.output = '';
        // 'close', not 'exit': with its last words read
        this.exited = new Promise((resolve) => this.daemon.on('close', (code, signal) => resolve({ code, signal })));
        const decoder = new TextDecoder();
        this.daemon.stderr.on('data', (chunk) => {
            this.said.push(['log', chunk]);
            this.output += decoder.decode(chunk, { stream: true });
        });
        let gone = null;
        this.exited.then((end) => (gone = end));
        await until(() => {
            if (gone) throw new Error(`shouwangd ended (${gone.code ?? gone.signal}) before it was ready:\n${this.output}`);
            return /event=daemon\.ready .*\n/.test(this.output);
        }, () => `READY:\n${this.output}`);
        this.http = /event=daemon\.ready .*?http=(\S+)/.exec(this.output)?.[1];
    }

    async waitForLog(pattern, deadline_ms) {
        return until(() => pattern.exec(this.output), () => `${pattern} in the log:\n${this.output}`, deadline_ms);
    }

    /** An answer of the daemon's own pages: { status, headers, text }. Each on a connection of its own: one that was kept is
     *  closed by the daemon after ten idle seconds, and a test that waits for a program does not notice. */
    get(path, { method = 'GET', headers = {}, body, timeout = DEADLINE_MS } = {}) {
        return new Promise((resolve, reject) => {
            const asked = request(`http://${this.http}${path}`, { agent: false, method, headers, timeout }, async (response) => {
                let text = '';
                try {
                    for await (const chunk of response.setEncoding('utf8')) text += chunk;
                    resolve({ status: response.statusCode, headers: response.headers, text });
                } catch (error) {
                    reject(error);
                }
            });
            asked.on('timeout', () => asked.destroy(new Error(`no answer to ${method} ${path} in ${timeout} ms`))).on('error', reject).end(body);
        });
    }

    /** Hears what the running daemon says on all its pages, in its title and in its sessions. */
    async hear() {
        const pid = this.daemon?.pid;
        if (!pid || !existsSync(`/proc/${pid}`)) return;
        for (const file of ['cmdline', 'comm']) {
            try {
                this.said.push([`/proc/PID/${file}`, readFileSync(`/proc/${pid}/${file}`)]);
            } catch {
                return; // it has ended meanwhile
            }
        }
        if (this.http) for (const path of ['/', '/metrics', '/livez', '/readyz?verbose']) this.said.push([path, await this.get(path, { timeout: 2000 }).then(({ text }) => text, () => '')]);
        const sessions = `select application_name || ' ' || query from pg_stat_activity where datname = '${this.database}' and application_name <> 'psql'`;
        try {
            this.said.push(['pg_stat_activity', this.cluster.session.askAnywhere(sessions)]);
        } catch {
            // the server is away, and nobody has a session
        }
    }

    /** Throws when anything that was said names a person. */
    examine() {
        this.cluster.instances.delete(this);
        this.watch.folder(this.drop).folder(join(this.directory, 'archive')).folder(join(this.directory, 'register'));
        for (const name of existsSync(this.directory) ? readdirSync(this.directory) : [])
            if (/log/.test(name) && statSync(join(this.directory, name)).isFile()) this.said.push([name, readFileSync(join(this.directory, name))]);
        this.said.push(['server.log', this.cluster.serverLog()]);
        const log = this.said.filter(([where]) => where === 'log').map(([, bytes]) => Buffer.from(bytes)); // a line may lie in two chunks
        const rest = this.said.filter(([where]) => where !== 'log');
        const leaks = [['log', Buffer.concat(log)], ...rest].flatMap(([where, bytes]) => this.watch.leaks(where, bytes));
        if (leaks.length > 0) throw new Error(`${leaks.length} leaks about persons:\n` + leaks.slice(0, 10).map(({ where, kind, line }) => `${where}: ${kind}: ${line}`).join('\n'));
    }

    /** Ends the daemon and returns { code, signal }. */
    async stop(signal = 'SIGTERM') {
        if (!this.daemon) return null;
        if (signal !== 'SIGKILL') await this.hear();
        this.daemon.kill(signal);
        const end = await this.exited;
        this.daemon = null;
        return end;
    }

    async close() {
        await this.hear();
        await this.stop('SIGKILL');
        try {
            this.examine();
        } finally {
            if (!process.env.SHOUWANG_KEEP && existsSync(this.directory)) rmSync(this.directory, { recursive: true, force: true });
            if (!this.beside) this.cluster.sql(`drop database if exists ${this.database} with (force)`);
        }
    }
}
