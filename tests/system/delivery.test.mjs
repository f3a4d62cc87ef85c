// SPDX-License-Identifier: PostgreSQL
// Webhooks under bad weather: every answer a receiver can give, each township by itself.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { dropFeed, Register, residentId } from './lib/county.mjs';
import { Webhook } from 'standardwebhooks';
import { Cluster, Instance, newSecret, program, ROOT } from './lib/instance.mjs';
import { CANARY } from './lib/privacy.mjs';
import { Receiver } from './lib/receiver.mjs';
import { inTime, unhurried, until } from './lib/wait.mjs';

const A = '610922103';
const B = '610922104';
const FAST = { delivery: { retry_first: '100ms', retry_max: '400ms' } };
/** For those whose receivers do not answer, and for claims that nobody knows of: they come back after this and 15 s. */
const IMPATIENT = { delivery: { ...FAST.delivery, timeout: '2s' } };
let cluster, instance, a, b, c;

before(() => (cluster = Cluster.start()));
after(() => cluster?.stop());
/** Whatever the weather was, the daemon ends well when it is asked to: built with sanitizers, without a leak. */
async function end() {
    const ended = await instance?.stop();
    const output = instance?.output;
    await instance?.close();
    await a?.stop();
    await b?.stop();
    await c?.stop();
    instance = a = b = c = null;
    if (ended) assert.deepEqual(ended, { code: 0, signal: null }, output);
}
afterEach(end);

/** What became of a township's events: their states, in the order of their numbers. */
const states = (township) => instance.sql(`select string_agg(state, ' ' order by outbox_no) from delivery where township_code = ${township}`);
const settled = () => instance.sql("select count(*) from delivery where state <> 'delivered'") === '0';

/** A metric's value, as the daemon exposes it now. */
async function metric(name) {
    const { text } = await instance.get('/metrics');
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

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
    a.answer = () => (a.ledger.length === 0 ? { status: 503, headers: { 'retry-after': '1' } } : 204);
    instance.round('2021-06-30');
    await a.waitFor(1);
    assert.ok(a.ledger[1].at - a.ledger[0].at >= 950, `came after ${a.ledger[1].at - a.ledger[0].at} ms`);
});

test('Retry-After holds for the whole township, and is remembered by a daemon that was killed', () => unhurried(async (scale) => {
    const WAIT_S = 6 * scale;
    await county({ delivery: { ...FAST.delivery, connections_per_endpoint: 1 } });
    const register = new Register().single('HB', residentId('1980-01-01', 2), '1000.00', { township: B });
    for (let i = 0; i < 3; i++) register.single(`HA${i}`, residentId('1981-01-01', 3 + i), '1000.00', { township: A });
    instance.import(register);
    a.answer = () => (a.ledger.length === 0 ? { status: 429, headers: { 'retry-after': String(WAIT_S) } } : 204);
    instance.round('2021-06-30');
    await until(() => instance.sql(`select count(*) filter (where attempts = 1) || ' ' || count(*) from delivery where township_code = ${A} and state = 'queued'`) === '1 3', 'the answer to be written');
    await instance.stop('SIGKILL');
    await instance.start();
    await b.waitFor(1, 'events of the other township');
    assert.equal((await instance.ctlAside('endpoint', 'test', B)).status, 0);
    inTime(Date.now() - a.ledger[0].at < (WAIT_S - 1) * 1000, 'the daemon was back too late to show anything');
    await a.waitFor(3, 'events after the pause');
    const after = a.ledger.slice(1).map((entry) => entry.at - a.ledger[0].at);
    assert.ok(after.every((ms) => ms >= WAIT_S * 1000 - 50), `came after ${after} ms`);
}, end));

