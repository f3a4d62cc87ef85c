// SPDX-License-Identifier: PostgreSQL
// A batch of which a tenth of the rows is lost may raise warnings, but ends none by what is left of it, whatever the policy says
// of sizes: until what is lost comes, or an operator says that the batch is right.
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
来源 住建局 housing  时效 35天
事实 房屋 : 代码 取 housing.grade
事实 饮水 : 是否 取 water.safe
事实 死亡 : 事件 取 event.death
人群 成员 = 登记人员 中 非 至今 发生 死亡
黄 yellow.housing 住房不安全
  依据 甲 一
  当 最新 房屋 属于 (C, D)
  事由 住房
  理由 "住房{最新 房屋}"
黄 yellow.water 饮水不安全
  依据 甲 一
  当 最新 饮水 = 否
  事由 饮水
  理由 "饮水"
`;
const day = (n) => new Date(Date.UTC(2021, 0, 10 + n)).toISOString().slice(0, 10);

async function county(text = policy) {
    const file = join(cluster.directory, 'unusable.policy');
    writeFileSync(file, text, { mode: 0o644 });
    instance = new Instance(cluster, { policy: file });
    const register = new Register();
    for (let n = 1; n <= 3; n++) register.single(`H${n}`, residentId('1980-01-01', n), '60000.00');
    instance.import(register);
    await instance.start();
}

let batches = 0;
/** A batch of that day: the grades of H1, H2 …, an empty one is not stated, and so many rows of which nobody knows whom they are about. */
function send(n, grades, lost = 0, changes = {}, feed = 'housing') {
    const code = feed === 'water' ? 'water.safe' : 'housing.grade';
    const rows = grades.map((value, i) => ({ household_no: `H${i + 1}`, code, value, from: day(n) })).filter((row) => row.value !== '');
    for (let i = 0; i < lost; i++) rows.push({ id_number: '5.1E+17', code, value: 'D', from: day(n) });
    const batch = `b${++batches}`;
    dropFeed(instance.drop, feed, batch, rows, { period_from: day(n), period_to: day(n), sent_at: `${day(n)}T01:00:00+08:00`, ...changes });
    return batch;
}
const delta = (n, grades, lost = 0, changes = {}) => send(n, grades, lost, { mode: 'delta', ...changes });
const standing = () => instance.json('warnings').households.map((h) => h.household_no);
/** The day's round: what it ended, and who is still warned of. */
const round = (n, ...options) => [instance.round(day(n), ...options).cleared, standing()];
const unusable = (name = 'housing') => instance.json('feeds').feeds.find((f) => f.feed === name && f.status === 'accepted').unusable;
const withholding = () => unusable().map(({ batch, withholds }) => (withholds ? batch : `(${batch})`));
const lastRound = () => instance.sql("select max(round_id) from round where state = 'committed'");
/** What the windows say: the gauge, and the rows of the newest batch that status tells of; all texts, or none. */
async function windows() {
    instance.ctl('status'); // the pages' figures may be seconds old
    const feed = instance.json('status').feeds.find((f) => f.feed === 'housing');
    const [metrics, ready, page] = (await Promise.all(['/metrics', '/readyz?verbose', '/'].map((path) => instance.get(path)))).map(({ text }) => text);
    const texts = [[instance.ctl('status').stdout, /UNUSABLE: \d+ of \d+ rows of batch b\d+ of housing: it clears nothing/], [ready, /feed housing: \d+ of \d+ rows of batch b\d+ cannot be used: it ends no warning/], [page, /大量行不能使用，预警不解除/]].map(([text, pattern]) => pattern.test(text));
    assert.equal(new Set(texts).size, 1, `all or none: ${texts}`);
    assert.equal(texts[0], feed.unusable !== null);
    return [Number(/^shouwang_feed_unusable\{feed="housing"\} (\d+)$/m.exec(metrics)[1]), feed.unusable];
}

test('what is left of a full batch ends no warning, of no household; it raises; the next whole one ends', async () => {
    await county();
    send(0, ['D', 'D', 'A']);
    instance.round(day(0));
    assert.deepEqual(standing(), ['H1', 'H2']);
    assert.deepEqual([unusable(), await windows()], [[], [0, null]]);

    // H1 is told to be well, H2 is not told of, H3 has got worse; ten rows are lost.
    const batch = send(1, ['B', '', 'D'], 10);
    assert.deepEqual(round(1), [0, ['H1', 'H2', 'H3']]);
    assert.deepEqual(instance.json('warnings').households.map((h) => h.stale), [['yellow.housing'], ['yellow.housing'], []]);
    const item = { batch, rows: 12, quarantined: 10, withholds: true, trusted: null };
    assert.deepEqual(unusable(), [item]);
    assert.match(instance.ctl('feeds').stdout, new RegExp(`UNUSABLE: ${batch}: 10 of 12 rows; it ends no warning\n`));
    assert.deepEqual(await windows(), [1, { batch, rows: 12, quarantined: 10, batches: 1 }]);
    await instance.waitForLog(new RegExp(`event=feed.unusable feed=housing batch=${batch} batch_id=\\d+ rows=12 quarantined=10`));

    // Why it stands: of the round, and of what is known now.
    const told = instance.json('explain', '--round', lastRound(), 'H1');
    assert.deepEqual([told.level, told.recorded.level, told.recorded.agrees], ['none', 'yellow', true]);
    assert.deepEqual(told.recorded.findings.map(({ stale, swings, unusable }) => [stale, swings, unusable]), [[true, false, true]]);
    assert.deepEqual(told.unusable, [{ feed: 'housing', title: '住建局', ...item }]);
    assert.deepEqual(instance.json('explain', 'H1').unusable, told.unusable);
    assert.match(instance.ctl('explain', '--round', lastRound(), 'H1').stdout, /yellow\.housing 住房不安全:触发,该轮未再查实,因来源大量行不能使用而保留/);
    assert.match(instance.ctl('explain', 'H1').stdout, /来源大量行不能使用\(截至最近一轮比对\).*\n  住建局 b\d+:12 行中有 10 行不能使用\n/);

    assert.deepEqual(round(2), [0, ['H1', 'H2', 'H3']], 'time does not make it whole');
    send(3, ['B', 'B', 'B']);
    assert.deepEqual(round(3), [3, []]);
    assert.deepEqual([unusable(), await windows(), instance.json('explain', 'H1').unusable], [[], [0, null], []]);
    assert.equal(instance.json('explain', '--round', lastRound(), 'H1').recorded.agrees, true);
    assert.deepEqual(instance.json('explain', '--round', String(lastRound() - 2), 'H1').unusable, [item].map((i) => ({ feed: 'housing', title: '住建局', ...i })), 'what was then stays told');
});

test('the first batch of all; clauses that the feed provides nothing for end as ever; one lost row of three is none', async () => {
    await county();
    send(0, ['no'], 0, {}, 'water');
    const first = send(0, ['D', 'D'], 10);
    assert.deepEqual(round(0), [0, ['H1', 'H2']]);
    assert.deepEqual(withholding(), [first]);
    send(1, ['yes'], 0, {}, 'water');
    instance.round(day(1));
    assert.deepEqual(instance.json('warnings').households.map((h) => h.reasons.map((r) => r.rule)), [['yellow.housing'], ['yellow.housing']], 'water is safe now');
    assert.deepEqual(unusable('water'), []);
    const second = send(2, ['B', 'D'], 11);
    assert.deepEqual(round(2), [0, ['H1', 'H2']]);
    assert.deepEqual(withholding(), [second], 'the one before is of no account any more');
    send(3, ['B', 'D'], 1);
    assert.deepEqual(round(3), [1, ['H2']], 'one of three');
});

test('of a small batch half is much', async () => {
    await county();
    send(0, ['D', 'D']);
    instance.round(day(0));
    const half = send(1, ['B'], 1);
    assert.deepEqual(round(1), [0, ['H1', 'H2']]);
    assert.deepEqual(unusable(), [{ batch: half, rows: 2, quarantined: 1, withholds: true, trusted: null }]);
    await instance.waitForLog(new RegExp(`event=feed.unusable feed=housing batch=${half} `));
    send(2, ['D'], 0);
    assert.deepEqual(round(2), [1, ['H1']]);
    const all = delta(3, [], 1);
    assert.deepEqual([round(3), withholding()], [[0, ['H1']], [all]], 'all of one');
});

test('no delta makes a full batch whole, not of the same period either; a word does', async () => {
    await county();
    send(0, ['D', 'D', 'D']);
    instance.round(day(0));
    const full = send(1, ['B', 'D'], 10);
    delta(2, ['B', 'B']);
    delta(1, ['', '', 'B'], 0, { sent_at: `${day(2)}T02:00:00+08:00` });
    assert.deepEqual(round(2), [0, ['H1', 'H2', 'H3']]);
    assert.deepEqual(withholding(), [full]);

    const kept = lastRound();
    const word = instance.json('feed', 'trust', 'housing', full, '--reason', '缺的行与本县无关');
    assert.deepEqual([word.given, word.trusted.reason], [true, '缺的行与本县无关']);
    assert.equal(instance.sql("select count(*) from audit where action = 'feed.trust'"), '1');
    assert.deepEqual(await windows(), [0, null], 'at once');
    assert.equal(instance.json('explain', 'H1').unusable[0].trusted.reason, '缺的行与本县无关');
    assert.match(instance.ctl('explain', 'H1').stdout, /不能使用;\S+ 确认属实\(缺的行与本县无关\),再比对时照常解除\n/);
    assert.deepEqual(round(3), [3, []]);
    const past = instance.json('explain', '--round', kept, 'H1');
    assert.deepEqual([past.recorded.agrees, past.recorded.findings[0].unusable, past.unusable[0].withholds], [true, true, true]);

    // A word for one is none for the next; and while it is the newest it stands beside it.
    send(4, ['D']);
    instance.round(day(4));
    const next = send(5, ['B'], 10);
    assert.deepEqual(round(5), [0, ['H1']]);
    instance.json('feed', 'trust', 'housing', next, '--reason', '再说一次');
    assert.deepEqual(withholding(), [`(${next})`]);
    assert.match(instance.ctl('feeds').stdout, new RegExp(`UNUSABLE: ${next}: 10 of 11 rows; trusted by \\S+: 再说一次\n`));
    assert.deepEqual(round(6), [1, []]);
    await instance.waitForLog(new RegExp(`event=feed.trusted feed=housing batch=${next} batch_id=\\d+ rows=11 quarantined=10`));
    assert.deepEqual(instance.json('explain', '--round', lastRound(), 'H1').recorded.agrees, true);
    assert.match(instance.ctl('explain', '--round', lastRound(), 'H1').stdout, /不能使用;\S+ 确认属实\(再说一次\),照常解除\n/);
});

test('what a delta lost is made good by a later whole one of its period, not by the next one; or by a full batch', async () => {
    await county();
    send(0, ['D', 'D', 'D']);
    instance.round(day(0));
    const damaged = delta(1, ['B', 'D'], 10);
    assert.deepEqual(round(1), [0, ['H1', 'H2', 'H3']]);
    delta(2, ['', 'B']);
    assert.deepEqual(round(2), [0, ['H1', 'H2', 'H3']], 'what was lost is still lost');
    const again = delta(3, ['', '', 'B'], 10);
    assert.deepEqual(round(3), [0, ['H1', 'H2', 'H3']]);
    assert.deepEqual(withholding(), [damaged, again]);
    assert.equal((await windows())[0], 2);
    delta(1, ['B', 'D'], 0, { sent_at: `${day(0)}T02:00:00+08:00` }); // sent before the damaged one: it is not its correction
    assert.deepEqual(round(3), [0, ['H1', 'H2', 'H3']]);
    delta(1, ['B', 'D', 'D'], 0, { sent_at: `${day(3)}T02:00:00+08:00` });
    assert.deepEqual(round(3), [0, ['H1', 'H2', 'H3']]);
    assert.deepEqual(withholding(), [again]);
    assert.equal((await windows())[0], 1);
    delta(4, [], 11, { period_from: day(3) }); // its correction is refused, being worse; the next is no better
    delta(5, ['B'], 10, { period_from: day(3) });
    assert.deepEqual(round(5), [0, ['H1', 'H2', 'H3']]);
    assert.equal(withholding().length, 2);
    delta(6, ['B', 'B', 'B'], 0, { period_from: day(3), period_to: day(6) });
    assert.deepEqual(round(6), [3, []]);
    assert.deepEqual(unusable(), []);

    send(7, ['D']);
    instance.round(day(7));
    delta(8, ['B'], 10);
    assert.deepEqual(round(8), [0, ['H1']]);
    send(9, ['B']);
    assert.deepEqual(round(9), [1, []]);
});

test('a date before the batch does not know of it; a held round tells of it', async () => {
    await county();
    send(0, ['D']);
    instance.round(day(0));
    send(1, ['B']);
    instance.round(day(1));
    assert.deepEqual(standing(), []);
    send(2, ['D']);
    instance.round(day(2));
    const late = send(4, ['D'], 10);
    instance.round(day(4));
    assert.equal(instance.round(day(1), '--dry-run').cleared, 1, 'it was not there then');
    assert.equal(instance.round(day(5), '--dry-run').cleared, 0);
    instance.settings.rounds.limit = '0';
    instance.configure();
    instance.reload();
    const damaged = send(6, ['B', 'D', 'D'], 10);
    assert.equal(instance.round(day(6)).held, true);
    assert.deepEqual(instance.json('explain', 'H1').unusable.map(({ batch }) => batch), [damaged]);
    assert.notEqual(late, damaged);
});

test('it is none of the batches that a clause waits for before it ends', async () => {
    await county(policy.replace('  理由 "住房{最新 房屋}"\n', (reason) => `${reason}  解除 住建局 连续3批\n`));
    const waiting = () => instance.json('warnings').households[0].waiting.map((w) => w.batches);
    send(0, ['D']);
    instance.round(day(0));
    send(1, ['B']);
    assert.deepEqual([round(1), waiting()], [[0, ['H1']], [1]]);
    send(2, ['B'], 10);
    assert.deepEqual([round(2), waiting()], [[0, ['H1']], [1]]);
    send(3, ['B']);
    assert.deepEqual([round(3), waiting()], [[0, ['H1']], [2]]);
    const trusted = send(4, ['B'], 11);
    instance.round(day(4), '--dry-run'); // takes it in
    instance.json('feed', 'trust', 'housing', trusted, '--reason', '缺的行与本县无关');
    assert.deepEqual(round(4), [1, []]);
});
