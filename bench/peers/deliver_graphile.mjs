// SPDX-License-Identifier: PostgreSQL
// graphile-worker posts what is queued: deliver_graphile.mjs CONNINFO URL JOBS BODY_BYTES CONCURRENCY SETTINGS. `fastest`: a
// local queue, and completions written in batches; `installed`: what it does unless told otherwise, but for the concurrency.
// Prints what it came to as JSON.
import { run, runMigrations } from 'graphile-worker';
import pg from 'pg';
import { Pool } from 'undici';
import { headers, libpqToUri, measure } from './deliver.mjs';

const SETTINGS = {
    fastest: {
        maxPoolSize: 12,
        pollInterval: 200,
        localQueue: { size: 1000, refetchDelay: { durationMs: 1 } },
        completeJobBatchDelay: 3,
        failJobBatchDelay: 3,
    },
    installed: {},
};
const [conninfo, url, jobs, bytes, concurrency, settings] = process.argv.slice(2);
const connectionString = libpqToUri(conninfo);
const target = new URL(url);
const http = new Pool(target.origin, { connections: Number(concurrency), pipelining: 1 });
const database = new pg.Pool({ connectionString, max: 12 });
database.on('error', (error) => console.error(error.message));
database.on('connect', (client) => client.on('error', (error) => console.error(error.message)));
await runMigrations({ pgPool: database });
await database.query(
    `select count(graphile_worker.add_job('deliver', json_build_object('id', gen_random_uuid(), 'body', repeat('x', $2)), max_attempts => 5)) from generate_series(1, $1)`,
    [jobs, bytes]);
await database.query('vacuum analyze graphile_worker._private_jobs');

let left = Number(jobs);
let finished;
const all = new Promise((resolve) => (finished = resolve));
const done = measure(Number(jobs));
const runner = await run({
    pgPool: database,
    noHandleSignals: true,
    preset: { worker: { concurrentJobs: Number(concurrency), ...SETTINGS[settings] } },
    logger: new (await import('graphile-worker')).Logger(() => () => {}),
    taskList: {
        deliver: async ({ id, body }) => {
            const answer = await http.request({ path: target.pathname, method: 'POST', headers: headers(id), body });
            await answer.body.dump();
            if (answer.statusCode >= 300) throw new Error(`HTTP ${answer.statusCode}`);
            if (--left === 0) finished();
        },
    },
});
await all;
for (;;) {
    const { rows } = await database.query('select from graphile_worker._private_jobs limit 1');
    if (rows.length === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
}
done();
await runner.stop();
await http.close();
await database.end();