test('410 holds the endpoint; its events stay queued until it is released', async () => {
    await county({ delivery: { ...FAST.delivery, retry_max: '10min' } });
    a.answer = () => 410;
    instance.round('2021-06-30');
    await until(() => instance.sql(`select state from endpoint where township_code = ${A}`) === 'held', 'the endpoint to be held');
    await until(() => states(A) === 'queued', 'its event to be put back'); // by a transaction of its own
    assert.equal(a.ledger.length, 1);
    a.answer = () => 204;
    assert.deepEqual(instance.json('queue', 'release', '--township', B), { township_code: B, released: false }, 'that of another');
    const release = ['queue', 'release', '--township', A];
    assert.deepEqual(instance.json(...release, '--reason', 'moved back'), { township_code: A, released: true });
    assert.match(instance.ctl(...release).stdout, new RegExp(`^the receiver of ${A} was not held; `));
    await a.waitFor(1, 'events after the release');
    assert.equal(instance.sql("select string_agg(action, ' ' order by audit_id) from audit where action like 'endpoint.%'"), 'endpoint.hold endpoint.release', 'each once');
    assert.deepEqual(JSON.parse(instance.sql("select detail from audit where action = 'endpoint.release'")), { township: A, reason: 'moved back' });
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

test('after an outage a refusal is the first one, however often nobody answered', async () => {
    await county();
    a.answer = () => 503;
    instance.round('2021-06-30');
    const attempts = () => Number(instance.sql(`select attempts from delivery where township_code = ${A}`));
    await until(() => attempts() >= 6, 'an outage of six attempts');
    let gateway = 0;
    a.answer = () => (++gateway <= 2 ? 404 : 204); // it is up before the receiver behind it
    await until(() => instance.sql(`select state from delivery where township_code = ${A}`) === 'delivered', 'the event to arrive');
    assert.equal(instance.sql(`select refusals from delivery where township_code = ${A}`), '2');
});

test('a receiver that hangs or drips delays nobody else', async () => {
    await county(IMPATIENT);
    const sockets = new Set();
    const hole = createServer((socket) => sockets.add(socket.on('error', () => {}))).listen(0, '127.0.0.1');
    await new Promise((resolve) => hole.once('listening', resolve));
    await instance.stop();
    instance.township(A, { url: `http://127.0.0.1:${hole.address().port}/`, secret: newSecret() });
    await instance.start();
    instance.round('2021-06-30');
    await b.waitFor(1);
    await until(() => Number(instance.sql(`select attempts from delivery where township_code = ${A}`)) >= 2, 'the hanging attempt to be cut and repeated');
    for (const socket of sockets) socket.destroy();
    hole.close();
});

test('an endless answer is cut: its status counts, and its connection is not used again', async () => {
    await county();
    const sockets = [];
    a.answer = ({ socket }) => sockets.push(socket) && { status: 200, body: 'x'.repeat(1 << 22) };
    instance.round('2021-06-30');
    await until(settled, 'both events to be delivered');
    assert.equal((await instance.ctlAside('endpoint', 'test', A)).status, 0);
    assert.equal(a.ledger.length, 2, 'each came once');
    assert.notEqual(sockets[0], sockets[1]);
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
    await a.waitFor(1);
    assert.equal(new Set(a.ledger.map((entry) => entry.id + entry.body)).size, 1);
});

test('an answer that came while the daemon was frozen counts, however late it is read', async () => {
    const secret = newSecret();
    a = await Receiver.start(secret);
    instance = new Instance(cluster, { detached: true, settings: { delivery: { ...FAST.delivery, timeout: '1s' } }, townships: { [A]: { url: a.url, secret } } });
    instance.import(new Register().single('HA', residentId('1980-01-01', 1), '1000.00', { township: A }));
    await instance.start();
    let answer;
    a.answer = () => new Promise((resolve) => (answer = resolve));
    instance.round('2021-06-30');
    await until(() => answer, 'an attempt in flight');
    const began = a.ledger[0].at;
    instance.daemon.kill('SIGSTOP');
    answer(204);
    await until(() => Date.now() - began > 1100, 'the end of its time');
    instance.daemon.kill('SIGCONT');
    await until(settled, 'the event to be delivered');
    assert.equal(a.ledger.length, 1);
});

test('endpoint test uses the real path', async () => {
    await county();
    assert.equal((await instance.ctlAside('endpoint', 'test', A)).status, 0);
    assert.equal(a.events[0].type, 'cn.shouwang.endpoint.test');
    a.answer = () => 500;
    assert.equal((await instance.ctlAside('endpoint', 'test', A)).status, 1);
    assert.equal(a.ledger.length, 2, 'a test is one attempt');
    a.answer = () => 401;
    assert.match((await instance.ctlAside('endpoint', 'test', A)).stderr, /^shouwangctl: HTTP 401: .* the same secret/);
    const unknown = instance.ctl('endpoint', 'test', '610922199');
    assert.equal(unknown.status, 78, 'an unknown township');
    assert.match(unknown.stderr, /no endpoint is configured for 610922199; expected a file 610922199\.conf/);
});

test('a township that may know names gets them, another does not', async () => {
    await county(FAST, { disclosure: 'named' });
    instance.round('2021-06-30');
    await a.waitFor(1);
    await b.waitFor(1);
    assert.deepEqual(a.events[0].data.persons, [{ name: CANARY.name, id_number: residentId('1980-01-01', 1) }]);
    assert.deepEqual(b.events[0].data.persons, [{ name: '欧***', id_number: '6109**********0022' }]);
    assert.doesNotMatch(b.ledger[0].body, new RegExp(`610922198001010022|${CANARY.name}|address`));
});

test('no township waits for its turn behind others that have nothing to send', async () => {
    const secret = newSecret();
    a = await Receiver.start(secret);
    const codes = Array.from({ length: 20 }, (_, i) => String(610922101 + i));
    const delivery = { ...FAST.delivery, connections: 2, connections_per_endpoint: 2 };
    instance = new Instance(cluster, { settings: { delivery }, townships: Object.fromEntries(codes.map((code) => [code, { url: a.url, secret }])) });
    const register = new Register();
    codes.slice(9).forEach((township, i) => register.single(`H${i}`, residentId('1980-01-01', i + 1), '1000.00', { township }));
    instance.import(register);
    await instance.start();
    instance.round('2021-06-30');
    const events = await a.waitFor(11);
    assert.deepEqual(events.map((event) => event.data.township_code).sort(), codes.slice(9));
});

test('a receiver that is down gets one attempt at a time, and all when it is back', async () => {
    const secret = newSecret();
    a = await Receiver.start(secret);
    instance = new Instance(cluster, { settings: { delivery: { ...FAST.delivery, timeout: '1s', connections_per_endpoint: 4 } }, townships: { [A]: { url: a.url, secret } } });
    const register = new Register();
    for (let i = 1; i <= 8; i++) register.single(`H${i}`, residentId('1980-01-01', i), '1000.00');
    instance.import(register);
    await instance.start();
    let open = 0;
    let most = 0;
    a.answer = (request) => {
        most = Math.max(most, ++open);
        // 'end', not 'close': that it was cut is seen before the next one, also when this process was late
        return new Promise((resolve) => request.socket.once('end', () => resolve(open-- && 500)));
    };
    instance.round('2021-06-30');
    await until(async () => (await metric('shouwang_endpoints_broken')) === 1, 'the breaker to open');
    assert.equal(most, 4);
    await until(() => open <= 1, 'the first attempts to be cut');
    most = 0;
    const before = a.ledger.length;
    await until(() => a.ledger.length >= before + 2, 'two single attempts');
    assert.equal(most, 1);
    a.answer = () => 204;
    await a.waitFor(8);
    await until(settled, 'the results');
    assert.equal(await metric('shouwang_endpoints_broken'), 0);
});

/** Of a township whose retries would take longer than any test waits. */
async function patient(households, connections) {
    const secret = newSecret();
    a = await Receiver.start(secret);
    const delivery = { retry_first: '10min', retry_max: '1h', connections_per_endpoint: connections };
    instance = new Instance(cluster, { settings: { delivery }, townships: { [A]: { url: a.url, secret } } });
    const register = new Register();
    for (let i = 1; i <= households; i++) register.single(`H${i}`, residentId('1980-01-01', i), '1000.00', { township: A });
    instance.import(register);
    await instance.start();
    return secret;
}

test('a township that is back after an outage gets at once what its failures had put off, but not what it had refused', async () => {
    await patient(12, 3);
    a.answer = () => (a.ledger.length === 0 ? 404 : 503);
    instance.round('2021-06-30');
    // After ten failures in a row it is probed alone: the twelfth waits for that, and was never tried.
    const failed = () => instance.sql("select count(*) filter (where last_status = 404) || ' ' || count(*) filter (where last_status >= 500) from delivery where state = 'queued'");
    await until(() => failed() === '1 10', () => `all to have failed: ${failed()}`);
    let open = 0, most = 0;
    a.answer = () => {
        most = Math.max(most, ++open);
        return new Promise((resolve) => setTimeout(() => resolve(open-- && 204), 50));
    };
    assert.equal((await instance.ctlAside('endpoint', 'test', A)).status, 0);
    await a.waitFor(12);
    await instance.waitForLog(/event=delivery.hurried events=10\b/);
    assert.equal(most, 3, 'as many at a time as it may have');
    await until(() => states(A).match(/delivered/g)?.length === 12, 'the results');
    assert.equal(instance.sql("select attempts || ' ' || last_status from delivery where state = 'queued' and next_attempt_at > now() + interval '4 min'"), '1 404');
});

test('a township that cannot be reached is tried by one event for all, after a round at once', async () => {
    const secret = await patient(12, 3);
    const { port } = a;
    await a.stop();
    const attempts = () => Number(instance.sql('select sum(attempts) from delivery'));
    for (const [n, as_of] of ['2021-06-30', '2021-07-01', '2021-07-02'].entries()) {
        instance.round(as_of);
        await until(() => attempts() >= 3 + n && instance.sql("select count(*) from delivery where state = 'in_flight'") === '0', 'attempts');
    }
    assert.equal(attempts(), 5, 'the first three at once, and then one after each round');
    a = await Receiver.start(secret, { port });
    instance.round('2021-07-03');
    await a.waitFor(12);
    assert.equal((await instance.ctlAside('endpoint', 'test', A)).status, 0);
});

test('a certificate of a private CA is trusted by ca_file alone', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'swca.'));
    try {
        const make = (...args) => assert.equal(spawnSync('openssl', args, { cwd: directory }).status, 0, args.join(' '));
        const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
        make('req', '-x509', ...key, '-subj', '/CN=County CA', '-keyout', 'ca.key', '-out', 'ca.pem');
        make('req', '-x509', ...key, '-subj', '/CN=receiver', '-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'basicConstraints=CA:FALSE', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-keyout', 'tls.key', '-out', 'tls.pem');
        const secret = newSecret();
        a = await Receiver.start(secret, { tls: { key: readFileSync(join(directory, 'tls.key')), cert: readFileSync(join(directory, 'tls.pem')) } });
        const trusting = { url: a.url, secret, ca_file: join(directory, 'ca.pem') };
        instance = new Instance(cluster, { settings: FAST, townships: { [A]: { url: a.url, secret }, [B]: trusting } });
        instance.import(new Register().single('HA', residentId('1980-01-01', 1), '1000.00', { township: A }).single('HB', residentId('1980-01-01', 2), '1000.00', { township: B }));
        await instance.start();
        instance.round('2021-06-30');
        await instance.waitForLog(new RegExp(`event=delivery.retry .*township=${A} attempt=2 http=0 outcome=not_trusted .* err="[^"]*certificate`));
        assert.deepEqual((await a.waitFor(1)).map((event) => event.data.household_no), ['HB']);
        instance.township(A, trusting);
        instance.reload();
        assert.deepEqual((await a.waitFor(2)).map((event) => event.data.household_no), ['HB', 'HA']);
        const other = await Receiver.start(secret, { tls: { key: readFileSync(join(directory, 'ca.key')), cert: readFileSync(join(directory, 'ca.pem')) } });
        instance.township(A, { ...trusting, url: other.url });
        instance.reload();
        const result = await instance.ctlAside('endpoint', 'test', A);
        assert.equal(result.status, 1, 'the CA is right, the name is not');
        assert.equal(other.ledger.length, 0);
        await other.stop();
    } finally {
        rmSync(directory, { recursive: true });
    }
});

