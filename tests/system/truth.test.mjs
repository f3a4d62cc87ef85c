// SPDX-License-Identifier: PostgreSQL
// What officials read about a decision, against the naive evaluator: small policies by chance (reference/random-policy.mjs), households for
// them in several sources, one database. What would change it is tried fen by fen and value by value.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { codesRead } from '../reference/examples.mjs';
import { parsePolicyText } from '../reference/language.mjs';
import { chanceFrom } from '../reference/policy-search.mjs';
import { DATE, HEAD, Maker, randomHousehold } from '../reference/random-policy.mjs';
import { judge, whatWouldChange } from '../reference/whatif.mjs';
import { dropFeed, Register, residentId } from './lib/county.mjs';
import { Cluster, Instance, program } from './lib/instance.mjs';

const SEEDS = Number(process.env.SHOUWANG_SEEDS ?? 1); // policies are twice as many
const HOUSEHOLDS = 40;
const random = chanceFrom(20260711);
const maker = new Maker(random);
const yuan = (fen) => `${fen / 100n}.${String(fen % 100n).padStart(2, '0')}`;

let cluster, instance;
const homes = Array.from({ length: HOUSEHOLDS }, () => randomHousehold(random, 2));
before(async () => {
    cluster = Cluster.start();
    const base = join(cluster.directory, 'base.policy');
    writeFileSync(base, `${HEAD}红 c.base 题\n  依据 甲 一\n  当 贫\n  事由 收入\n  理由 "理"\n`, { mode: 0o644 });
    instance = new Instance(cluster, { policy: base, settings: { rounds: { limit: '100%' } } });
    settle(homes);
    await instance.start();
    instance.round(DATE);
});
after(async () => {
    await instance?.close();
    cluster?.stop();
});

/** The register is imported, and the feeds are dropped for the next round. */
function settle(list) {
    const register = new Register(), feeds = new Map();
    let people = 0;
    list.forEach((home, h) => {
        register.household(`H${h}`, { area: home.area, township: home.township });
        const ids = home.persons.map((person) => residentId(person.birth, ++people));
        home.persons.forEach((person, i) => register.person(`H${h}`, ids[i], person));
        for (const fact of home.facts) {
            const id = ids[fact.whose] ?? '';
            const value = fact.kind === 'amount' ? (fact.value === null ? '' : yuan(fact.value)) : fact.kind === 'certificate' ? id + fact.value : fact.value;
            const row = { household_no: id === '' ? `H${h}` : '', id_number: id, code: fact.code, value, from: fact.from, to: fact.to };
            if (fact.source === 'register') register.fact(row);
            else feeds.set(fact.source, [...(feeds.get(fact.source) ?? []), row]);
        }
    });
    instance.import(register);
    for (const [feed, rows] of feeds) dropFeed(instance.drop, feed, 'b1', rows);
}

const isGood = (file) => spawnSync(program('shouwangctl'), ['policy', 'check', file]).status === 0;

/** A policy of some clauses that the checker accepts: { file, text }. */
let policies = 0;
function somePolicy(clauses = 4, kinds = undefined) {
    const file = join(instance.directory, `chance-${++policies}.policy`);
    let text = HEAD;
    for (let taken = 0; taken < clauses; ) {
        const [, clause] = maker.clause(kinds && random.pick(kinds));
        writeFileSync(file, text + clause);
        if (!isGood(file)) continue;
        text += clause;
        taken++;
    }
    writeFileSync(file, text);
    return { file, text };
}

function use(file) {
    instance.settings.policy = { file };
    instance.configure();
}

// --- what would change it ------------------------------------------------------------------------------------------------------

const TYPES = ['视力', '听力', '言语', '肢体', '智力', '精神', '多重'], GRADES = ['一', '二', '三', '四'];
function shown(code, value) {
    if (value === undefined) return null;
    if (code === 'disability.certificate') return `${TYPES[value[0] - 1]}${GRADES[value[1] - 1]}级`;
    return typeof value === 'bigint' ? yuan(value) : value;
}
/** Of a code the source that is believed before all others. */
const believed = (policy) => (code) => {
    const [first] = [...policy.facts.values()].find((fact) => fact.code === code).first;
    return first ? policy.sources.get(first) : [...policy.sources.values()][0];
};

