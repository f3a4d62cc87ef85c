// SPDX-License-Identifier: PostgreSQL
// Rounds over time: raising is cheap, clearing needs fresh evidence; limits, dry runs and dates.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { dropFeed, Register, residentId } from './lib/county.mjs';
import { Cluster, Instance } from './lib/instance.mjs';

let cluster, instance;
before(() => (cluster = Cluster.start()));
after(() => cluster?.stop());
afterEach(async () => {
    await instance?.close();
    instance = null;
});

const ID = residentId('1980-01-01', 1);
const level = (household_no) => instance.json('warnings').households.find((h) => h.household_no === household_no)?.level ?? 'none';
const monthly = (month, rows) => ({ period_from: `2021-${month}-01`, period_to: `2021-${month}-28`, sent_at: `2021-${month}-28T12:00:00+08:00` });

async function county(register, settings = {}) {
    instance = new Instance(cluster, { settings });
    instance.import(register);
    await instance.start();
    return instance;
}

const rich = () => new Register().single('H1', ID, '60000.00');

test('a hospital bill raises red; the next fresh batch that takes it back clears it', async () => {
    await county(new Register().single('H1', ID, '8000.00'));
    dropFeed(instance.drop, 'medical_insurance', 'm06', [{ id_number: ID, code: 'expense.medical_self_paid', value: '6000.00', from: '2021-06-01', to: '2021-06-20' }], monthly('06'));
    assert.equal(instance.round('2021-06-30').raised, 1);
    assert.equal(level('H1'), 'red');
    dropFeed(instance.drop, 'medical_insurance', 'm07', [{ id_number: ID, code: 'expense.medical_self_paid', value: '60.00', from: '2021-06-01', to: '2021-06-20' }], monthly('07'));
    assert.equal(instance.round('2021-07-31').cleared, 1);
    assert.equal(level('H1'), 'none');
});

test('a stale feed clears nothing: the reason stands, marked stale, until a fresh batch decides', async () => {
    await county(new Register().single('H1', ID, '60000.00'));
    dropFeed(instance.drop, 'housing', 'h06', [{ household_no: 'H1', code: 'housing.grade', value: 'D', from: '2020-01-01', to: '2021-08-15' }], monthly('06'));
    instance.round('2021-06-30');
    assert.equal(level('H1'), 'yellow');
    assert.equal(instance.round('2021-09-30').cleared, 0);
    assert.equal(level('H1'), 'yellow');
    assert.equal(instance.sql("select stale_since from finding where rule = 'yellow.housing'"), '2021-09-30');
    dropFeed(instance.drop, 'housing', 'h09', [{ household_no: 'H1', code: 'housing.grade', value: 'D', from: '2020-01-01', to: '2021-08-15' }], monthly('09'));
    assert.equal(instance.round('2021-10-01').cleared, 1);
    assert.equal(level('H1'), 'none');
});

test("one agency's folder that cannot be used keeps no other feed waiting, and the round says so", async () => {
    await county(rich());
    mkdirSync(join(instance.directory, 'archive'), { recursive: true });
    writeFileSync(join(instance.directory, 'archive', 'disabled_federation'), 'a file where a folder should be');
    for (const feed of ['disabled_federation', 'medical_insurance'])
        dropFeed(instance.drop, feed, 'b1', [{ id_number: ID, code: 'event.accident', value: '', from: '2021-06-01' }]);
    const report = instance.round('2021-06-30');
    assert.match(report.scan_error, /archive\/disabled_federation\/refused: /);
    assert.deepEqual(instance.json('feeds').feeds.filter(({ feed }) => feed !== 'register').map(({ feed, status }) => [feed, status]), [['medical_insurance', 'accepted']]);
    assert.match(instance.ctl('round', '--as-of', '2021-06-30', '--wait').stdout, /^NOT ALL FEEDS were looked through: .*disabled_federation/m);
    await instance.waitForLog(/event=job\.scan_failed .*disabled_federation/);
    rmSync(join(instance.directory, 'archive', 'disabled_federation'));
    assert.equal(instance.round('2021-06-30').scan_error, null);
    assert.equal(instance.json('feeds').feeds.length, 3);
});

test('freshness ends on the day after the 35th', async () => {
    await county(new Register().single('H1', ID, '60000.00'));
    dropFeed(instance.drop, 'housing', 'h06', [{ household_no: 'H1', code: 'housing.grade', value: 'D', from: '2020-01-01', to: '2021-07-01' }], monthly('06'));
    instance.round('2021-06-30');
    assert.equal(instance.round('2021-08-02', '--dry-run').cleared, 1, '2021-06-28 + 35 days');
    assert.equal(instance.round('2021-08-03', '--dry-run').cleared, 0);
});

