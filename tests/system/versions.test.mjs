// SPDX-License-Identifier: PostgreSQL
// Clauses in versions, standards that end, and what is said of a policy at start and reload: what the daemon makes of it on its dates.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { dropFeed, Register, residentId } from './lib/county.mjs';
import { Cluster, Instance, program } from './lib/instance.mjs';
import { until } from './lib/wait.mjs';

let cluster, instance, file;
before(() => (cluster = Cluster.start()));
after(() => cluster?.stop());
afterEach(async () => {
    await instance?.close();
    instance = null;
});

const OLD_END = '2021-01-15', NEW_BEGIN = '2021-01-16';
const HEAD = `政策 试 版本 1 生效 2019-01-01
文件 甲 "旧文"
文件 乙 "新文"
来源 住建局 housing 时效 35天
标准 旧线 : 元/年/人
  2018-01-01 起 至 ${OLD_END} 5000.00  依据 甲 三
标准 新线 : 元/年/人
  2018-01-01 起 6000.00  依据 乙 三
事实 房屋 : 代码 取 housing.grade
事实 死亡 : 事件 取 event.death
事实 工资 : 元 范围 0..100000.00元 取 income.wage
时段 本年 = 近12月
人群 成员 = 登记人员 中 非 至今 发生 死亡
算 人均 : 元/年/人 = 合计(成员, 本年 工资) ÷ 计数(成员)
算 离旧 : 元/年/人 = 旧线 - 人均
`;
const version = (level, cite, days, reason, more = '', line = '当 最新 房屋 属于 (C, D)') => `${level} unsafe.house 住房不安全
  依据 ${cite}
  生效 ${days}
  ${line}
  事由 住房
  理由 "${reason}"
  ${more}
`;
const first = (level = '黄', more = '', line = undefined) => version(level, '甲 一', `2019-01-01 至 ${OLD_END}`, '旧版{最新 房屋}', more, line);
const second = (level = '黄', more = '', line = undefined) => version(level, '乙 二', NEW_BEGIN, '新版{最新 房屋}', more, line);

let batch = 0;
const writePolicy = (...clauses) => writeFileSync(file, HEAD + clauses.join(''), { mode: 0o644 });
async function county(...clauses) {
    file = join(cluster.directory, `versions-${++batch}.policy`);
    writePolicy(...clauses);
    instance = new Instance(cluster, { policy: file });
    instance.import(new Register().single('H1', residentId('1980-01-01', 1), '5500.00', { on: '2020-12-31' }));
    await instance.start();
}
const grade = (value, day) =>
    dropFeed(instance.drop, 'housing', `v${++batch}`, [{ household_no: 'H1', code: 'housing.grade', value, from: '2020-01-01', to: '' }],
        { period_from: day, period_to: day, sent_at: `${day}T01:00:00+08:00` });
const shown = () => instance.json('warnings').households.find((h) => h.household_no === 'H1');
const events = () => instance.sql("select coalesce(string_agg(type, ' ' order by outbox_no), '') from outbox");
const clause = (told) => told.clauses.filter(({ rule }) => rule === 'unsafe.house');
const lastRound = () => Number(instance.sql('select max(round_id) from round'));

test('a warning passes from one version of its clause to the next: one warning, no event, each round explained by its own version', async () => {
    await county(first(), second());
    grade('D', '2021-01-10');
    assert.equal(instance.round('2021-01-10').raised, 1);
    const id = instance.sql('select warning_id from warning');
    assert.equal(instance.round(OLD_END).unchanged, 1);
    const before = lastRound();
    const told = clause(instance.json('explain', 'H1'));
    assert.deepEqual([told.length, told[0].citation, told[0].text], [1, '旧文 一', '旧版D级']);

    const { raised, escalated, deescalated, cleared, unchanged } = instance.round(NEW_BEGIN);
    assert.deepEqual({ raised, escalated, deescalated, cleared, unchanged }, { raised: 0, escalated: 0, deescalated: 0, cleared: 0, unchanged: 1 });
    assert.equal(instance.round('2021-01-17').unchanged, 1);
    assert.equal(events(), 'warning.raised');
    assert.equal(instance.sql('select string_agg(warning_id::text, \' \') from warning'), id);
    assert.deepEqual(shown().reasons.map(({ rule, level }) => [rule, level]), [['unsafe.house', 'yellow']]);

    const now = instance.json('explain', 'H1');
    assert.deepEqual(clause(now).map(({ citation, text, status }) => [citation, text, status]), [['新文 二', '新版D级', 'fired']]);
    for (const [round, citation] of [[before, '旧文 一'], [before + 1, '新文 二'], [before + 2, '新文 二']]) {
        const past = instance.json('explain', '--round', String(round), 'H1');
        assert.deepEqual([clause(past).map((c) => c.citation), past.recorded.agrees, past.recorded.level], [[citation], true, 'yellow']);
    }
    assert.match(instance.ctl('explain', '--round', String(before), 'H1').stdout, /依据 旧文 一/);
    assert.match(instance.ctl('explain', 'H1').stdout, /依据 新文 二/);
});