test('what would change it is what does, of every fact, fen by fen and value by value', () => {
    let changes = 0;
    for (let p = 0; p < 2 * SEEDS; p++) {
        const { file, text } = somePolicy(4, ['红', '橙', '黄', '核']);
        const policy = parsePolicyText(text), reads = codesRead(policy);
        use(file);
        for (let i = 0, asked = 0; i < 30 && asked < 5; i++) {
            const h = random.upTo(homes.length - 1);
            const tried = whatWouldChange(policy, reads, homes[h], DATE, believed(policy));
            if (tried.changes.length === 0 && i > 2) continue; // most that is told is told of those of whom there is something to tell
            const said = instance.json('explain', `H${h}`);
            const expected = tried.changes.map(({ fact, change, value, high, level }) => JSON.stringify([fact.whose === 'household' ? null : fact.whose, fact.code, fact.from, change, shown(fact.code, value), shown(fact.code, high), level]));
            const found = said.what_would_change.changes.map(({ person, code, from, change, value, high, level }) => JSON.stringify([person, code, from, change, value, high, level]));
            assert.equal(said.level, tried.level, `${text}H${h}`);
            assert.deepEqual(found.sort(), expected.sort(), `${text}H${h} ${JSON.stringify(said.facts)}`);
            changes += found.length;
            asked++;
        }
    }
    assert.ok(changes > 8 * SEEDS, `${changes} changes`);
});

/** [who, title, value, level] of every state that the text says might be registered. */
function newInText(text) {
    const lines = text.split('\n').map((line) => /^ {2}(本户|成员 ([\d、]+)) (\S+) 新登记为 (.*),即.为(.*)$/.exec(line)).filter(Boolean);
    return lines.flatMap(([, , members, title, values, level]) => (members?.split('、') ?? ['本户']).flatMap((who) => values.split('、').map((value) => [who, title, value, level].join(' '))));
}

test('of several members one line tells what is the same of each, and no more', () => {
    const h = homes.findIndex(({ persons, facts }) => persons.length === 2 && persons.some(({ birth }) => birth < '1952') && persons.some(({ birth }) => birth > '1952') && !facts.some(({ code }) => code === 'disability.certificate' || code === 'event.death'));
    assert.ok(h >= 0, 'one who is old and one who is not');
    const file = join(instance.directory, 'members.policy');
    writeFileSync(file, `${HEAD}黄 c.t 题\n  依据 甲 一\n  当 存在(成员, 最新 残级 ≤ 2 且 年龄 ≥ 60岁) 或 存在(成员, 最新 残级 ≤ 1)\n  事由 残疾\n  理由 "理"\n`);
    use(file);
    const { changes } = instance.json('explain', `H${h}`).what_would_change;
    const told = newInText(instance.ctl('explain', `H${h}`).stdout);
    const expected = changes.filter(({ change }) => change === 'new').map(({ person, value }) => `${person + 1} 残疾人证 ${value} 黄色预警`);
    assert.equal(expected.length, 3 * 7, 'two grades of the old one, one of the other');
    assert.deepEqual(told.sort(), expected.sort());
    // Where it is the same of both, one line says so.
    writeFileSync(file, `${HEAD}黄 c.t 题\n  依据 甲 一\n  当 存在(成员, 最新 残级 ≤ 2)\n  事由 残疾\n  理由 "理"\n`);
    assert.match(instance.ctl('explain', `H${h}`).stdout, /^ {2}成员 1、2 残疾人证 新登记为 视力一级、视力二级、/m);
});

// --- simulate --------------------------------------------------------------------------------------------------------------------

const COLOURS = ['red', 'orange', 'yellow', 'verify'];
const byBytes = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** One side of a move, as docs/json.md has it. */
function sideOf({ level, outcomes }, other) {
    const named = (kinds, status, whole = outcomes) => whole.filter((one) => kinds.includes(one.kind) && one.status === status).map(({ rule }) => rule);
    const theirs = named(['check'], 'fires', other.outcomes);
    return { level, rules: named(COLOURS, 'fires'), undecided: named(COLOURS, 'to_verify'), checks: named(['check'], 'fires').filter((rule) => !theirs.includes(rule)), suggestions: named(['suggestion'], 'fires') };
}

/** What `simulate` must say of two policies (trees), from one household after another. */
function compare(a, b) {
    const cells = new Map(), townships = new Map(), amounts = new Map(), moves = [];
    const add = (map, key, by = 1) => map.set(key, (map.get(key) ?? 0) + by);
    homes.forEach((home, h) => {
        const sides = [judge(a, home, DATE), judge(b, home, DATE)];
        const before = sideOf(sides[0], sides[1]), after = sideOf(sides[1], sides[0]);
        add(cells, `${before.level} ${after.level}`);
        if (!townships.has(home.township)) townships.set(home.township, new Map());
        add(townships.get(home.township), `${before.level} ${after.level}`);
        if (before.level !== after.level || before.checks.length + after.checks.length > 0) moves.push({ household_no: `H${h}`, township_code: home.township, before, after });
        sides.forEach(({ outcomes }, side) => outcomes.forEach(({ rule, amounts: of }) => of.forEach(({ low, high }) => {
            const key = `${rule} ${['before', 'after'][side]}`;
            const sum = amounts.get(key) ?? { households: 0, low: 0n, high: 0n };
            amounts.set(key, { households: sum.households + 1, low: sum.low + low, high: sum.high + high });
        })));
    });
    moves.sort((x, y) => byBytes(x.township_code, y.township_code) || byBytes(x.household_no, y.household_no));
    return { cells, townships, amounts, moves };
}

