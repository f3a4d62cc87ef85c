// SPDX-License-Identifier: PostgreSQL
// 波动: a batch of quite another size than the source's own history may raise warnings, but clears none where it swings.
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

const policy = `政策 试 版本 1 生效 2019-01-01
文件 甲 "试"
来源 住建局 housing  时效 35天  波动 ≤ 6 倍中位差 按乡镇
事实 房屋 : 代码 取 housing.grade
事实 死亡 : 事件 取 event.death
人群 成员 = 登记人员 中 非 至今 发生 死亡
黄 yellow.housing 住房不安全
  依据 甲 一
  当 最新 房屋 属于 (C, D)
  事由 住房
  理由 "住房{最新 房屋}"
`;
const A = '610922103', B = '610922104', HOUSEHOLDS = 60;
const day = (n) => new Date(Date.UTC(2021, 0, 10 + n)).toISOString().slice(0, 10);
const name = (township, n) => `${township === A ? 'A' : 'B'}${n}`;

let files = 0;
async function county(text = policy) {
    const file = join(cluster.directory, `swings-${++files}.policy`);
    writeFileSync(file, text, { mode: 0o644 });
    instance = new Instance(cluster, { policy: file });
    const register = new Register();
    for (const township of [A, B])
        for (let n = 1; n <= HOUSEHOLDS; n++)
            register.single(name(township, n), residentId(township === A ? '1980-01-01' : '1981-01-01', n), '60000.00', { township });
    instance.import(register);
    await instance.start();
    return file;
}

let batches = 0;
/** Grades of so many households of each township; the first of each has `grade`, the others are well housed. */
function send(n, ofA, ofB, grade, mode = 'full') {
    const row = (household_no, value) => ({ household_no, code: 'housing.grade', value, from: '2020-01-01', to: '' });
    const rows = [[A, ofA], [B, ofB]].flatMap(([township, count]) => Array.from({ length: count }, (_, i) => row(name(township, i + 1), i === 0 ? grade : 'A')));
    const batch = `b${++batches}`;
    dropFeed(instance.drop, 'housing', batch, rows, { mode, period_from: day(n), period_to: day(n), sent_at: `${day(n)}T01:00:00+08:00` });
    return batch;
}
const standing = () => instance.json('warnings').households.map((h) => h.household_no);
const feed = () => {
    const { batch, swings } = instance.json('feeds').feeds.find((f) => f.feed === 'housing' && f.status === 'accepted');
    return [batch, swings];
};
/** What status, metrics, readiness and the page say of the feed: townships, in sum, the gauge, and whether the texts speak of it. */
async function windows() {
    const { swings } = instance.json('status').feeds.find((f) => f.feed === 'housing');
    const [metrics, ready, page] = (await Promise.all(['/metrics', '/readyz?verbose', '/'].map((path) => instance.get(path)))).map(({ text }) => text);
    const texts = [[instance.ctl('status').stdout, /SWINGS/], [ready, /feed housing: unusually/], [page, /数目异常/]].map(([text, pattern]) => pattern.test(text));
    assert.equal(new Set(texts).size, 1, `all or none: ${texts}`);
    return [swings.townships, swings.in_sum, Number(/^shouwang_feed_swings\{feed="housing"\} (\d+)$/m.exec(metrics)[1]), texts[0]];
}
/** What is told of a swing that nobody has spoken for. */
const swinging = (swing) => ({ ...swing, withholds: true, trusted: null });
const lastRound = () => instance.sql("select max(round_id) from round where state = 'committed'");
/** How often it was logged that a batch swings, up to the end of the last round. */
async function logged() {
    await instance.waitForLog(new RegExp(`event=round.committed round=${lastRound()} `));
    return (instance.output.match(/event=feed\.swings .*/g) ?? []).length;
}

/** Four batches of the usual size and a round: both first households are warned of. */
async function usual() {
    await county();
    for (let n = 0; n < 4; n++) send(n, HOUSEHOLDS, HOUSEHOLDS, 'D');
    instance.round(day(3));
    assert.deepEqual(standing(), ['A1', 'B1']);
    assert.deepEqual(await windows(), [0, false, 0, false]);
}