test('a version of another level is told once, with its own citation', async () => {
    await county(first('黄'), second('红'));
    grade('D', '2021-01-10');
    instance.round('2021-01-10');
    assert.equal(instance.round(NEW_BEGIN).escalated, 1);
    assert.equal(instance.round('2021-01-17').unchanged, 1);
    assert.equal(events(), 'warning.raised warning.escalated');
    const event = JSON.parse(instance.sql("select event from outbox where type = 'warning.escalated'"));
    assert.deepEqual(event.data.reasons.map(({ rule, level, citation }) => [rule, level, citation]), [['unsafe.house', 'red', '新文 二']]);
    assert.deepEqual([event.data.level, event.data.previous_level], ['red', 'yellow']);
});

for (const [asked, then, counts] of [
    // what waits on the old version's last days, then by the new one's own number: [needed, counted] of each round, 'cleared' in the end
    ['连续3轮', '连续4轮', [[3, 1], [3, 2], [4, 3], 'cleared']],
    ['连续4轮', '连续2轮', [[4, 1], [4, 2], 'cleared']],
    ['连续3轮', '', [[3, 1], [3, 2], 'cleared']],
])
    test(`clearing counts go on from one version to the next: ${asked || 'none'}, then ${then || 'none'}`, async () => {
        const ask = (text) => (text ? `解除 ${text}` : '');
        await county(first('黄', ask(asked)), second('黄', ask(then)));
        grade('D', '2021-01-10');
        instance.round('2021-01-10');
        grade('A', '2021-01-14');
        for (const [i, expected] of counts.entries()) {
            const { cleared } = instance.round(`2021-01-${14 + i}`);
            assert.equal(cleared, expected === 'cleared' ? 1 : 0, `round ${i}`);
            const waiting = shown()?.waiting.map(({ rounds_needed, rounds, since }) => [rounds_needed, rounds, since]);
            assert.deepEqual(waiting, expected === 'cleared' ? undefined : [[...expected, '2021-01-14']], `round ${i}`);
            assert.equal(instance.json('explain', '--round', String(lastRound()), 'H1').recorded.agrees, true, `round ${i}`);
        }
        assert.equal(events(), 'warning.raised warning.cleared');
    });

test('only what is in force needs a value of a standard that has ended', async () => {
    await county(first('黄', '', '当 人均 > 旧线'), second('黄', '', '当 人均 < 新线'));
    assert.equal(instance.round(OLD_END).raised, 1);
    const old = instance.json('explain', '--all', 'H1');
    assert.deepEqual([clause(old)[0].citation, old.definitions.map(({ name }) => name)], ['旧文 一', ['人均', '离旧']]);
    assert.equal(instance.round(NEW_BEGIN).unchanged, 1);
    const now = instance.json('explain', '--all', 'H1');
    assert.deepEqual([clause(now)[0].citation, now.definitions.map(({ name }) => name)], ['新文 二', ['人均']], 'what has no value is not told');
    assert.equal(instance.json('explain', '--round', String(lastRound() - 1), 'H1').recorded.agrees, true);
    assert.equal(events(), 'warning.raised');
});

