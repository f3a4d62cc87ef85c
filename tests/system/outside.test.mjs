// SPDX-License-Identifier: PostgreSQL
// Shouwang as those see it who rely on it: what others wrote reaches an official's terminal and spreadsheet as text and as
// nothing else; and a township's developer gets along with the chapter written for him.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { dropFeed, Register, residentId } from './lib/county.mjs';
import { Cluster, Instance, newSecret, ROOT } from './lib/instance.mjs';
import { until } from './lib/wait.mjs';

const A = '610922103';
const ID = (n) => residentId('1980-01-01', n);
let cluster;
before(() => (cluster = Cluster.start()));
after(() => cluster?.stop());

test('what others wrote neither moves the cursor, nor makes a line, nor is computed by a spreadsheet', async () => {
    const hostile = '\x1b[2J\x9b31m\u202e\nround 99 as of 2021-01-01';
    const numbers = ['=HYPERLINK("http://x","y")', '+1', '-1', '@SUM(A1)', `H\u202ecba`];
    const register = new Register();
    numbers.forEach((number, i) => register.single(number, ID(i + 1), '100.00', { name: `王${hostile}`, address: `某村${hostile}` }));
    register.fact({ id_number: ID(2), code: 'illness.serious', value: 'C50.9', from: '2021-01-01', ref: `甲${hostile}` });
    for (const number of ['K\x1b[2J', 'K\nH', 'K\x9b31m', 'K\x7f']) register.household(number);
    const instance = new Instance(cluster);
    try {
        assert.equal(instance.import(register).households.quarantined, 4, 'a number with control characters would be in the attributes of events');
        dropFeed(instance.drop, 'medical_insurance', 'hostile', [
            { id_number: ID(99), name: `\x1b李${hostile}`, code: 'illness.serious', value: 'yes', from: '2021-06-01' },
            { id_number: ID(1), code: `x${hostile}`, value: 'yes', from: '2021-06-01' },
        ], { mode: 'delta' });
        await instance.start();
        instance.round('2021-06-30');
        const policy = join(instance.directory, 'other.policy'); // by which all of them are above the line
        writeFileSync(policy, readFileSync(instance.settings.policy.file, 'utf8').replace('4830', '48'));
        const shown = [['warnings'], ['leads'], ['feeds'], ['feed', 'show', '1'], ['feed', 'show', '2'], ['queue'], ['round', '--dry-run', '--as-of', '2023-07-31'], ['explain', '--all', '--named', '+1'], ['simulate', policy]];
        for (const args of shown) {
            const { status, stdout, stderr } = instance.ctl(...args);
            assert.equal(status, 0, stderr);
            // eslint-disable-next-line no-control-regex
            assert.doesNotMatch(stdout, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]|^round 99/m, args.join(' '));
        }
        assert.match(instance.ctl('explain', '--all', '--named', '+1').stdout, /^住址 某村\\u001b\[2J\\u009b31m\\u202e\\u000around 99/m);
        assert.match(instance.ctl('explain', '--all', '+1').stdout, / 文号 甲\\u001b\[2J/);
        for (const args of [['warnings', '--csv'], ['simulate', '--csv', policy]]) {
            const { stdout } = instance.ctl(...args);
            for (const cell of [`"'=HYPERLINK(""http://x"",""y"")"`, `'+1`, `'-1`, `'@SUM(A1)`]) assert.ok(stdout.includes(`\r\n${cell},${A},`), `${args}: ${cell} in\n${stdout}`);
        }
        assert.ok(instance.json('warnings').households.some(({ household_no }) => household_no === '+1'), 'JSON says it as it is');
    } finally {
        await instance.close();
    }
});

// --- a developer who has docs/townships.md alone ----------------------------------------------------------------------

const chapter = readFileSync(join(ROOT, 'docs', 'townships.md'), 'utf8');
const example = (name) => new RegExp(`<!-- example: ${name} -->\n\`\`\`\\w*\n([^]*?)\n\`\`\``).exec(chapter)[1];

/** What the chapter says, and nothing else: no library, no look into our sources. */
class Developer {
    secrets = [];
    seen = new Map(); // webhook-id: event
    households = new Map(); // household_no: the newest event about it
    answers = []; // [status, webhook-id]
    refuse = () => null; // what goes wrong at the developer's own: a status, or null

    static async start() {
        const developer = new Developer();
        const module = join(mkdtempSync(join(tmpdir(), 'swdev.')), 'fits.mjs');
        writeFileSync(module, example('fits.mjs'));
        developer.fits = (await import(pathToFileURL(module))).fits;
        rmSync(dirname(module), { recursive: true });
        developer.server = createServer((request, response) => {
            const chunks = [];
            request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
                const status = developer.take(request, Buffer.concat(chunks));
                developer.answers.push([status, request.headers['webhook-id']]);
                response.writeHead(status).end();
            });
        });
        await new Promise((resolve) => developer.server.listen(0, '127.0.0.1', resolve));
        developer.url = `http://127.0.0.1:${developer.server.address().port}/shouwang`;
        return developer;
    }

    take({ method, headers }, body) {
        if (method !== 'POST' || headers['content-type'] !== 'application/cloudevents+json; charset=utf-8') return 400;
        if (Number(headers['content-length']) !== body.length) return 400;
        if (!this.fits(this, headers, body)) return 401;
        if (this.seen.has(headers['webhook-id'])) return 200;
        const event = JSON.parse(body);
        if (event.id !== headers['webhook-id'] || !/^\d{20}$/.test(event.sequence)) return 400;
        const refused = this.refuse(event);
        if (refused) return refused;
        this.seen.set(event.id, event);
        const newest = this.households.get(event.partitionkey);
        if (!newest || newest.sequence < event.sequence) this.households.set(event.partitionkey, event);
        return this.stored?.(event) ?? 204;
    }

    stop() {
        this.server.closeAllConnections();
        return new Promise((resolve) => this.server.close(resolve));
    }
}

