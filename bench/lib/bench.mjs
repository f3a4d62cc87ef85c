// SPDX-License-Identifier: PostgreSQL
// What the benchmarks share: the cluster that bench/run started, programs that are measured, and their processor time.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const BENCH = join(dirname(fileURLToPath(import.meta.url)), '..');
export const ROOT = dirname(BENCH);
export const BUILD = process.env.BENCH_BUILD;
export const DIR = process.env.BENCH_DIR;
export const POLICY = join(ROOT, 'conf', 'policies', 'shaanxi-county.policy');
export const DATE = '2021-06-30';

export function fail(text) {
    console.error(`bench: ${text}`);
    process.exit(1);
}

/** Runs a program that must succeed; returns what it printed. */
export function run(command, args, options = {}) {
    const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
    if (result.error || result.status !== 0) fail(`${command} ${args.join(' ')}: ${result.error ?? `exit ${result.status}: ${result.stderr}`}`);
    return result.stdout;
}

/** The same beside others. */
export function start(command, args, options = {}) {
    return new Promise((resolve) => {
        const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
        let out = '', err = '';
        child.stdout.on('data', (chunk) => (out += chunk));
        child.stderr.on('data', (chunk) => (err += chunk));
        child.on('close', (status) => (status === 0 ? resolve(out) : fail(`${command} ${args.join(' ')}: exit ${status}: ${err}`)));
    });
}

export const conninfo = (database) => `${process.env.BENCH_CONNINFO} dbname=${database}`;
const PSQL = ['-XAtq', '-F', ' ', '-v', 'ON_ERROR_STOP=1'];
export const sql = (database, text) => run('psql', [...PSQL, '-d', conninfo(database), '-c', text]).trim();
const variables = (values) => Object.entries(values).flatMap(([name, value]) => ['-v', `${name}=${value}`]);
/** A file of bench/sql; psql reads what it includes from there, too. */
export const script = (database, file, values = {}) =>
    start('psql', [...PSQL, ...variables(values), '-d', conninfo(database), '-f', file], { cwd: join(BENCH, 'sql') });

/** Builds a program of the bench folder; where there is no Makefile (an installed build), it must be there already. */
export function program(name) {
    if (existsSync(join(BUILD, 'Makefile'))) run('make', ['-s', '-C', BUILD, `bench/${name}`]);
    return join(BUILD, 'bench', name);
}

// --- processor time --------------------------------------------------------------------------------------------------

const postmaster = () => Number(readFileSync(join(DIR, 'pg', 'postmaster.pid'), 'utf8').split('\n')[0]);
/* Of the database; or ended and not reaped yet: then it has no title. */
function isSession(pid, database) {
    try {
        const title = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return title === '' || title.includes(` ${database} [local]`) || title.includes('parallel worker');
    } catch {
        return false;
    }
}
const hasSessions = (pid, database) =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).some((child) => isSession(child, database));

/** utime, stime, cutime and cstime of a process, in ms (ticks of 10 ms); zeros when it is no more. */
function timesOf(pid) {
    try {
        return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ').slice(11, 15).map((ticks) => Number(ticks) * 10);
    } catch {
        return [0, 0, 0, 0];
    }
}

/** Processor time in ms that sessions in the database have taken, those that go on and all that have ended. */
export function serverTime(database) {
    const pid = postmaster();
    const [, , user, system] = timesOf(pid);
    const living = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter((child) => child && isSession(child, database));
    return user + system + living.reduce((sum, child) => sum + timesOf(child)[0] + timesOf(child)[1], 0);
}

/** Processor time in ms of all server processes that have ended: the postmaster reaped them. Waits for sessions to end. */
async function reaped(database) {
    const pid = postmaster();
    for (const until = Date.now() + 10000; hasSessions(pid, database); await new Promise((done) => setTimeout(done, 5)))
        if (Date.now() > until) fail(`a session in ${database} does not end`);
    const [, , user, system] = timesOf(pid);
    return user + system;
}

/** Runs `work`; wall time and the processor time of the server in ms beside what it returned. */
export async function measured(database, work) {
    const before = await reaped(database);
    const began = performance.now();
    const value = await work();
    const wall = performance.now() - began;
    return { value, wall, server: (await reaped(database)) - before };
}

// --- figures -------------------------------------------------------------------------------------------------------------

export function median(values) {
    const sorted = [...values].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length === 0 ? NaN : sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** --name value and --name; unknown ones are refused. */
export function options(defaults, help) {
    const values = { ...defaults };
    for (let i = 2; i < process.argv.length; i++) {
        const name = process.argv[i].replace(/^--/, '');
        if (name === 'help') {
            console.log(help);
            process.exit(0);
        }
        if (!(name in defaults) || !process.argv[i].startsWith('--')) fail(`unknown option ${process.argv[i]}\n${help}`);
        if (typeof defaults[name] === 'boolean') values[name] = true;
        else if (typeof defaults[name] === 'number') values[name] = Number(process.argv[++i]);
        else values[name] = process.argv[++i];
        if (values[name] === undefined || Number.isNaN(values[name])) fail(`--${name}: a value is missing\n${help}`);
    }
    return values;
}

/** `ratio` against what is allowed: 'met' or 'MISSED'. */
export const verdict = (value, bar, below = true) => ((below ? value <= bar : value >= bar) ? 'met' : 'MISSED');

/** Makes the county if it is not there, migrates it if it is. */
export function county(database, households, seed) {
    const made = run(join(BENCH, 'county.sh'), ['--households', String(households), '--seed', String(seed), '--database', database]).trim();
    if (made !== '') console.log(made);
}
