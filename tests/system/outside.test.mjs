// SPDX-License-Identifier: PostgreSQL
// Shouwang as those see it who rely on it: what others wrote reaches an official's terminal and spreadsheet as text and as
// nothing else.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { dropFeed, Register, residentId } from './lib/county.mjs';
import { Cluster, Instance } from './lib/instance.mjs';

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
