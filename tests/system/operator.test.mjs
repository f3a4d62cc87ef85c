// SPDX-License-Identifier: PostgreSQL
// What an operator does at three in the morning: help, status, reload, restart of PostgreSQL, stop.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { Register, residentId } from './lib/county.mjs';
import { Cluster, Instance, program, ROOT } from './lib/instance.mjs';
import { until } from './lib/wait.mjs';

const POLICY = join(ROOT, 'conf', 'policies', 'shaanxi-county.policy');
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

const VERBS = ['status', 'migrate', 'import', 'feeds', 'feed show', 'round', 'round accept', 'rounds', 'warnings', 'leads', 'explain', 'policy check', 'policy test', 'policy show', 'policy diff', 'policy fmt', 'simulate', 'queue', 'queue shape', 'queue release', 'queue requeue', 'endpoint test', 'reload'];
for (const verb of VERBS) {
    test(`shouwangctl ${verb} --help says how it is used, with an example`, () => {
        const { status, stdout } = instance.ctl(...verb.split(' '), '--help');
        assert.equal(status, 0);
        assert.match(stdout, new RegExp(`shouwangctl.* ${verb}`));
        assert.match(stdout, /--json/);
        assert.match(stdout, /[Ee]xample/);
    });
}

/** What the interface and docs/json.md promise: these members, on one line, and nothing else on stdout. */
const DOCUMENTS = [
    [['status'], ['version', 'waits', 'scan_failed', 'round_failed', 'held', 'late', 'given_up', 'county', 'policy', 'database', 'feeds', 'households', 'persons', 'levels', 'last_round', 'queue']],
    [['feeds'], ['feeds']],
    [['feed', 'show', '1'], ['batch_id', 'feed', 'title', 'batch', 'mode', 'status', 'reason', 'rows_total', 'rows_stored', 'rows_quarantined', 'rows_stranger', 'quarantine']],
    [['round', '--wait', '--as-of', '2021-06-30'], ['round', 'as_of', 'policy', 'households', 'persons', 'levels', 'raised', 'escalated', 'deescalated', 'cleared', 'unchanged', 'income_unknown', 'held', 'stages']],
    [['round', '--dry-run', '--as-of', '2021-06-29'], ['round', 'as_of', 'raised', 'cleared', 'held', 'stages', 'changes']],
    [['rounds'], ['rounds']],
    [['warnings'], ['round', 'as_of', 'households']],
    [['leads'], ['total', 'leads']],
    [['explain', 'H1'], ['household_no', 'township_code', 'basis', 'as_of', 'policy', 'level', 'persons', 'facts', 'definitions', 'clauses']],
    [['queue'], ['queue']],
    [['queue', 'shape'], ['townships']],
    [['queue', 'release', '--township', '610922103'], ['township_code', 'released']],
    [['queue', 'requeue', '--township', '610922'], ['township_code', 'events']], // the county's own receiver
    [['queue', '--township', '610922'], ['queue']],
    [['migrate'], ['schema', 'done']],
    [['reload'], ['policy', 'townships']],
    [['policy', 'check', POLICY], ['ok', 'clauses', 'cost']],
    [['policy', 'test', POLICY], ['ok', 'examples', 'failed', 'failures']],
    [['policy', 'show', POLICY], ['policy', 'version', 'page']],
    [['simulate', POLICY], ['as_of', 'policy', 'other', 'households', 'persons', 'moved', 'checks_raised', 'checks_cleared', 'levels', 'townships', 'moves', 'stages']],
];
for (const [args, members] of DOCUMENTS) {
    test(`shouwangctl ${args.slice(0, 2).join(' ')} --json prints one JSON document`, () => {
        const { status, stdout, stderr } = instance.ctl(...args, '--json');
        assert.equal(status, 0, stderr);
        assert.match(stdout, /^\{.*\}\n$/, 'one line');
        const document = JSON.parse(stdout);
        assert.deepEqual(members.filter((member) => !(member in document)), []);
    });
}

