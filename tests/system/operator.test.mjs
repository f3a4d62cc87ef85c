// SPDX-License-Identifier: PostgreSQL
// What an operator does at three in the morning: help, status, reload, restart of PostgreSQL, stop.
import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Register, residentId } from './lib/county.mjs';
import { Cluster, Instance } from './lib/instance.mjs';
import { until } from './lib/wait.mjs';

let cluster, instance;
before(async () => {
    cluster = Cluster.start();
    instance = new Instance(cluster);
    instance.import(new Register().single('H1', residentId('1980-01-01', 1), '1000.00'));
    await instance.start();
});
after(async () => {
    await instance?.close();
    cluster?.stop();
});

const VERBS = ['status', 'migrate', 'import', 'feeds', 'feed show', 'round', 'round accept', 'rounds', 'warnings', 'leads', 'explain', 'policy check', 'policy test', 'policy show', 'queue', 'endpoint test', 'reload'];
for (const verb of VERBS) {
    test(`shouwangctl ${verb} --help says how it is used, with an example`, () => {
        const { status, stdout } = instance.ctl(...verb.split(' '), '--help');
        assert.equal(status, 0);
        assert.match(stdout, new RegExp(`shouwangctl.* ${verb}`));
        assert.match(stdout, /--json/);
        assert.match(stdout, /[Ee]xample/);
    });
}

for (const args of [['status'], ['feeds'], ['rounds'], ['warnings'], ['leads'], ['queue'], ['migrate'], ['reload']]) {
    test(`shouwangctl ${args.join(' ')} --json prints one JSON document`, () => assert.equal(typeof instance.json(...args), 'object'));
}

const get = async (path) => {
    const response = await fetch(`http://${instance.http}${path}`);
    return { status: response.status, text: await response.text(), type: response.headers.get('content-type') };
};

test('the daemon answers for itself over HTTP', async () => {
    assert.equal((await get('/livez')).status, 200);
    assert.equal((await get('/readyz?verbose')).status, 200);
    const metrics = await get('/metrics');
    assert.match(metrics.text, /^# TYPE shouwang_\w+ (counter|gauge|histogram)/m);
    const page = await get('/');
    assert.match(page.type, /text\/html/);
    assert.match(page.text, /守望/);
    assert.equal((await get('/nothing')).status, 404);
});

test('explain says in Chinese why, and how far it is to each line', () => {
    instance.round('2021-06-30');
    const { status, stdout } = instance.ctl('explain', 'H1');
    assert.equal(status, 0);
    for (const word of ['red.apply', '触发', '未触发', '1000.00', '4830.00', '004 篇五']) assert.ok(stdout.includes(word), `${word} in:\n${stdout}`);
    assert.equal(instance.ctl('explain', 'no-such').status, 66);
});

test('policy check and policy test accept the shipped policy', () => {
    const file = instance.settings.policy.file;
    assert.equal(instance.ctl('policy', 'check', file).status, 0);
    assert.equal(instance.ctl('policy', 'test', file).status, 0);
    assert.match(instance.ctl('policy', 'show', file).stdout, /red\.rigid/);
});

test('policy check names file, line and column of a mistake', () => {
    const file = `${instance.directory}/bad.policy`;
    writeFileSync(file, '政策 试  版本 1  生效 2021-01-01\n标准 低保 : 元/年/人\n');
    const { status, stderr } = instance.ctl('policy', 'check', file);
    assert.equal(status, 1);
    assert.match(stderr, /bad\.policy:\d+:\d+/);
});

test('an unknown verb or option is a usage error', () => {
    assert.equal(instance.ctl('frobnicate').status, 64);
    assert.equal(instance.ctl('status', '--frobnicate').status, 64);
});

test('a reload with a mistake keeps the old settings and says where the mistake is', async () => {
    const pid = instance.daemon.pid;
    appendFileSync(instance.conf, '\n[rounds]\nschedul = monthly\n');
    const { status, stderr } = instance.ctl('reload');
    assert.equal(status, 78, stderr);
    assert.match(stderr, /shouwang\.conf:\d+.*schedul/s);
    assert.equal((await get('/livez')).status, 200);
    assert.equal(instance.daemon.pid, pid);
    instance.configure();
    assert.equal(instance.ctl('reload').status, 0);
});

test('the daemon outlives a restart of PostgreSQL', async () => {
    cluster.pg('stop');
    cluster.pg('start');
    await until(async () => (await get('/readyz')).status === 200, 'ready again', 30000);
    assert.equal(instance.round('2021-07-01').held, false);
});

test('SIGTERM drains and ends with 0', async () => assert.deepEqual(await instance.stop(), { code: 0, signal: null }));

test('without a daemon the verbs that need one say so', () => {
    const { status, stderr } = instance.ctl('round', '--wait');
    assert.equal(status, 69);
    assert.match(stderr, /shouwangd/);
});