const cellsOf = (levels) => Object.fromEntries(levels.map(({ before, after, households }) => [`${before} ${after}`, households]));

function assertSimulated(document, expected, what) {
    assert.equal(document.households, homes.length);
    assert.deepEqual(cellsOf(document.levels), Object.fromEntries(expected.cells), what);
    assert.deepEqual(Object.fromEntries(document.townships.map(({ township_code, levels }) => [township_code, cellsOf(levels)])),
        Object.fromEntries([...expected.townships].map(([code, cells]) => [code, Object.fromEntries(cells)])), what);
    const side = ({ level, rules, undecided, checks, suggestions }) => ({ level, rules, undecided, checks, suggestions: suggestions.map(({ rule }) => rule) });
    const sorted = (view) => Object.fromEntries(Object.entries(view).map(([key, list]) => [key, Array.isArray(list) ? [...list].sort() : list]));
    const view = ({ household_no, township_code, before, after }) => ({ household_no, township_code, before: sorted(side(before)), after: sorted(side(after)) });
    assert.deepEqual(document.moves.map(view), expected.moves.map((move) => ({ ...move, before: sorted(move.before), after: sorted(move.after) })), what);
    const moved = expected.moves.filter(({ before, after }) => before.level !== after.level).length;
    assert.equal(document.moved, moved, what);
    const all = (which) => expected.moves.reduce((sum, move) => sum + move[which].checks.length, 0);
    assert.deepEqual([document.checks_cleared, document.checks_raised], [all('before'), all('after')], what);
    const sums = document.amounts.flatMap(({ rule, ...sides }) => ['before', 'after'].filter((s) => sides[s].households > 0).map((s) => [`${rule} ${s}`, `${sides[s].households} ${sides[s].low} ${sides[s].high}`]));
    assert.deepEqual(Object.fromEntries(sums), Object.fromEntries([...expected.amounts].map(([key, { households, low, high }]) => [key, `${households} ${yuan(low)} ${yuan(high)}`])), what);
    // Every reason that is named stands there, and its words are those of the side.
    for (const { before, after } of document.moves)
        for (const one of [before, after])
            assert.deepEqual(one.reasons.map(({ rule }) => rule).sort(), [...one.rules, ...one.undecided, ...one.checks].sort(), what);
}

/** An overlay of each kind, and what it makes of the policy's text; disabled: the rule to leave out. */
function overlays(text) {
    const rules = [...text.matchAll(/^\S (c\.r\d+) /gm)].map(([, rule]) => rule);
    const disabled = random.pick(rules);
    const without = text.split(/^(?=\S)/m).filter((statement) => statement.split(' ')[1] !== disabled).join('');
    const rows = (change) => text.replace(/农村 (\S+) 城市 (\S+)/g, (_, rural, urban) => change(Number(rural), Number(urban)));
    return [
        ['线 × 3/2', rows((rural, urban) => `农村 ${(rural * 1.5).toFixed(2)} 城市 ${(urban * 1.5).toFixed(2)}`)],
        ['线 = 农村 0.90 城市 0.70', rows(() => '农村 0.90 城市 0.70')],
        ['线 = 1.10', rows(() => '农村 1.10 城市 1.10')],
        ['倍数 = 2', text.replace('设定 倍数 : 比 = 3/2', '设定 倍数 : 比 = 2')],
        ['上限 × 2/3', text.replace('设定 上限 : 元 = 3.00', '设定 上限 : 元 = 2.00')],
        [`停用 ${disabled}`, without],
        [`线 × 1/2\n  倍数 = 1/2\n  停用 ${disabled}`, without.replace(/农村 (\S+) 城市 (\S+)/g, (_, rural, urban) => `农村 ${(rural / 2).toFixed(2)} 城市 ${(urban / 2).toFixed(2)}`).replace('设定 倍数 : 比 = 3/2', '设定 倍数 : 比 = 1/2')],
    ];
}