test('a township of which a third is told keeps its warnings, another clears; the next usual batch clears; and in sum', async () => {
    await usual();
    const batch = send(4, 20, HOUSEHOLDS, 'B');
    assert.equal(instance.round(day(4), '--dry-run').cleared, 1);
    assert.equal(instance.round(day(4)).cleared, 1);
    assert.deepEqual(standing(), ['A1']);
    assert.deepEqual(instance.json('warnings').households[0].stale, ['yellow.housing']);
    const swing = swinging({ batch, township_code: A, rows: 20, low: 24, high: 96 });
    assert.deepEqual(feed(), [batch, [swing]]);
    assert.match(instance.ctl('feeds').stdout, new RegExp(`SWINGS: ${batch}, township ${A}: 20 rows, usually 24 to 96; it ends no warning there\n`));
    assert.equal(await logged(), 1, 'not by the dry run');
    assert.deepEqual(await windows(), [1, false, 1, true]);
    assert.match(instance.ctl('status').stdout, /^SWINGS: housing in 1 townships: it clears nothing there; /m);

    // Why it is kept: of the round, and of what is known now.
    const told = instance.json('explain', '--round', lastRound(), 'A1');
    assert.deepEqual([told.level, told.recorded.level, told.recorded.agrees], ['none', 'yellow', true]);
    assert.deepEqual(told.recorded.findings.map(({ rule, stale, swings }) => [rule, stale, swings]), [['yellow.housing', true, true]]);
    assert.deepEqual(told.swings, [{ feed: 'housing', title: '住建局', ...swing }]);
    assert.deepEqual(instance.json('explain', 'A1').swings, told.swings);
    assert.deepEqual(instance.json('explain', 'B1').swings, []);
    assert.match(instance.ctl('explain', '--round', lastRound(), 'A1').stdout, /yellow\.housing 住房不安全:触发,该轮未再查实,因来源数目异常而保留/);
    assert.match(instance.ctl('explain', 'A1').stdout, /来源数目异常.*\n  住建局 b\d+:本乡镇 20 笔,按往常应在 24 至 96 笔之间/);

    // The same again is no news; the usual number ends it.
    assert.equal(instance.round(day(5)).cleared, 0);
    assert.equal(await logged(), 1);
    send(6, HOUSEHOLDS, HOUSEHOLDS, 'B');
    assert.equal(instance.round(day(6)).cleared, 1);
    assert.deepEqual(standing(), []);
    assert.equal(instance.json('explain', '--round', lastRound(), 'A1').recorded.agrees, true);
    assert.deepEqual(feed()[1], []);
    assert.deepEqual(await windows(), [0, false, 0, false]);
    assert.deepEqual(instance.json('explain', '--round', String(lastRound() - 1), 'A1').recorded.findings.map((f) => f.swings), [true], 'what was then stays told');

    // Within each township but not in sum: nobody is cleared.
    send(7, HOUSEHOLDS, HOUSEHOLDS, 'D');
    assert.equal(instance.round(day(7)).raised, 2);
    const small = send(8, 35, 35, 'B');
    assert.equal(instance.round(day(8)).cleared, 0);
    assert.deepEqual(feed(), [small, [swinging({ batch: small, township_code: null, rows: 70, low: 72, high: 168 })]]);
    assert.deepEqual(await windows(), [0, true, 1, true]);
    assert.match(instance.ctl('feeds').stdout, new RegExp(`SWINGS: ${small}, all townships: 70 rows, usually 72 to 168; it ends no warning\n`));
    assert.match(instance.ctl('explain', 'B1').stdout, /住建局 b\d+:全县共 70 笔,按往常应在 72 至 168 笔之间/);
});

