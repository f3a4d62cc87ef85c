// SPDX-License-Identifier: PostgreSQL
// run.mjs COUNT FILE...: runs the test files in this order (node --test has its own), COUNT of them at a time, each in a process of its
// own, and tells it all as TAP.
import { run } from 'node:test';
import { tap } from 'node:test/reporters';

const [count, ...files] = process.argv.slice(2);
run({ files, concurrency: Number(count) })
    .on('test:fail', () => (process.exitCode = 1))
    .compose(tap)
    .pipe(process.stdout);
