// SPDX-License-Identifier: PostgreSQL
// An older backup is restored as operators.md says: the county goes on, and no township sees a sequence number with two events.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { dropFeed, Register, residentId } from './lib/county.mjs';
import { Cluster, Instance, newSecret, ROOT } from './lib/instance.mjs';
import { Receiver } from './lib/receiver.mjs';
import { until } from './lib/wait.mjs';

const A = '610922103';
const ID = (n) => residentId('1980-01-01', n);
let cluster, receiver, instance;
before(async () => {
    cluster = Cluster.start();
    const secret = newSecret();
    receiver = await Receiver.start(secret);
    instance = new Instance(cluster, { settings: { rounds: { limit: 'none' } }, townships: { [A]: { url: receiver.url, secret } } });
});
after(async () => {
    await instance?.close();
    await receiver?.stop();
    cluster?.stop();
});

const chapter = readFileSync(join(ROOT, 'docs', 'operators.md'), 'utf8').split(/^(?=##+ )/m).find((part) => part.startsWith('### Restoring\n'));
const idle = () => until(() => instance.sql("select count(*) from delivery where state in ('queued', 'in_flight')") === '0', 'everything to be delivered');
/** A shell's command, with this cluster in the place of the server's own. */
function shell(command, input) {
    const connect = `${cluster.conninfo} dbname=${instance.database}`;
    const { status, stderr, stdout } = spawnSync('bash', ['-c', command], { input, maxBuffer: 1 << 28, env: { ...process.env, C: connect } });
    assert.equal(status, 0, stderr.toString());
    return stdout;
}

test('a restored county goes on: feeds from the archive, events again, their numbers beyond all that were given', async () => {
    const register = new Register();
    for (let i = 1; i <= 6; i++) register.single(`H${i}`, ID(i), i <= 3 ? '1000.00' : '90000.00');
    instance.import(register);
    await instance.start();
    instance.round('2021-06-30');
    await idle();
    const dump = shell('pg_dump -Fc -d "$C"');
    const before_backup = new Set(receiver.events.map(({ id }) => id));

    // what the backup does not know: an import, a feed, a round
    const poorer = new Register();
    for (let i = 1; i <= 6; i++) poorer.single(`H${i}`, ID(i), i === 1 ? '90000.00' : '1000.00');
    instance.import(poorer);
    dropFeed(instance.drop, 'medical_insurance', 'm06', [{ id_number: ID(2), code: 'illness.serious', value: 'yes', from: '2021-06-01' }], { mode: 'delta' });
    instance.round('2021-06-30');
    await idle();
    const lost = receiver.events.filter(({ id }) => !before_backup.has(id));
    assert.ok(lost.length >= 4, `${lost.length} events that the backup does not know`);
    await instance.stop();

    cluster.sql(`alter database ${instance.database} rename to old`);
    cluster.sql(`create database ${instance.database} template template0`);
    assert.match(chapter, /pg_restore -d shouwang </);
    shell('pg_restore -d "$C"', dump);
    assert.equal(instance.ctl('migrate').stdout.trim(), `nothing to do: the schema is at ${instance.json('migrate').schema}`);
    const sql = /<<'SQL'\n([^]*?)\n *SQL\n/.exec(chapter)[1];
    instance.sql(sql);
    const archive = join(instance.drop, '..', 'archive', 'medical_insurance');
    const files = readdirSync(archive).filter((name) => name.startsWith('m06')).sort(); // the manifest's name is the longer one
    assert.equal(files.length, 2);
    for (const name of files) renameSync(join(archive, name), join(instance.drop, 'medical_insurance', name));

    await instance.start();
    instance.import(poorer);
    assert.ok(instance.round('2021-06-30', '--dry-run').changes.length >= 4);
    instance.round('2021-06-30');
    await idle();
    assert.deepEqual(instance.json('feeds').feeds.map(({ batch }) => batch).filter((name) => name === 'm06'), ['m06']);
    const ids = new Map(); // sequence: the ids that came with it
    for (const { id, sequence } of receiver.events) ids.set(sequence, (ids.get(sequence) ?? new Set()).add(id));
    assert.deepEqual([...ids].filter(([, set]) => set.size > 1).map(([sequence]) => sequence), [], 'numbers that two events have');
    const told = (events) => events.map(({ type, subject, data }) => `${type} ${subject} ${data.level}`).sort();
    const again = receiver.events.slice(before_backup.size + lost.length);
    assert.deepEqual(told(again), told(lost), 'what had been told is told again');
    const newest = Math.max(...lost.map(({ sequence }) => Number(sequence)));
    assert.ok(again.every(({ sequence }) => Number(sequence) > newest));
    cluster.sql('drop database old');
});