/** So many days before or after today, in Shanghai. */
const fromToday = (days) => new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(new Date(Date.now() + days * 86400000));

test('a roster of a whole year speaks of no day after it came: then it is as old as it is', async () => {
    await county(new Register().single('H1', ID, '60000.00', { on: fromToday(-40) }));
    const year = { period_from: fromToday(-200), period_to: fromToday(200), sent_at: `${fromToday(-60)}T00:00:00+08:00` };
    dropFeed(instance.drop, 'housing', 'year', [{ household_no: 'H1', code: 'housing.grade', value: 'D', from: '2020-01-01', to: fromToday(-20) }], year);
    const dry = (days) => instance.round(fromToday(days), '--dry-run').cleared;
    instance.round(fromToday(-30));
    assert.equal(level('H1'), 'yellow');
    assert.deepEqual([dry(0), dry(36)], [1, 0], 'it came today');
    instance.sql("update batch set received_at = received_at - interval '36 days' where source <> 0");
    assert.equal(dry(0), 0, 'nothing has come since');
    assert.equal(instance.json('status').feeds.find((f) => f.feed === 'housing').age_days, 36);
    assert.equal(instance.json('explain', 'H1').facts.find((f) => f.code === 'housing.grade').as_of, fromToday(-36));
    assert.match(instance.ctl('feeds').stdout, /year +accepted +to \d{4}-\d\d-\d\d age 36 days/);
    instance.round(fromToday(0));
    assert.deepEqual(instance.json('warnings').households[0].stale, ['yellow.housing']);
    const told = instance.json('explain', '--round', instance.sql('select max(round_id) from round'), 'H1');
    assert.deepEqual([told.recorded.agrees, told.recorded.findings[0].stale], [true, true]);

    assert.equal(dry(-25), 0, 'it was known by then, though its period had not ended, and says that the house was bad');
});

test('a day that has not come is for a dry run alone', async () => {
    await county(new Register().single('H1', ID, '1000.00', { on: fromToday(0) }));
    const { status, stderr } = instance.ctl('round', '--as-of', fromToday(2), '--wait');
    assert.equal(status, 65);
    assert.match(stderr, /has not come/);
    assert.equal(instance.sql('select count(*) from round'), '0');
    assert.equal(instance.round(fromToday(2), '--dry-run').raised, 1);
    assert.equal(instance.round(fromToday(0)).raised, 1);
});

test('a dry run shows what would change and leaves no trace', async () => {
    await county(new Register().single('H1', ID, '1000.00'));
    const report = instance.round('2021-06-30', '--dry-run');
    assert.equal(report.raised, 1);
    assert.deepEqual(instance.json('warnings').households, []);
    assert.equal(instance.sql('select count(*) from round'), '0');
    assert.equal(instance.sql('select count(*) from outbox'), '0');
});

test('a round that would raise more than the limit is held until it is accepted', async () => {
    const register = new Register();
    for (let i = 1; i <= 5; i++) register.single(`H${i}`, residentId('1980-01-01', i), '1000.00');
    await county(register, { rounds: { limit: '3' } });
    const held = instance.round('2021-06-30');
    assert.equal(held.held, true);
    assert.equal(held.raised, 5);
    assert.deepEqual(instance.json('warnings').households, []);
    const accepted = instance.ctl('round', 'accept', String(held.round), '--reason', 'first round');
    assert.equal(accepted.status, 0, accepted.stderr);
    assert.equal(instance.json('warnings').households.length, 5);
});

test('a held round can be accepted without a reason, once', async () => {
    const register = new Register().single('H1', residentId('1980-01-01', 1), '1000.00');
    await county(register, { rounds: { limit: '0' } });
    const held = instance.round('2021-06-30');
    assert.equal(held.held, true);
    const accepted = instance.json('round', 'accept', String(held.round));
    assert.deepEqual([accepted.as_of, accepted.held, accepted.raised], ['2021-06-30', false, 1]);
    assert.equal(instance.ctl('round', 'accept', String(held.round)).status, 65, 'it is held no longer');
    assert.equal(instance.ctl('round', 'accept', '999999').status, 65, 'there is no such round');
    assert.equal(instance.ctl('round', 'accept', 'one').status, 64);
});

test('a date before the last committed round is refused, but not for a dry run', async () => {
    await county(rich());
    instance.round('2021-06-30');
    const refused = instance.ctl('round', '--as-of', '2021-06-29', '--wait', '--json');
    assert.equal(refused.status, 65, refused.stderr);
    assert.match(refused.stderr, /2021-06-30/);
    instance.round('2021-06-29', '--dry-run');
});

