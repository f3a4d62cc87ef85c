// SPDX-License-Identifier: PostgreSQL
// What the peers of the delivery benchmark share.
import { readdirSync, readFileSync } from 'node:fs';

/** "host=/run/x user=postgres dbname=d" as node-postgres takes it. */
export function libpqToUri(conninfo) {
    const { host, user, dbname } = Object.fromEntries(conninfo.split(' ').map((pair) => pair.split('=')));
    return `postgres://${user}@/${dbname}?host=${encodeURIComponent(host)}`;
}

/** A webhook's headers; the peers do not sign. */
export const headers = (id) => ({
    'content-type': 'application/cloudevents+json; charset=utf-8',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
    'webhook-signature': 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
});

/** The fields of /proc/PID/stat behind the name; null when it is gone. */
function stat(pid) {
    try {
        return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    } catch {
        return null;
    }
}

/** Processor seconds of a process, or with `family` of it and of all its children, dead or alive. */
export function cpu(pid, family = false) {
    let ticks = 0;
    for (const name of family ? readdirSync('/proc') : [String(pid)]) {
        const fields = /^\d+$/.test(name) ? stat(name) : null;
        if (fields && (name === String(pid) || Number(fields[1]) === pid)) ticks += Number(fields[11]) + Number(fields[12]);
        if (fields && family && name === String(pid)) ticks += Number(fields[13]) + Number(fields[14]);
    }
    return ticks / 100;
}

/** Starts measuring; the function it returns prints the result as JSON. */
export function measure(jobs) {
    const postmaster = Number(process.env.BENCH_POSTMASTER);
    const [started, own, database] = [process.hrtime.bigint(), cpu(process.pid), cpu(postmaster, true)];
    return () => {
        const seconds = Number(process.hrtime.bigint() - started) / 1e9;
        console.log(JSON.stringify({ rate: jobs / seconds, own: (cpu(process.pid) - own) / jobs, database: (cpu(postmaster, true) - database) / jobs }));
    };
}