test('a simulation is what two evaluations say, of overlays of every kind and of another policy', () => {
    let moves = 0, sums = 0;
    for (let p = 0; p < SEEDS; p++) {
        const { file, text } = somePolicy(6);
        const policy = parsePolicyText(text);
        use(file);
        const another = () => {
            const { file, text } = somePolicy(6);
            return { other: file, otherText: text, compared: compare(policy, parsePolicyText(text)) };
        };
        let { other, otherText, compared } = another();
        for (let tries = 1; tries < 20 && compared.amounts.size === 0; tries++) ({ other, otherText, compared } = another());
        assertSimulated(instance.json('simulate', other), compared, text + otherText);
        moves += compared.moves.length;
        sums += compared.amounts.size;
        const trials = overlays(text);
        for (const [change, changed] of trials) {
            const trial = join(instance.directory, 'trial.policy');
            writeFileSync(trial, `${text}试算 试试\n  ${change}\n`);
            if (!isGood(trial)) continue; // some lines never hold then
            const expected = compare(policy, parsePolicyText(changed));
            assertSimulated(instance.json('simulate', '--trial', '试试', trial), expected, text + change);
            moves += expected.moves.length;
        }
    }
    assert.ok(moves > 10 && sums > 0, `${moves} moves, ${sums} sums`);
});

/** Every row of every table, with the transaction that wrote it and where it lies, but for what the daemon itself keeps writing. */
function rowsOfTables() {
    const names = instance.sql(`select relname from pg_class where relnamespace = 'shouwang'::regnamespace and relkind = 'r' and relname <> 'lease' order by 1`).split('\n');
    const parts = names.map((name) => `select '${name}', count(*), md5(coalesce(string_agg(concat_ws('|', t.ctid, t.xmin, t.xmax, t::text), ';' order by t.ctid), '')) from ${name} t`);
    return instance.sql(`${parts.join(' union all ')} order by 1; select sequencename, last_value from pg_sequences where schemaname = 'shouwang' order by 1`);
}

test('a simulation that is killed, two at once, and one beside a round leave no trace', async () => {
    const { file } = somePolicy(6), { file: other } = somePolicy(6);
    use(file);
    const report = (text) => ({ ...JSON.parse(text), stages: null });
    const alone = report(instance.ctl('simulate', '--json', other).stdout);
    const before = rowsOfTables();
    for (const [signal, after_ms] of [['SIGKILL', 5], ['SIGINT', 15], ['SIGTERM', 25], ['SIGKILL', 40]]) {
        const child = spawn(program('shouwangctl'), ['-c', instance.conf, 'simulate', '--json', other], { stdio: 'ignore', timeout: after_ms, killSignal: signal });
        await new Promise((resolve) => child.on('close', resolve));
    }
    const [one, two] = await Promise.all([1, 2].map(() => instance.ctlAside('simulate', '--json', other)));
    assert.deepEqual([report(one.stdout), report(two.stdout)], [alone, alone]);
    const [round, beside] = await Promise.all([instance.ctlAside('round', '--dry-run', '--as-of', DATE, '--json'), instance.ctlAside('simulate', '--json', other)]);
    assert.deepEqual([round.status, beside.status], [0, 0], round.stderr + beside.stderr);
    assert.deepEqual(report(beside.stdout), alone);
    assert.equal(rowsOfTables(), before);
    // Nor do they keep a round from its work, which finds the county as it was.
    const { raised, escalated, deescalated, changed, cleared } = instance.round(DATE);
    assert.deepEqual({ raised, escalated, deescalated, changed, cleared }, { raised: 0, escalated: 0, deescalated: 0, changed: 0, cleared: 0 });
});

// --- past rounds -------------------------------------------------------------------------------------------------------------------

test('what a round decided is told by its own policy, whatever has become of the file', () => {
    const round = instance.sql('select max(round_id) from round');
    const told = () => homes.slice(0, 3).map((_, h) => instance.json('explain', '--round', round, `H${h}`));
    const base = join(cluster.directory, 'base.policy');
    use(base);
    const then = told();
    assert.deepEqual(then.map(({ level }) => level), homes.slice(0, 3).map((home) => judge(parsePolicyText(readFileSync(base, 'utf8')), home, DATE).level));
    const file = join(instance.directory, 'gone.policy');
    use(file);
    assert.deepEqual(told(), then, 'there is no file');
    writeFileSync(file, '政策 坏\n');
    assert.deepEqual(told(), then, 'it has mistakes');
    writeFileSync(file, readFileSync(base, 'utf8').replace('当 贫', '当 非 贫'));
    assert.deepEqual(told(), then, 'it says something else');
    const { status, stderr, stdout } = instance.ctl('explain', 'H0');
    assert.equal(status, 0, stderr);
    assert.match(stdout, /结论/);
    writeFileSync(file, '政策 坏\n');
    const now = instance.ctl('explain', 'H0');
    assert.deepEqual([now.status, now.stdout], [78, '']);
    assert.match(now.stderr, /gone\.policy:\d+:\d+: /);
});
