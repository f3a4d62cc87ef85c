// SPDX-License-Identifier: PostgreSQL
// pg-boss posts what is queued: deliver_pgboss.mjs CONNINFO URL JOBS BODY_BYTES CONCURRENCY. Its fastest form: batches are
// fetched and completed by hand, several at one time, because its own workers take a batch every half second at most. Prints
// what it came to as JSON.
import PgBoss from 'pg-boss';
import { Pool } from 'undici';
import { headers, libpqToUri, measure } from './deliver.mjs';

const QUEUE = 'deliver';
const FETCHERS = 4;
const BATCH = 250;
const [conninfo, url, jobs, bytes, concurrency] = process.argv.slice(2);
const target = new URL(url);
const http = new Pool(target.origin, { connections: Number(concurrency), pipelining: 1 });
const boss = new PgBoss({ connectionString: libpqToUri(conninfo), max: 12, supervise: false, schedule: false });
boss.on('error', (error) => console.error(error.message));
await boss.start();
await boss.createQueue(QUEUE);
const body = 'x'.repeat(Number(bytes));
for (let made = 0; made < Number(jobs); made += 5000)
    await boss.insert(Array.from({ length: Math.min(5000, Number(jobs) - made) }, () => ({ name: QUEUE, data: { body }, retryLimit: 5 })));

const post = async (job) => {
    const answer = await http.request({ path: target.pathname, method: 'POST', headers: headers(job.id), body: job.data.body });
    await answer.body.dump();
    if (answer.statusCode >= 300) throw new Error(`HTTP ${answer.statusCode}`);
};

async function fetcher() {
    for (;;) {
        const batch = await boss.fetch(QUEUE, { batchSize: BATCH });
        if (!batch?.length) return;
        const ends = await Promise.allSettled(batch.map(post)); // the pool of connections bounds them
        const ids = (status) => batch.filter((_, i) => ends[i].status === status).map((job) => job.id);
        const [good, bad] = [ids('fulfilled'), ids('rejected')];
        if (good.length) await boss.complete(QUEUE, good);
        if (bad.length) await boss.fail(QUEUE, bad);
    }
}

const done = measure(Number(jobs));
await Promise.all(Array.from({ length: FETCHERS }, fetcher));
done();
await boss.stop({ graceful: false });
await http.close();