test('warnings has the members of the interface, as JSON and as CSV', () => {
    const document = instance.json('warnings');
    assert.equal(document.as_of, '2021-06-30');
    const [household] = document.households;
    assert.deepEqual(
        { household_no: 'H1', township_code: '610922103', level: 'red', state: 'open', reasons: [{ rule: 'red.apply', level: 'red' }], checks: [], undecided: [], suggestions: [] },
        Object.fromEntries(['household_no', 'township_code', 'level', 'state', 'reasons', 'checks', 'undecided', 'suggestions'].map((name) => [name, household[name]])));
    const { stdout } = instance.ctl('warnings', '--csv', '--level', 'red', '--township', '610922103', '--village', household.village_code, '--state', 'open');
    const [header, row, ...more] = stdout.split(/\r?\n/);
    assert.equal(header, 'household_no,township_code,village_code,level,state,warning_id,raised_on,due_on,reasons,checks,undecided,suggestions,tags');
    assert.equal(row, `H1,610922103,${household.village_code},red,open,${household.warning_id},2021-06-30,2021-07-03,red.apply,,,,`);
    assert.deepEqual(more, ['']);
    for (const filter of [['--level', 'yellow'], ['--township', '610922104'], ['--state', 'closed']])
        assert.deepEqual(instance.json('warnings', ...filter).households, [], filter.join(' '));
});

/** Exit codes are sysexits; on failure nothing is on stdout. */
const FAILURES = [
    [64, 'warnings', '--level', 'purple'],
    [64, 'warnings', '--township', 'abc'],
    [64, 'round', '--as-of', '2021-06-31'],
    [64, 'feed', 'show'],
    [65, 'round', '--as-of', '2021-06-01', '--wait'],
    [66, 'feed', 'show', '99999'],
    [66, 'explain', 'nobody'],
    [66, 'explain', residentId('1980-01-01', 1)], // an error repeats no identity number: close() looks
    [65, 'explain', '--round', '99999', 'H1'],
    [65, 'explain', '--as-of', '2001-01-01', 'H1'],
    [64, 'explain', '--round', '0', 'H1'],
    [64, 'explain', '--round', '1', '--as-of', '2021-06-30', 'H1'],
    [66, 'import', '/nonexistent'],
    [66, 'policy', 'check', '/nonexistent'],
    [78, 'endpoint', 'test', '610922199'],
    [78, 'endpoint', 'test', '610922'], // the county's own receiver has none either
];
for (const [code, ...args] of FAILURES) {
    test(`shouwangctl ${args.join(' ')} ends with ${code}`, () => {
        const { status, stdout, stderr } = instance.ctl(...args, '--json');
        assert.equal(status, code, stderr);
        assert.equal(stdout, '');
        assert.match(stderr, /^shouwangctl: /);
    });
}

test('a register without a column is bad data and names it', () => {
    const folder = new Register().single('H1', residentId('1980-01-01', 1), '1000.00').write(join(instance.directory, 'bad'));
    const person = join(folder, 'person.csv');
    writeFileSync(person, readFileSync(person, 'utf8').replace('id_number', 'idnumber'));
    const { status, stderr } = instance.ctl('import', folder);
    assert.equal(status, 65);
    assert.match(stderr, /person\.csv.*id_number/);
});

test('before the first migration every verb says what to run', () => {
    cluster.sql('create database bare');
    const conf = join(instance.directory, 'bare.conf');
    writeFileSync(conf, readFileSync(instance.conf, 'utf8').replace(instance.conninfo, `${cluster.conninfo} dbname=bare`));
    const register = new Register().single('H1', residentId('1980-01-01', 1), '1000.00').write(join(instance.directory, 'good'));
    for (const args of [['warnings'], ['warnings', '--json'], ['warnings', '--csv'], ['feeds'], ['feed', 'show', '1'], ['rounds'], ['leads'], ['explain', 'H1'], ['queue'], ['queue', 'shape'], ['import', register]]) {
        const { status, stdout, stderr } = instance.ctl('-c', conf, ...args);
        assert.equal(status, 78, `${args}: ${stderr}`);
        assert.match(stderr, /run shouwangctl migrate/, String(args));
        assert.equal(stdout, '');
    }
});