test('a CA that is replaced in its file is the one that counts from the next connection on', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'swca.'));
    try {
        const certificate = (name) => {
            const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=receiver', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', `${name}.key`, '-out', `${name}.pem`], { cwd: directory });
            assert.equal(made.status, 0);
            return { key: readFileSync(join(directory, `${name}.key`)), cert: readFileSync(join(directory, `${name}.pem`)) };
        };
        const trusted = join(directory, 'trusted.pem'), secret = newSecret(), before = certificate('before'), now = certificate('now');
        writeFileSync(trusted, before.cert);
        a = await Receiver.start(secret, { tls: before });
        const { port } = a;
        instance = new Instance(cluster, { settings: FAST, townships: { [A]: { url: a.url, secret, ca_file: trusted } } });
        await instance.start();
        const tried = async () => (await instance.ctlAside('endpoint', 'test', A)).status;
        assert.equal(await tried(), 0);
        await a.stop();
        a = await Receiver.start(secret, { port, tls: now });
        assert.equal(await tried(), 1, 'a certificate that nobody has told the county of');
        writeFileSync(trusted, now.cert);
        assert.equal(await tried(), 0, 'its owner has sent it, and the operator has put it in the place of the other');
    } finally {
        rmSync(directory, { recursive: true });
    }
});

