// SPDX-License-Identifier: PostgreSQL
// For programs that are not driven from here: examine.mjs SOURCES... -- OUTPUTS...
// The persons are those of the tests' sources (valid IDs, and the names beside them); none of them may stand in an output.
// Of a server's log the entries of the fixtures' own sessions do not count.
import { readFileSync } from 'node:fs';
import { CANARY, isId, Watch } from './privacy.mjs';

const split = process.argv.indexOf('--');
const watch = new Watch().name(CANARY.name);
for (const source of process.argv.slice(2, split)) {
    const text = readFileSync(source, 'utf8');
    for (const [id] of text.matchAll(/(?<!\d)\d{17}[\dXx](?!\d)/g)) if (isId(id)) watch.id(id, { canary: true });
    for (const [, name] of text.matchAll(/(?:"|,)([\p{Script=Han}·]{2,12})(?=,)/gu)) watch.name(name);
}
let leaks = 0;
for (const output of process.argv.slice(split + 1)) {
    const text = readFileSync(output, 'latin1');
    const entries = /server\.log$/.test(output) ? text.split(/^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)/m).filter((entry) => !/^\S+ \S+ \S+ \[\d+\] (psql|fixture) /.test(entry)) : [text];
    for (const { kind, line } of watch.leaks(output, Buffer.from(entries.join(''), 'latin1')).slice(0, 10)) {
        console.log(`not ok ${output}: ${kind}: ${line}`);
        leaks++;
    }
}
process.exit(leaks > 0 ? 1 : 0);
