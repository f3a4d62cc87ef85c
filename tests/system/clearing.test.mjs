// SPDX-License-Identifier: PostgreSQL
// 解除: what a clause asks for before its findings end. A household that hovers around a line is warned of once.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
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

let batch = 0;
const ID = residentId('1980-01-01', 1);
const policy = (clear, fact = '', clauses = '') => `政策 试 版本 1 生效 2019-01-01
文件 甲 "试"
来源 住建局 housing 时效 35天
事实 房屋 : 代码 取 housing.grade
事实 死亡 : 事件 取 event.death
${fact}人群 成员 = 登记人员 中 非 至今 发生 死亡
黄 yellow.housing 住房不安全
  依据 甲 一
  当 最新 房屋 属于 (C, D)
  事由 住房
  理由 "住房{最新 房屋}"
  ${clear}
${clauses}`;

let file;
async function county(...parts) {
    file = join(cluster.directory, `clearing-${++batch}.policy`);
    writeFileSync(file, policy(...parts), { mode: 0o644 });
    instance = new Instance(cluster, { policy: file });
    instance.import(new Register().single('H1', ID, '60000.00'));
    await instance.start();
}

const grade = (value, day) =>
    dropFeed(instance.drop, 'housing', `b${++batch}`, [{ household_no: 'H1', code: 'housing.grade', value, from: '2020-01-01', to: '' }],
        { period_from: day, period_to: day, sent_at: `${day}T01:00:00+08:00` });
const shown = () => instance.json('warnings').households.find((h) => h.household_no === 'H1');
const day = (n) => new Date(Date.UTC(2021, 0, 10 + n)).toISOString().slice(0, 10);

test('a household that hovers around the line over 24 rounds is warned of once', async () => {
    await county('解除 连续3轮');
    const seen = { raised: 0, cleared: 0 };
    for (let n = 0; n < 24; n++) {
        grade(n % 3 === 0 ? 'D' : 'B', day(n)); // never three good rounds in a row
        const { raised, cleared } = instance.round(day(n));
        seen.raised += raised;
        seen.cleared += cleared;
    }
    assert.deepEqual(seen, { raised: 1, cleared: 0 });
    assert.equal(instance.sql("select string_agg(type, ' ' order by outbox_no) from outbox"), 'warning.raised');
    assert.deepEqual(shown().waiting, [{ rule: 'yellow.housing', since: day(22), rounds: 2, rounds_needed: 3, batches: 0, batches_needed: 0 }]);
    assert.deepEqual(shown().stale, []);
    // It is told with its counts, today and of every round, and what was recorded is what comes out.
    const last = instance.sql('select max(round_id) from round');
    const told = instance.json('explain', '--round', last, 'H1');
    assert.deepEqual([told.level, told.recorded.level, told.recorded.agrees], ['none', 'yellow', true]);
    const waiting = [{ rule: 'yellow.housing', since: day(22), rounds: 2, rounds_needed: 3, batches: 0, batches_needed: 0, batches_of: null }];
    assert.deepEqual([told.waiting, instance.json('explain', 'H1').waiting], [waiting, waiting]);
    const earlier = instance.json('explain', '--round', String(last - 1), 'H1');
    assert.deepEqual([earlier.waiting[0].rounds, earlier.recorded.agrees], [1, true]);
    assert.deepEqual(instance.json('explain', '--round', String(last - 2), 'H1').waiting, [], 'it held again');
    for (const args of [['explain', '--round', last, 'H1'], ['explain', 'H1']])
        assert.match(instance.ctl(...args).stdout, /黄色预警 yellow\.housing 住房不安全:自 2021-02-01 起新数据判定不成立,条件未满,仍保留;要连续 3 轮,已有 2 轮\n/);
    // The same date once more counts nothing; the third good date ends it.
    assert.equal(instance.round(day(23)).cleared, 0);
    assert.equal(instance.round(day(24)).cleared, 1);
    assert.equal(shown(), undefined);
});

test('so many batches of the source must have come since it last held', async () => {
    await county('解除 住建局 连续2批');
    grade('D', day(0));
    assert.equal(instance.round(day(0)).raised, 1);
    grade('B', day(1));
    assert.equal(instance.round(day(1)).cleared, 0);
    assert.deepEqual(shown().waiting, [{ rule: 'yellow.housing', since: day(1), rounds: 1, rounds_needed: 0, batches: 1, batches_needed: 2 }]);
    assert.match(instance.ctl('explain', 'H1').stdout, /要住建局连续 2 批,已有 1 批\n/);
    assert.equal(instance.round(day(2)).cleared, 0, 'a round without a batch');
    grade('B', day(3));
    assert.equal(instance.round(day(3)).cleared, 1);
});

test('an event about something else says which of its reasons wait', async () => {
    const more = `黄 yellow.water 饮水不安全
  依据 甲 二
  当 最新 饮水 = 否
  事由 饮水
  理由 "饮水"
`;
    await county('解除 连续3轮', '事实 饮水 : 是否 取 water.safe\n', more);
    grade('D', day(0));
    assert.equal(instance.round(day(0)).raised, 1);
    dropFeed(instance.drop, 'housing', `b${++batch}`, [
        { household_no: 'H1', code: 'housing.grade', value: 'B', from: '2020-01-01', to: '' },
        { household_no: 'H1', code: 'water.safe', value: 'no', from: '2020-01-01', to: '' },
    ], { period_from: day(1), period_to: day(1), sent_at: `${day(1)}T01:00:00+08:00` });
    instance.round(day(1));
    const event = JSON.parse(instance.sql("select event from outbox where type = 'warning.changed'"));
    const waiting = { since: day(1), rounds: 1, rounds_needed: 3, batches: 0, batches_needed: 0 };
    assert.deepEqual(event.data.reasons.map(({ rule, waiting }) => [rule, waiting]), [['yellow.housing', waiting], ['yellow.water', undefined]]);
    const findings = JSON.parse(instance.sql('select findings from warning_history order by round_id desc limit 1'));
    assert.deepEqual(findings.map(({ rule, waiting }) => [rule, waiting]), [['yellow.housing', waiting], ['yellow.water', undefined]]);
});

test('what waited waits no more by a policy that asks for nothing', async () => {
    await county('解除 连续3轮');
    grade('D', day(0));
    instance.round(day(0));
    grade('B', day(1));
    instance.round(day(1));
    assert.equal(shown().waiting.length, 1);
    writeFileSync(file, policy(''));
    instance.reload();
    grade('D', day(2)); // it holds again
    instance.round(day(2));
    assert.deepEqual([shown().level, shown().waiting], ['yellow', []]);
    assert.deepEqual(instance.json('explain', 'H1').waiting, []);
    grade('B', day(3));
    assert.equal(instance.round(day(3)).cleared, 1);
    assert.equal(instance.json('explain', '--round', instance.sql('select max(round_id) - 1 from round'), 'H1').recorded.agrees, true);
});