test('what a township did not take in its term is told to the county once, with no more names than the county may know', async () => {
    await county(FAST, { disclosure: 'named' });
    const secret = newSecret();
    c = await Receiver.start(secret);
    instance.township('610922', { url: c.url, secret });
    instance.reload();
    a.answer = () => 503;
    instance.round('2021-06-30');
    await until(() => a.ledger.length >= 1, 'a first attempt');
    assert.equal(c.ledger.length, 0);
    const probe = '01890a5d-ac96-774b-bcce-b302099a8057'; // that of an endpoint which was held meanwhile
    instance.sql(`insert into outbox (household_id, event_id, township_code, type, event) values (0, '${probe}', ${A}, 'endpoint.test', '{"data":{}}');
        insert into delivery (household_id, event_id, outbox_no, township_code, priority, state, expires_at, next_attempt_at)
            select 0, event_id, outbox_no, township_code, -1, 'queued', now(), now() + interval '1 h' from outbox where event_id = '${probe}'`);
    for (let daemons = 0; daemons < 2; daemons++) {
        await instance.stop();
        instance.sql(`update delivery set expires_at = now() where township_code = ${A}`);
        await instance.start();
        await c.waitFor(1);
        await until(() => states('610922') === 'delivered', "the county's result");
        if (daemons === 0) await instance.waitForLog(/level=error event=delivery.expired .*county=told/);
        if (daemons === 0) assert.doesNotMatch(instance.output, new RegExp(`event=delivery.expired delivery=${probe}`), 'a test is no news');
    }
    assert.equal((await instance.ctlAside('endpoint', 'test', B)).status, 0, 'behind the second look for such events');
    assert.doesNotMatch(instance.output, /event=delivery.expired/);
    assert.equal(states('610922'), 'delivered');
    assert.equal(states(A), 'expired expired');
    assert.equal(c.ledger.length, 1);
    const [told] = c.events;
    assert.equal(told.type, 'cn.shouwang.warning.overdue');
    assert.equal(told.subject, 'households/HA');
    assert.equal(told.sequence, '1'.padStart(20, '0'));
    assert.notEqual(told.id, a.ledger[0].id);
    const { id, type, township_code } = told.data.undelivered;
    assert.deepEqual({ id, type, township_code }, { id: a.ledger[0].id, type: 'warning.raised', township_code: A });
    assert.deepEqual(told.data.persons, [{ name: '欧***', id_number: '6109**********0014' }]);
    assert.equal(told.data.address, undefined);
});

