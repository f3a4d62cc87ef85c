// SPDX-License-Identifier: PostgreSQL
// Webhooks under bad weather: every answer a receiver can give, each township by itself.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, afterEach, before, test } from 'node:test';
import { dropFeed, Register, residentId } from './lib/county.mjs';
import { Cluster, Instance, newSecret } from './lib/instance.mjs';
import { Receiver } from './lib/receiver.mjs';
import { until } from './lib/wait.mjs';

const A = '610922103';
const B = '610922104';
const FAST = { delivery: { retry_first: '100ms', retry_max: '400ms', timeout: '2s' } };
let cluster, instance, a, b;

before(() => (cluster = Cluster.start()));
after(() => cluster?.stop());
afterEach(async () => {
    await instance?.close();
    await a?.stop();
    await b?.stop();
    instance = a = b = null;
});

/** A county with one poor household in each of two townships. */
async function county(settings = FAST, extra = {}) {
    const secrets = [newSecret(), newSecret()];
    a = await Receiver.start(secrets[0]);
    b = await Receiver.start(secrets[1]);
    instance = new Instance(cluster, { settings, townships: { [A]: { url: a.url, secret: secrets[0], ...extra }, [B]: { url: b.url, secret: secrets[1] } } });
    instance.import(new Register().single('HA', residentId('1980-01-01', 1), '1000.00', { township: A }).single('HB', residentId('1980-01-01', 2), '1000.00', { township: B }));
    await instance.start();
}

for (const status of [500, 503, 429, 408, 425]) {
    test(`an answer ${status} is tried again with the same id and body until it is taken`, async () => {
        await county();
        a.answer = () => (a.ledger.length < 2 ? status : 204);
        instance.round('2021-06-30');
        await a.waitFor(1);
        assert.equal(a.ledger.length, 3);
        assert.equal(new Set(a.ledger.map((entry) => entry.id)).size, 1);
        assert.equal(new Set(a.ledger.map((entry) => entry.body)).size, 1);
        await b.waitFor(1, 'events of the other township');
    });
}

test('Retry-After is obeyed', async () => {
    await county();
    a.answer = () => (a.ledger.length === 0 ? { status: 503, headers: { 'retry-after': '2' } } : 204);
    instance.round('2021-06-30');
    await a.waitFor(1);
    assert.ok(a.ledger[1].at - a.ledger[0].at >= 1900, `came after ${a.ledger[1].at - a.ledger[0].at} ms`);
});

test('410 holds the endpoint; its events stay queued', async () => {
    await county();
    a.answer = () => 410;
    instance.round('2021-06-30');
    await until(() => instance.sql(`select state from endpoint where township_code = ${A}`) === 'held', 'the endpoint to be held');
    assert.equal(a.ledger.length, 1);
    assert.match(instance.sql(`select state from delivery where township_code = ${A}`), /queued|held/);
});

test('a redirect is never followed', async () => {
    await county();
    a.answer = () => ({ status: 302, headers: { location: b.url } });
    instance.round('2021-06-30');
    await b.waitFor(1);
    await until(() => a.ledger.length >= 2, 'a second attempt');
    assert.deepEqual(b.events.map((event) => event.data.household_no), ['HB']);
});

test('other refusals fail for good after five attempts and stay visible', async () => {
    await county();
    a.answer = () => 400;
    instance.round('2021-06-30');
    await until(() => instance.sql(`select state from delivery where township_code = ${A}`) === 'failed', 'failure for good');
    assert.equal(a.ledger.length, 5);
    assert.match(JSON.stringify(instance.json('queue')), /failed/);
});

test('a receiver that hangs or drips delays nobody else', async () => {
    await county();
    const sockets = new Set();
    const hole = createServer((socket) => sockets.add(socket.on('error', () => {}))).listen(0, '127.0.0.1');
    await new Promise((resolve) => hole.once('listening', resolve));
    await instance.stop();
    instance.township(A, { url: `http://127.0.0.1:${hole.address().port}/`, secret: newSecret() });
    await instance.start();
    instance.round('2021-06-30');
    await b.waitFor(1);
    await until(() => Number(instance.sql(`select attempts from delivery where township_code = ${A}`)) >= 2, 'the hanging attempt to be cut and repeated', 20000);
    for (const socket of sockets) socket.destroy();
    hole.close();
});

test('an endless answer is cut', async () => {
    await county();
    a.answer = () => ({ status: 200, body: 'x'.repeat(1 << 22) });
    instance.round('2021-06-30');
    await b.waitFor(1);
    await until(() => Number(instance.sql(`select attempts from delivery where township_code = ${A}`)) >= 1, 'an attempt');
});

test("one household's events arrive in order, also when the first one is late", async () => {
    await county();
    a.answer = () => 503;
    instance.round('2021-06-30');
    await until(() => a.ledger.length >= 1, 'a first attempt');
    dropFeed(instance.drop, 'emergency', 'e07', [{ household_no: 'HA', code: 'event.disaster', from: '2021-07-02' }], { period_to: '2021-07-03' });
    instance.round('2021-07-03');
    a.answer = () => 204;
    const events = await a.waitFor(2);
    assert.deepEqual(events.map((event) => event.type), ['cn.shouwang.warning.raised', 'cn.shouwang.warning.changed']);
    assert.deepEqual(events.map((event) => event.sequence), [1, 2].map((n) => String(n).padStart(20, '0')));
});

test('what was in flight when the daemon was killed arrives after its restart, under the same id', async () => {
    await county();
    a.answer = () => 503;
    instance.round('2021-06-30');
    await until(() => a.ledger.length >= 1, 'a first attempt');
    await instance.stop('SIGKILL');
    a.answer = () => 204;
    await instance.start();
    await a.waitFor(1, 'events', 60000);
    assert.equal(new Set(a.ledger.map((entry) => entry.id + entry.body)).size, 1);
});

test('endpoint test uses the real path', async () => {
    await county();
    assert.equal((await instance.ctlAside('endpoint', 'test', A)).status, 0);
    assert.equal(a.events[0].type, 'cn.shouwang.endpoint.test');
    a.answer = () => 500;
    assert.equal((await instance.ctlAside('endpoint', 'test', A)).status, 1);
    assert.equal(a.ledger.length, 2, 'a test is one attempt');
    assert.equal(instance.ctl('endpoint', 'test', '610922199').status, 78, 'an unknown township');
});

test('a township that may know names gets them, another does not', async () => {
    await county(FAST, { disclosure: 'named' });
    instance.round('2021-06-30');
    await a.waitFor(1);
    await b.waitFor(1);
    assert.deepEqual(a.events[0].data.persons, [{ name: '王某某', id_number: residentId('1980-01-01', 1) }]);
    assert.deepEqual(b.events[0].data.persons, [{ name: '王**', id_number: '6109**********0022' }]);
    assert.doesNotMatch(b.ledger[0].body, /610922198001010022|王某某|address/);
});