test('an unreachable database is a service that is not there', () => {
    const conf = join(instance.directory, 'nowhere.conf');
    writeFileSync(conf, readFileSync(instance.conf, 'utf8').replace(/^conninfo = .*$/m, 'conninfo = host=/nonexistent dbname=x'));
    for (const args of [['warnings'], ['warnings', '--json'], ['explain', 'H1'], ['migrate']])
        assert.equal(instance.ctl('-c', conf, ...args).status, 69, String(args));
});

test('the configuration may be given by a relative path', () => {
    const folder = basename(instance.directory);
    for (const [cwd, conf] of [[instance.directory, 'shouwang.conf'], [dirname(instance.directory), `${folder}/shouwang.conf`], [join(instance.directory, 'townships.d'), '../shouwang.conf']])
        for (const args of [['status'], ['warnings'], ['explain', 'H1'], ['queue'], ['reload'], ['round', '--wait', '--as-of', '2021-06-30']]) {
            const { status, stderr } = spawnSync(program('shouwangctl'), ['-c', conf, ...args], { cwd, encoding: 'utf8' });
            assert.equal(status, 0, `${conf} ${args}: ${stderr}`);
        }
});

const get = (path) => instance.get(path);

test('the daemon answers for itself over HTTP', async () => {
    assert.equal((await get('/livez')).status, 200);
    assert.equal((await get('/readyz?verbose')).status, 200);
    const metrics = await get('/metrics');
    assert.match(metrics.text, /^# TYPE shouwang_\w+ (counter|gauge|histogram)/m);
    const page = await get('/');
    assert.match(page.headers['content-type'], /text\/html/);
    assert.match(page.text, /守望/);
    assert.equal((await get('/nothing')).status, 404);
});

test('explain says in Chinese why, and how far it is to each line', () => {
    instance.round('2021-06-30');
    const { status, stdout } = instance.ctl('explain', 'H1');
    assert.equal(status, 0);
    for (const word of ['red.apply', '触发', '1000.00', '4830.00', '004 篇五']) assert.ok(stdout.includes(word), `${word} in:\n${stdout}`);
    // Of what did not fire only what nearly did, and how many there are; --all has each of them, and the document always.
    const clauses = instance.json('explain', 'H1').clauses, all = instance.ctl('explain', '--all', 'H1').stdout;
    const told = (text) => clauses.filter(({ rule }) => text.includes(` ${rule} `)).length;
    assert.equal(told(all), clauses.length);
    assert.ok(told(stdout) <= 1 + 3, stdout);
    assert.match(stdout, /\n只差一处而未触发\(最接近的在前\)\n {2}橙色预警 orange\.margin 收入在低保标准与低收入线之间:人均收入 ≥ 低保\(1000\.00 元\/年\/人 对 4830\.00 元\/年\/人,距线 -3830\.00\)\n/);
    assert.match(stdout, /其余条款:\d+ 条未触发,\d+ 条不适用,\d+ 条因数据不足未定;全部条款、推算和事实见 --all\n$/);
    assert.match(all, /: 未触发|:未触发\n/);
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
    await until(async () => (await get('/readyz')).status === 200, 'ready again');
    // It may say so before it has missed the database: the round is then to be tried again.
    let done;
    await until(() => (done = instance.ctl('round', '--as-of', '2021-07-01', '--wait', '--json')).status !== 75, () => done.stderr);
    assert.equal(JSON.parse(done.stdout || '{}').held, false, done.stderr);
});

test('SIGTERM drains and ends with 0', async () => assert.deepEqual(await instance.stop(), { code: 0, signal: null }));

test('without a daemon the verbs that need one say so', () => {
    const { status, stderr } = instance.ctl('round', '--wait');
    assert.equal(status, 69);
    assert.match(stderr, /shouwangd/);
});