test('a clause in force that reads a standard without a value: the round is refused, with the clause and the date, and changes nothing', async () => {
    const endless = (more = '') => version('黄', '甲 一', '2019-01-01', '理', more, '当 人均 > 旧线');
    await county(endless());
    assert.equal(instance.round(OLD_END).raised, 1);
    const state = () => instance.sql("select (select count(*) from warning_history), (select count(*) from outbox), (select count(*) from round where state = 'committed')");
    const before = state();
    const refused = instance.ctl('round', '--as-of', NEW_BEGIN, '--wait');
    assert.equal(refused.status, 78, refused.stderr);
    for (const said of [refused.stderr, (await instance.waitForLog(/event=round\.failed .*/))[0]])
        assert.match(said, /versions-\d+\.policy:\d+: unsafe\.house is in force on the evaluation date 2021-01-16 and reads 旧线, which has no value/);
    assert.equal(state(), before);
    assert.equal(shown().level, 'yellow');
    const told = instance.ctl('policy', 'check', file);
    assert.equal(told.status, 0);
    assert.match(told.stdout + told.stderr, /“旧线”截止以后没有数值,而 unsafe\.house 自 2021-01-16 起还要用它/);
    // The date before goes on as it was, and with the value that follows the new date too.
    assert.equal(instance.round(OLD_END).unchanged, 1);
    writeFileSync(file, (HEAD + endless()).replace('5000.00  依据 甲 三', `5000.00  依据 甲 三\n  ${NEW_BEGIN} 起 5100.00  依据 乙 三`));
    instance.reload();
    assert.equal(instance.round(NEW_BEGIN).unchanged, 1);
});

test('sources that nobody can send: policy check -c names them, the daemon tells each once at start and once at reload', async () => {
    await county(first());
    writeFileSync(join(instance.directory, 'feeds.d', 'tax.conf'), '[feed]\ncodes = expense.rent\n');
    const policyEvents = () => [...instance.output.matchAll(/event=policy\.(warning|notice) .*? line=(\d+) column=(\d+) text="(.*?)"\n/g)].map(([, kind, line, column, text]) => [kind, `${line}:${column}`, text]);
    const started = policyEvents();
    const lacking = ['warning', '4:4', /来源“住建局”没有配置:没有 .*feeds\.d\/housing\.conf.*,谁也送不来它的数据/];
    const [gap, unread] = [['warning', '5:4', /“旧线”截止以后没有数值/], ['notice', '', /“tax”.*送来的,这份政策一样也不读/]];
    const same = (found, expected) => {
        assert.deepEqual(found.map(([kind]) => kind), expected.map(([kind]) => kind), JSON.stringify(found));
        for (const [i, [, place, text]] of expected.entries()) {
            if (place) assert.equal(found[i][1], place);
            assert.match(found[i][2], text);
        }
    };
    same(started, [lacking]);

    // The tax office was configured meanwhile: the check tells of it, the daemon when it looks again.
    const told = instance.ctl('policy', 'check', file);
    assert.equal(told.status, 0);
    assert.deepEqual(told.stderr.trim().split('\n').map((line) => /:(\d+:\d+): (警告|提示):/.exec(line)?.slice(1)), [['4:4', '警告'], ['1:1', '提示']], told.stderr);
    assert.match(told.stderr, lacking[2]);
    assert.match(told.stderr, unread[2]);
    assert.ok(told.stdout.includes(`来源与 ${instance.conf} 比对过。`), told.stdout);
    const { warnings, notices, configuration } = instance.json('policy', 'check', file);
    assert.deepEqual([warnings.length, notices.length, configuration], [1, 1, instance.conf]);
    // Without a configuration that can be read nothing is said of sources.
    const alone = spawnSync(program('shouwangctl'), ['policy', 'check', file], { encoding: 'utf8' });
    assert.deepEqual([alone.status, alone.stderr], [0, '']);

    instance.round('2021-01-10');
    instance.round('2021-01-11');
    assert.equal(policyEvents().length, 1, 'rounds repeat nothing');
    instance.reload();
    await until(() => policyEvents().length >= 3, () => instance.output);
    same(policyEvents().slice(1), [lacking, unread]);
    writeFileSync(file, HEAD); // no clause: the reload is refused, the policy in use stays
    assert.notEqual(instance.ctl('reload').status, 0);
    writePolicy(version('黄', '甲 一', '2019-01-01', '理', '', '当 人均 > 旧线'));
    assert.equal(policyEvents().length, 3);
    mkdirSync(join(instance.drop, 'housing'));
    instance.reload();
    await until(() => policyEvents().length >= 5, () => instance.output);
    same(policyEvents().slice(3), [gap, unread]);
    const checked = spawnSync(program('shouwangd'), ['-c', instance.conf, '--check-config'], { encoding: 'utf8' });
    assert.equal(checked.status, 0);
    assert.deepEqual(checked.stdout.trim().split('\n').slice(1).map((line) => /:(\d+:\d+): (warning|notice): /.exec(line)?.slice(1)), [['5:4', 'warning'], ['1:1', 'notice']], checked.stdout);
});