test('during a rotation both secrets sign', async () => {
    await county();
    const next = newSecret();
    const old = readFileSync(join(instance.directory, 'townships.d', `${A}.secret`), 'utf8');
    writeFileSync(join(instance.directory, 'townships.d', 'old.secret'), old, { mode: 0o600 });
    instance.township(A, { url: a.url, secret: next, secret_file_previous: 'old.secret' });
    instance.reload();
    instance.round('2021-06-30');
    await a.waitFor(1); // verified by the old secret
    const [{ body, headers }] = a.ledger;
    new Webhook(next).verify(body, headers);
    assert.match(headers['webhook-signature'], /^v1,[A-Za-z0-9+/]{43}= v1,[A-Za-z0-9+/]{43}=$/);
    instance.township(A, { url: a.url, secret: next });
    instance.reload();
    assert.equal((await instance.ctlAside('endpoint', 'test', A)).status, 1, 'the old secret signs no more');
    assert.match(a.ledger[1].headers['webhook-signature'], /^v1,[A-Za-z0-9+/]{43}=$/);
});

test('a reload takes a township away and brings it back while its events wait', async () => {
    await county();
    a.answer = () => 503;
    instance.round('2021-06-30');
    await until(() => a.ledger.length >= 2, 'two attempts');
    await b.waitFor(1);
    const conf = join(instance.directory, 'townships.d', `${A}.conf`);
    rmSync(conf);
    instance.reload();
    await until(() => states(A) === 'queued', 'the last attempt');
    const { length } = a.ledger;
    instance.sql(`update delivery set next_attempt_at = now() where township_code = ${A}`);
    for (let pumps = 0; pumps < 2; pumps++) assert.equal((await instance.ctlAside('endpoint', 'test', B)).status, 0);
    assert.equal(a.ledger.length, length, 'nothing more is sent to it');
    assert.equal(instance.ctl('endpoint', 'test', A).status, 78);

    const secret = newSecret();
    c = await Receiver.start(secret);
    instance.township(A, { url: c.url, secret });
    instance.reload();
    const [event] = await c.waitFor(1);
    assert.equal(event.id, a.ledger[0].id);
    assert.equal(c.ledger[0].body, a.ledger[0].body);
});

