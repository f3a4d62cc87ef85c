// SPDX-License-Identifier: PostgreSQL
// One Shouwang under test: a private PostgreSQL cluster for the test file, a database, a configuration, a daemon.
//
// SHOUWANG_BUILD names the build folder. Nothing leaves loopback; everything lies in a temporary folder.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './wait.mjs';

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
    static start() {
        const cluster = new Cluster();
        cluster.directory = mkdtempSync(join(tmpdir(), 'swpg.'));
        chmodSync(cluster.directory, 0o755);
        const data = join(cluster.directory, 'pg');
        cluster.data = data;
        cluster.conninfo = must(PG_CLUSTER, ['start', data]).trim().split('\n').at(-1);
        return cluster;
    }

    sql(text, database = 'postgres') {
        return must('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', `${this.conninfo} dbname=${database}`, '-c', text]).trim();
    }

    pg(action) {
        must(PG_CLUSTER, [action, this.data]);
    }

    stop() {
        run(PG_CLUSTER, ['remove', this.data]);
        rmSync(this.directory, { recursive: true, force: true });
    }
}

export const newSecret = () => 'whsec_' + randomBytes(24).toString('base64');

let databases = 0;

/** A configured county: its database is migrated when the instance is made. */
export class Instance {
    /** options: townships: { code: { url, secret, ...extra } }, settings: { section: { key: value } }, policy: path */
    constructor(cluster, options = {}) {
        this.cluster = cluster;
        this.database = `county_${++databases}`;
        this.directory = mkdtempSync(join(tmpdir(), 'sw.'));
        this.drop = join(this.directory, 'drop');
        this.socket = join(this.directory, 'ctl.sock');
        this.log = join(this.directory, 'log');
        this.conf = join(this.directory, 'shouwang.conf');
        this.conninfo = `${cluster.conninfo} dbname=${this.database}`;
        mkdirSync(this.drop);
        mkdirSync(join(this.directory, 'feeds.d'));
        mkdirSync(join(this.directory, 'townships.d'));
        this.settings = {
            county: { code: '610922', name: '示范县' },
            database: { conninfo: this.conninfo },
            feeds: { directory: 'drop', archive: 'archive' },
            policy: { file: options.policy ?? join(ROOT, 'conf', 'policies', 'shaanxi-county.policy') },
            http: { listen: '127.0.0.1:0' },
            control: { socket: 'ctl.sock' },
            state: { directory: 'state' },
        };
        for (const [section, keys] of Object.entries(options.settings ?? {})) this.settings[section] = { ...this.settings[section], ...keys };
        this.configure();
        for (const [code, endpoint] of Object.entries(options.townships ?? {})) this.township(code, endpoint);
        this.#createDatabase();
    }

    configure() {
        const ini = Object.entries(this.settings)
            .map(([section, keys]) => `[${section}]\n` + Object.entries(keys).map(([key, value]) => `${key} = ${value}\n`).join(''))
            .join('\n');
        writeFileSync(this.conf, ini);
    }

    township(code, { secret, ...keys }) {
        const secretFile = join(this.directory, 'townships.d', `${code}.secret`);
        writeFileSync(secretFile, secret + '\n', { mode: 0o600 });
        const lines = Object.entries({ ...keys, secret_file: `${code}.secret` }).map(([key, value]) => `${key} = ${value}\n`);
        writeFileSync(join(this.directory, 'townships.d', `${code}.conf`), '[endpoint]\n' + lines.join(''));
    }

    /** The daemon takes up the configuration as it stands now. */
    reload() {
        must(program('shouwangctl'), ['-c', this.conf, 'reload']);
    }

    #createDatabase() {
        if (!this.cluster.template) {
            this.cluster.sql('create database template_county');
            const conf = `${this.conf}.template`;
            writeFileSync(conf, readFileSync(this.conf, 'utf8').replace(this.conninfo, `${this.cluster.conninfo} dbname=template_county`));
            must(program('shouwangctl'), ['-c', conf, 'migrate']);
            this.cluster.template = 'template_county';
        }
        this.cluster.sql(`create database ${this.database} template template_county`);
    }

    sql(text) {
        return this.cluster.sql(`set search_path = shouwang; ${text}`, this.database);
    }

    /** Runs shouwangctl; returns { status, stdout, stderr }. */
    ctl(...args) {
        return run(program('shouwangctl'), ['-c', this.conf, ...args]);
    }

    /** Like ctl, but this process goes on meanwhile: for what waits for one of our own receivers. */
    ctlAside(...args) {
        return new Promise((resolve, reject) => {
            const result = { stdout: '', stderr: '' };
            const child = spawn(program('shouwangctl'), ['-c', this.conf, ...args], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 60000 });
            for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (chunk) => (result[name] += chunk));
            child.on('error', reject).on('close', (status) => resolve({ status, ...result }));
        });
    }

    /** Runs shouwangctl, which must succeed, and parses its JSON document. */
    json(...args) {
        return JSON.parse(must(program('shouwangctl'), ['-c', this.conf, ...args, '--json']));
    }

    import(register) {
        const folder = typeof register === 'string' ? register : register.write(join(this.directory, 'register'));
        return this.json('import', folder);
    }

    round(as_of, ...args) {
        return this.json('round', '--as-of', as_of, '--wait', ...args);
    }

    /** Starts the daemon and waits until it says that it is ready. */
    async start(...args) {
        this.daemon = spawn(program('shouwangd'), ['-c', this.conf, '-f', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
        this.output = '';
        this.exited = new Promise((resolve) => this.daemon.on('exit', (code, signal) => resolve({ code, signal })));
        this.daemon.stderr.setEncoding('utf8').on('data', (chunk) => (this.output += chunk));
        let gone = null;
        this.exited.then((end) => (gone = end));
        await until(() => {
            if (gone) throw new Error(`shouwangd ended (${gone.code ?? gone.signal}) before it was ready:\n${this.output}`);
            return this.output.includes('event=daemon.ready');
        }, () => `READY:\n${this.output}`);
        this.http = /event=daemon\.ready .*?http=(\S+)/.exec(this.output)?.[1];
    }

    async waitForLog(pattern, deadline_ms) {
        return until(() => pattern.exec(this.output), () => `${pattern} in the log:\n${this.output}`, deadline_ms);
    }

    /** Ends the daemon and returns { code, signal }. */
    async stop(signal = 'SIGTERM') {
        if (!this.daemon) return null;
        this.daemon.kill(signal);
        const end = await this.exited;
        this.daemon = null;
        return end;
    }

    async close() {
        await this.stop('SIGKILL');
        if (!process.env.SHOUWANG_KEEP && existsSync(this.directory)) rmSync(this.directory, { recursive: true, force: true });
        this.cluster.sql(`drop database if exists ${this.database} with (force)`);
    }
}
