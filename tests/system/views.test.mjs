// SPDX-License-Identifier: PostgreSQL
// A county that already has a register connects it by views: every round reads them first.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { residentId } from './lib/county.mjs';
import { Cluster, Instance } from './lib/instance.mjs';

const ID = residentId('1980-01-01', 1);
let cluster, instance;
before(async () => {
    cluster = Cluster.start();
    instance = new Instance(cluster, { settings: { register: { schema: 'county_register' } } });
    instance.sql(`create schema county_register;
        create table county_register.family (no text, yuan numeric(12, 2));
        insert into county_register.family values ('H1', 4829.99), ('H2', 60000);
        create view county_register.household as select no as household_no, '610922103' as township_code,
            '610922103001' as village_code, 'rural' as area, '' as address from county_register.family;
        create view county_register.person as select no as household_no,
            case no when 'H1' then '${ID}' else '${residentId('1980-01-01', 2)}' end as id_number, '王某' as name from county_register.family;
        create view county_register.fact as
            select no as household_no, null::text as id_number, 'income.declared' as code, null::text as value, date '2019-01-01' as "from", null::numeric as amount
              from county_register.family
            union all
            select no, null, 'income.business', null, date '2021-06-30', yuan from county_register.family;`);
    await instance.start();
});
after(async () => {
    await instance?.close();
    cluster?.stop();
});

const rules = () => instance.json('warnings').households.map((h) => [h.household_no, h.reasons.map((r) => r.rule)]);

test('a round reads the views, amounts as numeric yuan', () => {
    assert.equal(instance.round('2021-06-30').households, 2);
    assert.deepEqual(rules(), [['H1', ['red.apply']]]);
});

test('the next round sees what has changed in the county', () => {
    instance.sql("update county_register.family set yuan = 4830 where no = 'H1'");
    instance.round('2021-07-01');
    assert.deepEqual(rules(), [['H1', ['orange.margin']]]);
});

test('a register that cannot be read fails the round and changes nothing', () => {
    instance.sql('drop view county_register.fact');
    const { status, stderr } = instance.ctl('round', '--as-of', '2021-07-02', '--wait');
    assert.notEqual(status, 0);
    assert.match(stderr, /register/);
    assert.deepEqual(rules(), [['H1', ['orange.margin']]]);
});

test('import --views reads them by hand, and a configuration without views says so', () => {
    instance.sql(`create view county_register.fact as select no as household_no, null::text as id_number, 'income.declared' as code, null::text as value,
        date '2019-01-01' as "from" from county_register.family`);
    assert.equal(instance.json('import', '--views').households.rows, 2);
    delete instance.settings.register;
    instance.configure();
    assert.equal(instance.ctl('import', '--views').status, 78);
    assert.equal(instance.ctl('import').status, 64);
});