for (const [what, answer] of [['that it is gone', 410], ['to wait for an hour', { status: 429, headers: { 'retry-after': '3600' } }]]) {
    test(`a receiver that says ${what} when a reload has replaced its address says nothing about the new one`, async () => {
        await county();
        const secret = readFileSync(join(instance.directory, 'townships.d', `${A}.secret`), 'utf8').trim();
        let old;
        a.answer = () => new Promise((resolve) => (old = resolve));
        instance.round('2021-06-30');
        await until(() => old, 'an attempt in flight');
        c = await Receiver.start(secret);
        instance.township(A, { url: c.url, secret });
        instance.reload();
        old(answer);
        await until(() => instance.sql(`select coalesce(last_status, 0) from delivery where township_code = ${A}`) !== '0', 'its answer to be written');
        instance.sql(`update delivery set next_attempt_at = now() where township_code = ${A} and state = 'queued'`);
        await c.waitFor(1, 'events at the new address');
        assert.equal(c.events[0].id, a.ledger[0].id);
        assert.equal(instance.sql(`select state from endpoint where township_code = ${A}`), 'active');
    });
}

test('a pause that the receiver asked for ends when a reload brings another address', async () => {
    await county();
    const secret = readFileSync(join(instance.directory, 'townships.d', `${A}.secret`), 'utf8').trim();
    a.answer = () => ({ status: 503, headers: { 'retry-after': '86400' } });
    instance.round('2021-06-30');
    await until(() => instance.sql(`select paused_until is not null from endpoint where township_code = ${A}`) === 't', 'the pause');
    instance.reload(); // to the same address
    assert.equal(instance.sql(`select paused_until is not null from endpoint where township_code = ${A}`), 't');
    c = await Receiver.start(secret);
    instance.township(A, { url: c.url, secret });
    instance.reload();
    await c.waitFor(1, 'events at the new address');
    assert.equal(c.events[0].id, a.ledger[0].id);
    assert.equal(instance.sql(`select paused_until is null from endpoint where township_code = ${A}`), 't');
});

test('a township that is configured after its events were written gets them', async () => {
    await county();
    await instance.stop();
    rmSync(join(instance.directory, 'townships.d', `${A}.conf`));
    await instance.start();
    instance.round('2021-06-30');
    await b.waitFor(1);
    assert.equal(states(A), 'queued');
    instance.township(A, { url: a.url, secret: readFileSync(join(instance.directory, 'townships.d', `${A}.secret`), 'utf8').trim() });
    instance.reload();
    await a.waitFor(1);
});

test('SIGTERM lets what is in flight end, and keeps its result', async () => {
    await county();
    let answer;
    a.answer = () => new Promise((resolve) => (answer = resolve));
    instance.round('2021-06-30');
    await until(() => answer, 'an attempt in flight');
    await b.waitFor(1);
    const end = instance.stop();
    await instance.waitForLog(/event=daemon\.drain/);
    answer(204);
    assert.deepEqual(await end, { code: 0, signal: null });
    assert.equal(states(A), 'delivered');
    a.answer = () => 204;
    await instance.start();
    assert.equal((await instance.ctlAside('endpoint', 'test', A)).status, 0);
    assert.deepEqual(a.events.map((event) => event.type), ['cn.shouwang.warning.raised', 'cn.shouwang.endpoint.test']);
});

test('an endpoint test that waits when the daemon ends is told so', async () => {
    await county();
    instance.sql(`update endpoint set paused_until = now() + interval '1 hour' where township_code = ${A}`);
    const asked = instance.ctlAside('endpoint', 'test', A);
    await instance.waitForLog(/event=endpoint\.test/);
    assert.deepEqual(await instance.stop(), { code: 0, signal: null }, instance.output);
    assert.notEqual((await asked).status, 0);
    assert.equal(a.ledger.length, 0);
});