test('it may raise; a delta does not make a full batch whole; deltas are compared with deltas', async () => {
    await usual();
    const full = send(4, 20, HOUSEHOLDS, 'B');
    instance.round(day(4));
    const delta = send(5, 2, 40, 'B', 'delta');
    assert.equal(instance.round(day(5)).cleared, 0, 'the full batch is still what the source says of A');
    assert.deepEqual(feed(), [delta, [swinging({ batch: full, township_code: A, rows: 20, low: 24, high: 96 })]]);
    assert.equal(await logged(), 1);
    for (let n = 6; n < 9; n++) send(n, 2, 40 + n, n === 8 ? 'D' : 'B', 'delta');
    assert.equal(instance.round(day(8)).raised, 1, 'B1, by a delta');
    send(9, HOUSEHOLDS, HOUSEHOLDS, 'D');
    instance.round(day(9));
    assert.deepEqual(standing(), ['A1', 'B1']);
    const large = send(10, 20, 40, 'B', 'delta'); // ten times as many of A as ever
    assert.equal(instance.round(day(10)).cleared, 1);
    assert.deepEqual(standing(), ['A1']);
    assert.deepEqual(feed()[1], [swinging({ batch: large, township_code: A, rows: 20, low: 0, high: 8 })]);

    // A round that is held says why, too.
    instance.settings.rounds.limit = '0';
    instance.configure();
    instance.reload();
    const held = send(11, 30, 41, 'D', 'delta');
    assert.equal(instance.round(day(11)).held, true);
    assert.deepEqual(feed()[1].map(({ batch, rows }) => [batch, rows]), [[held, 30]]);
    assert.deepEqual(await windows(), [1, false, 1, true]);
    await instance.waitForLog(new RegExp(`event=feed.swings feed=housing batch=${held} batch_id=\\d+ townships=1 in_sum=no`));
});

test('three predecessors are too few, and who is nowhere is counted apart', async () => {
    await county();
    const wage = (birth, n) => ({ id_number: residentId(birth, n), code: 'income.wage', value: '10.00', from: '2020-01-01', to: '2020-01-31' });
    const house = (household_no, value) => ({ household_no, code: 'housing.grade', value, from: '2020-01-01', to: '' });
    const drop = (n, batch, rows) => dropFeed(instance.drop, 'housing', batch, rows, { period_from: day(n), period_to: day(n), sent_at: `${day(n)}T01:00:00+08:00` });
    const counted = (batch) => instance.sql(`select string_agg(township_code || ':' || rows, ' ' order by township_code) from batch_township join batch using (batch_id) where batch = '${batch}'`);
    const some = Array.from({ length: 30 }, (_, i) => [wage('1980-01-01', i + 1), house(name(B, i + 1), 'D')]).flat();
    drop(0, 'many', [...some, house('B1', 'D'), wage('1981-01-01', 3), wage('1990-01-01', 1), house('A1', 'D')]);
    for (let n = 1; n < 3; n++) send(n, HOUSEHOLDS, HOUSEHOLDS, 'D');
    instance.round(day(2));
    drop(3, 'few', [house('B1', 'B'), house('A1', 'B'), wage('1980-01-01', 2), wage('1990-01-01', 2)]);
    assert.equal(instance.round(day(3)).cleared, 2);
    assert.equal(counted('many'), `0:1 ${A}:31 ${B}:31`); // what is said twice counts once
    assert.equal(counted('few'), `0:1 ${A}:2 ${B}:1`);
    assert.deepEqual(feed(), ['few', []]);
});