test('a household that leaves assistance and stays poor is found', async () => {
    const register = new Register().single('H1', ID, '5000.00').fact({ household_no: 'H1', code: 'relief.dibao', from: '2019-01-01' });
    await county(register);
    instance.round('2021-06-30');
    assert.equal(level('H1'), 'none');
    register.facts.at(-1).to = '2021-07-15';
    instance.import(register);
    instance.round('2021-07-31');
    const [household] = instance.json('warnings').households;
    assert.deepEqual(household.reasons.map((reason) => reason.rule), ['orange.margin', 'yellow.left']);
});

test('importing the same files again changes nothing', async () => {
    const register = new Register().single('H1', ID, '5000.00').person('H1', '5.1E+17', { name: '李某', kinship: '20' });
    await county(register);
    const rows = () => instance.sql("select (select count(*) from person), (select count(*) from membership), (select md5(string_agg(f::text, '' order by f::text)) from person_fact f), (select count(*) from person_fact_history), (select max(household_id) from household)");
    const before_ = rows();
    instance.import(register);
    assert.equal(rows(), before_);
});

test('a number that cannot be read any more ends no warning: the member stays, unless two could be meant', async () => {
    const ids = [1, 2, 3].map((n) => residentId('1980-01-01', n));
    const register = (...numbers) => {
        const all = new Register().single('H1', ids[0], '8000.00', { name: '王一' });
        all.person('H1', ids[1], { name: '李二' }).person('H1', ids[2], { name: '李二' });
        all.persons.forEach((person, i) => (person.id_number = numbers[i] ?? person.id_number));
        all.facts = all.facts.filter((fact) => fact.household_no !== undefined);
        return all.fact({ household_no: 'H1', code: 'income.wage', value: '24000.00', from: '2021-06-01', to: '2021-06-30' });
    };
    const members = () => instance.sql("select count(*), count(id_packed) from membership left join person_identity using (person_id) where valid_to is null");
    await county(register());
    const bill = (id) => ({ id_number: id, code: 'expense.medical_self_paid', value: '15000.00', from: '2021-06-01', to: '2021-06-20' });
    dropFeed(instance.drop, 'medical_insurance', 'm06', [bill(ids[0])], monthly('06'));
    assert.equal(instance.round('2021-06-30').raised, 1);
    instance.import(register('6.1E+17'));
    assert.equal(members(), '3|3');
    assert.equal(instance.sql("select quarantine.reason || ' ' || kept from quarantine join batch using (batch_id) where source = 0"), 'id.scientific true');
    assert.deepEqual([instance.round('2021-07-01').cleared, level('H1')], [0, 'red']);
    instance.import(register('6.1E+17'));
    instance.import(register('6.1E+17', undefined, '')); // one of two of a name: there is no doubt who is missing
    assert.equal(members(), '3|3');
    instance.import(register('6.1E+17', '', '')); // nor here: but which of the rows is whose is not told, so they are new
    assert.equal(members(), '3|1');
    instance.import(register());
    assert.equal(members(), '3|3');
    assert.equal(instance.sql('select count(*) from person'), '5');
    assert.deepEqual([instance.round('2021-07-02').cleared, level('H1')], [0, 'red']);
});

test('what a snapshot no longer holds is ended, not deleted', async () => {
    const register = rich();
    for (let i = 2; i <= 4; i++) register.single(`H${i}`, residentId('1980-01-01', i), '60000.00');
    await county(register);
    register.households.pop();
    register.persons.pop();
    register.facts.splice(-2);
    instance.import(register);
    assert.equal(instance.round('2021-06-30').households, 3);
    assert.equal(instance.sql("select count(*) from household where household_no = 'H4' and valid_to is not null"), '1');
});

test('people in a feed who are not on the register are leads, and join when the register takes them up', async () => {
    const stranger = residentId('1975-05-05', 9);
    const register = rich();
    await county(register);
    dropFeed(instance.drop, 'medical_insurance', 'm06', [{ id_number: stranger, name: '赵某', code: 'expense.medical_self_paid', value: '90000.00', from: '2021-06-01', to: '2021-06-20' }], monthly('06'));
    instance.round('2021-06-30');
    const leads = instance.json('leads');
    assert.equal(leads.total, 1);
    assert.ok(!JSON.stringify(leads).includes(stranger), 'masked');
    instance.import(register.single('H2', stranger, '9000.00'));
    assert.equal(instance.json('leads').total, 0);
    instance.round('2021-07-01');
    assert.equal(level('H2'), 'red');
});