test('the chapter for developers is enough to verify, to know repeats, to keep the order and to change keys', async () => {
    const developer = await Developer.start();
    const old = newSecret();
    developer.secrets = [old];
    const instance = new Instance(cluster, { settings: { delivery: { retry_first: '50ms', retry_max: '100ms' } }, townships: { [A]: { url: developer.url, secret: old } } });
    const income = (yuan) => instance.import(new Register().single('H1', ID(1), yuan).single('H2', ID(2), '100.00'));
    const idle = () => until(() => instance.sql("select count(*) from delivery where state in ('queued', 'in_flight')") === '0', 'everything to be delivered or given up');
    try {
        // the worked example
        const headers = Object.fromEntries(example('headers').split('\n').map((line) => line.split(': ')));
        const body = Buffer.from(example('body'));
        const documented = { secrets: [example('secret')] };
        const at = Number(headers['webhook-timestamp']);
        assert.ok(developer.fits(documented, headers, body, at));
        assert.ok(!developer.fits(documented, headers, body, at + 301), 'too old');
        assert.ok(!developer.fits(documented, headers, Buffer.concat([body, Buffer.from(' ')]), at));
        assert.ok(!developer.fits({ secrets: [old] }, headers, body, at));

        // step 3: it is stored, and the answer is lost
        developer.stored = () => 500;
        income('100.00');
        await instance.start();
        instance.round('2021-06-30');
        await idle();
        developer.stored = null;
        assert.deepEqual([...developer.households.keys()].sort(), ['H1', 'H2']);
        assert.equal(developer.seen.size, 2);
        assert.deepEqual(developer.answers.map(([status]) => status).sort(), [200, 200, 500, 500], 'each came again, and was known');
        assert.deepEqual([...developer.seen.values()].map(({ sequence }) => BigInt(sequence)).sort(), [1n, 2n], 'no gap');

        // a refusal that fails for good; the later event goes on; then the operator sends the earlier one again, by the manual
        developer.refuse = ({ type }) => (type === 'cn.shouwang.warning.deescalated' ? 400 : null);
        income('6000.00');
        instance.round('2021-07-01');
        await idle();
        assert.equal(developer.answers.filter(([status]) => status === 400).length, 5, 'the fifth refusal is the last');
        income('100.00');
        instance.round('2021-07-02');
        await idle();
        assert.equal(developer.households.get('H1').type, 'cn.shouwang.warning.escalated');
        developer.refuse = () => null;
        const again = ['queue', 'requeue', '--township', A];
        assert.deepEqual(instance.json(...again, '--reason', 'mended'), { township_code: A, events: 1 });
        await until(() => developer.seen.size === 4, 'the event that had failed');
        assert.match(instance.ctl(...again).stdout, new RegExp(`^no event of ${A} has failed or expired$`, 'm'));
        const audit = instance.sql("select json_agg(detail) from audit where action = 'queue.requeue'");
        assert.deepEqual(JSON.parse(audit), [{ township: A, events: 1, reason: 'mended' }], 'once');
        await idle();
        assert.equal([...developer.seen.values()].at(-1).type, 'cn.shouwang.warning.deescalated');
        const { households } = instance.json('warnings');
        assert.deepEqual(Object.fromEntries([...developer.households.values()].map(({ data }) => [data.household_no, data.level])), Object.fromEntries(households.map(({ household_no, level }) => [household_no, level])));
        assert.deepEqual([...developer.seen.values()].map(({ sequence }) => Number(sequence)).sort(), [1, 2, 3, 4], 'no gap is left');

        // a new secret: both sign, then only the new one; and a public key instead of any secret
        const test = async () => (await instance.ctlAside('endpoint', 'test', A)).status;
        const next = newSecret();
        writeFileSync(join(instance.directory, 'townships.d', 'old.secret'), old + '\n', { mode: 0o600 });
        instance.township(A, { url: developer.url, secret: next, secret_file_previous: 'old.secret' });
        instance.reload();
        assert.equal(await test(), 0, 'the developer has the old one');
        developer.secrets = [next];
        assert.equal(await test(), 0, 'the developer has the new one');
        const { publicKey, privateKey } = generateKeyPairSync('ed25519');
        writeFileSync(join(instance.directory, 'townships.d', 'ed25519.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
        instance.township(A, { url: developer.url, secret: next, ed25519_key_file: 'ed25519.pem' });
        instance.reload();
        developer.secrets = [];
        assert.equal(await test(), 1, 'it has neither');
        developer.publicKey = publicKey.export({ type: 'spki', format: 'pem' });
        assert.equal(await test(), 0, 'by the public key alone');
    } finally {
        await instance.close();
        await developer.stop();
    }
});