test("an operator's word lets one batch clear where it swings, and no other", async () => {
    await usual();
    const batch = send(4, 20, HOUSEHOLDS, 'B');
    instance.round(day(4));
    assert.deepEqual(standing(), ['A1']);
    const kept = lastRound();

    // Said of nothing that there is, or without a reason, it changes nothing.
    dropFeed(instance.drop, 'housing', 'bad', [{ household_no: 'A1', code: 'housing.grade', value: 'A', from: '2020-01-01' }], { rows: 7 });
    instance.round(day(4), '--dry-run');
    const refused = (exit, pattern, ...args) => {
        const { status, stdout, stderr } = instance.ctl('feed', 'trust', ...args);
        assert.deepEqual([status, stdout], [exit, '']);
        assert.match(stderr, pattern);
    };
    refused(66, /there is no feed "housin"; shouwangctl feeds lists them/, 'housin', batch, '--reason', 'x');
    refused(66, /feed housing has no batch "b0"; shouwangctl feeds lists the newest/, 'housing', 'b0', '--reason', 'x');
    refused(66, /feed water has no batch/, 'water', batch, '--reason', 'x');
    refused(65, /batch bad of housing was refused/, 'housing', 'bad', '--reason', 'x');
    refused(64, /--reason is missing/, 'housing', batch);
    refused(64, /--reason is empty/, 'housing', batch, '--reason', ' ');
    refused(64, /control character/, 'housing', batch, '--reason', 'two\nlines');
    refused(64, /longer than 1000 bytes/, 'housing', batch, '--reason', 'x'.repeat(1001));
    assert.equal(instance.sql('select count(*) from batch_trust'), '0');

    // The first word stands; it is in the audit once, and the next round heeds it.
    const word = instance.json('feed', 'trust', 'housing', batch, '--reason', '两镇合并');
    assert.deepEqual([word.feed, word.batch, word.given, word.trusted.reason], ['housing', batch, true, '两镇合并']);
    const again = instance.json('feed', 'trust', 'housing', String(word.batch_id), '--reason', 'something else');
    assert.deepEqual([again.given, again.trusted], [false, word.trusted]);
    assert.match(instance.ctl('feed', 'trust', 'housing', batch, '--reason', 'x').stdout, /was trusted before, by \S+ at \S+: 两镇合并\n/);
    const audit = instance.sql("select actor || ' ' || (detail - 'batch_id')::text from audit where action = 'feed.trust'");
    assert.equal(audit, `${word.trusted.by} {"feed": "housing", "batch": "${batch}", "reason": "两镇合并"}`);
    const may = (role, what) => instance.sql(`select has_table_privilege('shouwang_${role}', 'batch_trust', '${what}')`);
    assert.deepEqual(['insert', 'update', 'delete'].map((what) => may('daemon', what)), ['t', 'f', 'f']);
    const told = { batch, township_code: A, rows: 20, low: 24, high: 96, trusted: word.trusted };
    assert.deepEqual(feed(), [batch, [{ ...told, withholds: true }]]);
    assert.match(instance.ctl('feeds').stdout, /it ends no warning there; trusted by \S+: 两镇合并; the next round heeds that\n/);
    assert.match(instance.ctl('explain', 'A1').stdout, /96 笔之间;\S+ 确认属实\(两镇合并\),再比对时照常解除\n/);
    assert.equal((await windows())[0], 1);
    assert.equal(instance.round(day(5), '--dry-run').cleared, 1);
    assert.equal(instance.round(day(5)).cleared, 1);
    assert.deepEqual(standing(), []);
    await instance.waitForLog(new RegExp(`event=feed.trusted feed=housing batch=${batch} batch_id=${word.batch_id} townships=1 in_sum=no`));
    assert.deepEqual(feed(), [batch, [{ ...told, withholds: false }]]);
    assert.match(instance.ctl('feeds').stdout, /usually 24 to 96; trusted by \S+: 两镇合并\n/);
    assert.deepEqual(await windows(), [0, false, 0, false]);

    // What each round decided stays told as it was.
    const past = (round) => instance.json('explain', '--round', round, 'A1');
    assert.deepEqual([past(kept).recorded.agrees, past(kept).recorded.level, past(kept).recorded.findings[0].swings, past(kept).swings[0].withholds], [true, 'yellow', true, true]);
    assert.deepEqual([past(lastRound()).recorded.agrees, past(lastRound()).recorded.level, past(lastRound()).swings[0].withholds], [true, 'none', false]);
    assert.match(instance.ctl('explain', '--round', lastRound(), 'A1').stdout, /确认属实\(两镇合并\),照常解除\n/);

    // The next one that swings wants a word of its own.
    send(6, HOUSEHOLDS, HOUSEHOLDS, 'D');
    assert.equal(instance.round(day(6)).raised, 2);
    const next = send(7, 20, HOUSEHOLDS, 'B');
    assert.equal(instance.round(day(7)).cleared, 1);
    assert.deepEqual(standing(), ['A1']);
    assert.deepEqual(feed()[1].map(({ batch, withholds, trusted }) => [batch, withholds, trusted]), [[next, true, null]]);

    // Said before any round has seen the batch, it is as good.
    const third = send(8, 20, HOUSEHOLDS, 'B');
    instance.json('feed', 'trust', 'housing', next, '--reason', '不是最近一批');
    assert.equal(instance.round(day(8)).cleared, 0, 'a word for the batch before does not do');
    instance.json('feed', 'trust', 'housing', third, '--reason', '两镇合并');
    assert.equal(instance.round(day(9)).cleared, 1);
});