test('an endpoint test of a held receiver says at once that it is held, and how it is released', async () => {
    await county();
    instance.sql(`update endpoint set state = 'held' where township_code = ${A}`);
    const { status, stderr } = await instance.ctlAside('endpoint', 'test', A);
    assert.equal(status, 1);
    assert.match(stderr, /the receiver is held.*queue release/);
    assert.equal(instance.sql('select count(*) from delivery'), '0');
    instance.ctl('queue', 'release', '--township', A);
    assert.equal((await instance.ctlAside('endpoint', 'test', A)).status, 0);
});

test('nothing is sent outside of the allowed networks', async () => {
    await county({ delivery: { ...FAST.delivery, allow: '10.61.0.0/16 fd00::/8' } });
    instance.round('2021-06-30');
    await instance.waitForLog(new RegExp(`event=delivery.retry .*township=${A} attempt=2 http=0 outcome=not_allowed`));
    assert.equal(a.ledger.length + b.ledger.length, 0);
    instance.settings.delivery.allow = '10.61.0.0/16 127.0.0.1';
    instance.configure();
    instance.reload();
    await a.waitFor(1);
});

test('http:// beyond this machine is refused when the configuration is loaded', async () => {
    instance = new Instance(cluster, {});
    const check = (url) => {
        instance.township(A, { url, secret: newSecret() });
        return spawnSync(program('shouwangd'), ['-c', instance.conf, '--check-config'], { encoding: 'utf8' });
    };
    for (const url of ['http://10.61.0.9/hook', 'HTTP://10.61.0.9/hook', 'http://jiedao.example.gov.cn/', 'http://127.0.0.1.example.gov.cn/', 'http://localhost.example.gov.cn/', 'http://[fd00::1]/']) {
        const refused = check(url);
        assert.equal(refused.status, 78, url);
        assert.match(refused.stdout + refused.stderr, new RegExp(`${A}\\.conf:2: \\[endpoint\\] url: .*https://`), url);
    }
    for (const url of ['https://10.61.0.9/hook', 'http://127.0.0.1:1/', 'http://localhost/', 'http://[::1]:8080/']) assert.equal(check(url).status, 0, url);
    instance.settings.delivery = { plain_http: 'yes' };
    instance.configure();
    assert.equal(check('http://10.61.0.9/hook').status, 0);
});

for (const [how, restart] of [['stopped', () => cluster.pg('stop')], ['killed', () => cluster.pg('kill')]]) {
    test(`the database is ${how} while events are delivered: none is lost, none is told twice under another id`, async () => {
        const secret = newSecret();
        a = await Receiver.start(secret);
        instance = new Instance(cluster, { settings: IMPATIENT, townships: { [A]: { url: a.url, secret }, [B]: { url: a.url, secret } } });
        const register = new Register();
        for (let i = 1; i <= 200; i++) register.single(`H${i}`, residentId('1980-01-01', i), '1000.00', { township: i % 2 ? A : B });
        instance.import(register);
        await instance.start();
        let taken = 0;
        a.answer = () => (++taken % 7 === 3 ? 503 : 204);
        instance.round('2021-06-30');
        await until(() => a.events.length >= 40, 'a part of the events');
        restart();
        const before = a.events.length;
        cluster.pg('start');
        await until(settled, 'all to be delivered');
        assert.ok(before < 200, 'the database was away before the end');

        const households = new Map();
        for (const event of a.events) households.set(event.data.household_no, (households.get(event.data.household_no) ?? new Set()).add(event.id));
        assert.equal(households.size, 200);
        for (const [household, ids] of households) assert.equal(ids.size, 1, household);
        assert.deepEqual([...new Set(a.events.map((event) => event.id))].sort(), instance.sql('select event_id from outbox order by event_id').split('\n'));
        assert.equal(new Set(a.ledger.map((entry) => entry.id + entry.body)).size, 200, 'each event has one body');
        for (const township of [A, B]) {
            const numbers = new Set(a.events.filter((event) => event.data.township_code === township).map((event) => Number(event.sequence)));
            assert.deepEqual([...numbers].sort((x, y) => x - y), Array.from({ length: 100 }, (_, i) => i + 1));
        }
    });
}
