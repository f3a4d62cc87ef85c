// SPDX-License-Identifier: PostgreSQL
// bench: start: how long the daemon takes until it is ready, and what it costs while nothing happens
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ServiceManager } from '../tests/system/lib/notify.mjs';
import { BUILD, DATE, POLICY, conninfo, county, fail, median, options, program, serverTime, sql, start, verdict } from './lib/bench.mjs';

const HELP = `bench/run [--keep DIR] start [--households N] [--starts N] [--seconds N] [--database NAME] [--seed N]

On a county with a first round committed (330000 households): starts shouwangd N times (7) and measures until it says READY=1, as
it does to systemd; then leaves one alone with the shipped settings and seven empty drop folders, lets it settle for ten
seconds, and reads what processor time it and its database sessions take in N seconds (60), and its memory at the end.`;
const opt = options({ households: 330000, starts: 7, seconds: 60, database: 'county', seed: 1 }, HELP);
const BARS = { ready_ms: 1000, cpu_percent: 0.1, memory_mib: 64 };
const FEEDS = ['medical_insurance', 'disabled_federation', 'education', 'hr_social_security', 'housing', 'emergency', 'revitalisation'];
const TICK_MS = 10;
const SETTLE_S = 10;

// --- a configuration of its own, otherwise as shipped -------------------------------------------------------------------

function configure() {
    const folder = mkdtempSync(join(tmpdir(), 'swi.'));
    for (const name of ['feeds.d', 'townships.d', ...FEEDS.map((feed) => join('drop', feed))]) mkdirSync(join(folder, name), { recursive: true });
    const sections = {
        county: { code: 610922, name: '示范县' }, database: { conninfo: conninfo(opt.database) },
        feeds: { directory: 'drop', archive: 'archive', config: 'feeds.d' }, policy: { file: POLICY }, http: { listen: '127.0.0.1:0' },
        control: { socket: 'ctl.sock' }, state: { directory: 'state' }, delivery: { townships: 'townships.d' },
    };
    writeFileSync(join(folder, 'shouwang.conf'), Object.entries(sections).map(([name, keys]) =>
        `[${name}]\n` + Object.entries(keys).map(([key, value]) => `${key} = ${value}\n`).join('')).join(''));
    return folder;
}

/** Starts the daemon; resolves when it has said READY=1. */
async function startDaemon(folder) {
    const manager = await ServiceManager.start();
    const log = openSync(join(folder, 'log'), 'a');
    const began = performance.now();
    const daemon = spawn(join(BUILD, 'daemon', 'shouwangd'), ['-c', join(folder, 'shouwang.conf'), '-f'],
        { stdio: ['ignore', log, log], env: { ...process.env, NOTIFY_SOCKET: manager.path } });
    const ended = new Promise((resolve) => daemon.on('close', resolve));
    const ready = new Promise((resolve) => manager.process.stdout.on('data', () => manager.count('READY=1') > 0 && resolve(performance.now())));
    const at = await Promise.race([ready, ended]);
    if (daemon.exitCode !== null) fail(`shouwangd ended: ${readFileSync(join(folder, 'log'), 'utf8').slice(-500)}`);
    const ms = at - began;
    const stop = async () => {
        daemon.kill('SIGTERM');
        await ended;
        manager.stop();
    };
    return { pid: daemon.pid, ms, stop };
}

// --- measuring -----------------------------------------------------------------------------------------------------------

function cpuOf(pid) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
const memoryOf = (pid, name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

async function idle(daemon) {
    await pause(SETTLE_S * 1000);
    const before = { daemon: cpuOf(daemon.pid), server: serverTime(opt.database), at: performance.now() };
    await pause(opt.seconds * 1000);
    const ms = performance.now() - before.at;
    return {
        cpu: (100 * (cpuOf(daemon.pid) - before.daemon)) / ms,
        server: (100 * (serverTime(opt.database) - before.server)) / ms,
        rss: memoryOf(daemon.pid, 'VmRSS'), peak: memoryOf(daemon.pid, 'VmHWM'),
    };
}

// --- the run -------------------------------------------------------------------------------------------------------------

county(opt.database, opt.households, opt.seed);
if (sql(opt.database, "select count(*) from shouwang.round where state = 'committed'") === '0')
    await start(program('round_once'), [conninfo(opt.database), POLICY, DATE]);
const folder = configure();
const times = [];
for (let i = 0; i < opt.starts; i++) {
    const daemon = await startDaemon(folder);
    times.push(daemon.ms);
    await daemon.stop();
}
const ready = median(times);
console.log(`ready after ${ready.toFixed(0)} ms (${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)} ms in ${times.length} starts); ` +
    `bar <= ${BARS.ready_ms} ms: ${verdict(ready, BARS.ready_ms)}`);
const daemon = await startDaemon(folder);
const quiet = await idle(daemon);
await daemon.stop();
console.log(`idle for ${opt.seconds} s: daemon ${quiet.cpu.toFixed(3)} % of a core; bar <= ${BARS.cpu_percent} %: ${verdict(quiet.cpu, BARS.cpu_percent)}` +
    `; its database sessions ${quiet.server.toFixed(3)} %`);
console.log(`memory: ${quiet.rss.toFixed(1)} MiB resident, peak ${quiet.peak.toFixed(1)} MiB; bar <= ${BARS.memory_mib} MiB: ${verdict(quiet.rss, BARS.memory_mib)}`);
rmSync(folder, { recursive: true, force: true });
