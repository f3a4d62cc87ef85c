// SPDX-License-Identifier: PostgreSQL
// What the checker says of clauses beside each other, by enumeration: of one or two conditions over few values every household there is,
// unknown among the values, and the naive evaluator. What is said never to hold never does; of one fact alone whatever never holds is said.
// And what the tools say of a policy's text: one changed word is a difference or no policy at all, the canonical text is none.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parsePolicyText } from '../reference/language.mjs';
import { chanceFrom } from '../reference/policy-search.mjs';
import { DATE, HEAD as WHOLE_HEAD } from '../reference/random-policy.mjs';
import { judge } from '../reference/whatif.mjs';
import { program, ROOT } from './lib/instance.mjs';

const SEEDS = Number(process.env.SHOUWANG_SEEDS ?? 1);
const random = chanceFrom(20260712);
const { pick, chance, upTo } = random;
const work = mkdtempSync(join(tmpdir(), 'swck.'));
after(() => rmSync(work, { recursive: true }));
const shouwangctl = (...args) => spawnSync(program('shouwangctl'), args, { encoding: 'utf8', maxBuffer: 1 << 26 });

const HEAD = WHOLE_HEAD.replace(/^人群 成员 = .*$/m, '人群 成员 = 登记人员').replace(/^算 收入 .*$/m, '算 收入 : 元/年/户 = 合计(成员, 本年 工资)');

// --- conditions, and all households that differ in them ---------------------------------------------------------------------

const sign = () => pick(['<', '≤', '>', '≥', '=', '≠']);
const cents = () => pick(['0.10', '0.20', '0.30', '0.40']);
const FAMILIES = {
    income: { says: () => `收入 ${sign()} ${cents()}元/年/户`, reads: ['wage'] },
    line: { says: () => `人均 ${sign()} ${pick(['1/2', '1', '3/2'])} × 线`, reads: ['wage'] },
    house: { says: () => pick([`最新 房屋 属于 (${pick(['A', 'C, D', 'A, B', 'B, C', 'D'])})`, `最新 房屋 ${pick(['=', '≠'])} ${pick(['A', 'C'])}`]), reads: ['house'] },
    water: { says: () => `最新 用水 ${pick(['=', '≠'])} ${pick(['是', '否'])}`, reads: ['water'] },
    relief: { says: () => pick(['现有 特困', '现有 特困 满 12月', '现有 特困 满 6月', '近12月 曾有 特困', '近6月 曾有 特困', '近12月 末日有 特困', '近6月 末日有 特困']), reads: ['relief'] },
    disaster: { says: () => `${pick(['近1月', '近12月', '至今', '近28日'])} 发生 受灾`, reads: ['disaster'] },
    area: { says: () => pick(['农村', '城市']), reads: [] },
    sums: { says: () => `${pick(['支出', '收入', '收入 + 支出', '收入 - 支出', '较大(收入, 支出)', '较小(收入, 支出)'])} ${sign()} ${cents()}元/年/户`, reads: ['wage', 'medical'] },
};
const one = (code, kind, value, from = '2019-01-01', to = '', whose = 'household') => [{ whose, code, kind, value, from, to, source: 'register' }];
// On and beside every line that may stand in a condition.
const FEN = [null, ...new Set([0, 10, 20, 30, 40, 80, 120, 160, 240, 299].flatMap((fen) => [fen - 1, fen, fen + 1]).filter((fen) => fen >= 0))].map((fen) => (fen === null ? null : BigInt(fen)));
const SPANS = [['2019-01-01', ''], ['2019-01-01', '2021-06-29'], ['2019-01-01', '2020-06-30'], ['2019-01-01', '2020-07-01'], ['2019-01-01', '2020-12-30'], ['2019-01-01', '2020-12-31'],
    ['2020-06-30', ''], ['2020-07-01', ''], ['2020-12-30', ''], ['2020-12-31', ''], ['2021-06-30', ''], ['2021-06-01', '2021-06-29'], ['2021-07-01', '']];
const DAYS = ['2021-07-01', '2021-06-30', '2021-06-03', '2021-06-02', '2021-05-31', '2021-05-30', '2020-07-01', '2020-06-30'];
const VALUES = {
    wage: FEN.map((fen) => one('income.wage', 'amount', fen, DATE, '', 0)),
    medical: FEN.map((fen) => one('expense.medical_self_paid', 'amount', fen, DATE, '', 0)),
    house: [[], ...['A', 'B', 'C', 'D'].map((grade) => one('housing.grade', 'choice', grade))],
    water: [[], ...['yes', 'no'].map((value) => one('water.safe', 'yesno', value))],
    relief: [[], one('relief.tekun', 'relief', 'no'), ...SPANS.map(([from, to]) => one('relief.tekun', 'relief', 'yes', from, to))],
    disaster: [[], ...DAYS.map((day) => one('event.disaster', 'event', 'yes', day))],
};

function* households(families) {
    const lists = [...new Set(families.flatMap((name) => FAMILIES[name].reads))].map((name) => VALUES[name]);
    const every = lists.reduce((all, list) => all.flatMap((facts) => list.map((more) => [...facts, ...more])), [[]]);
    for (const area of ['rural', 'urban']) for (const facts of every) yield { area, persons: [{ birth: '1980-01-01', kinship: '', labour: '' }], facts };
}

function condition(families, depth = 1) {
    if (depth === 0 || chance(60)) return FAMILIES[pick(families)].says();
    const part = () => condition(families, depth - 1);
    return pick([() => `(${part()} 且 ${part()})`, () => `(${part()} 或 ${part()})`, () => `非 ${part()}`])();
}

function clause(rule, families) {
    const lines = [chance(25) && `  除外 ${condition(families)}\n`, chance(15) && `  限于 ${condition(families, 0)}\n`, ...Array.from({ length: 1 + upTo(2) }, () => `  ${chance(15) ? '凭' : '当'} ${condition(families)}\n`)];
    return `红 ${rule} 题\n  依据 甲 一\n${lines.filter(Boolean).join('')}  事由 收入\n  理由 "理"\n`;
}

/** How often each happened. */
const seen = new Map();
const tally = (what) => seen.set(what, (seen.get(what) ?? 0) + 1);

function examine(families) {
    const texts = [clause('c.a', families), clause('c.b', families)];
    const text = HEAD + texts.join('');
    const file = join(work, 'pair.policy');
    writeFileSync(file, text);
    const verdict = JSON.parse(shouwangctl('policy', 'check', '--json', file).stdout);
    const policy = parsePolicyText(text);
    const RANK = { absent: 0, no: 0, undecided: 1, to_verify: 2, fires: 3 };
    const fires = [false, false], within = [true, true]; // a within b, b within a
    for (const home of households(families)) {
        const [a, b] = judge(policy, home, DATE).outcomes.map(({ status }) => RANK[status]);
        fires[0] ||= a === 3;
        fires[1] ||= b === 3;
        within[0] &&= a <= b;
        within[1] &&= b <= a;
    }
    const second = text.slice(0, text.indexOf(texts[1])).split('\n').length; // its first line
    const whose = ({ line }) => (line < second ? 0 : 1);
    const mistakes = verdict.ok ? [] : verdict.mistakes;
    for (const i of [0, 1]) {
        const told = mistakes.some((mistake) => whose(mistake) === i && mistake.text.includes('永远不会成立'));
        assert.ok(!(told && fires[i]), `it does fire: ${texts[i]}${JSON.stringify(mistakes)}`);
        if (told || fires[i]) tally(told ? 'never' : 'fires');
        else if (families.length === 1 && families[0] !== 'sums') assert.ok(mistakes.length > 0, `it never fires: ${texts[i]}`); // the first mistake may be all that is told
        else tally('not seen');
    }
    for (const warning of verdict.warnings ?? []) {
        assert.ok(within[whose(warning)], `it is not superfluous: ${texts.join('')}${JSON.stringify(warning)}`);
        tally('superfluous');
    }
}

test('what is said of two clauses over few values is so in every household there is', () => {
    for (let i = 0; i < 24 * SEEDS; i++) {
        const names = Object.keys(FAMILIES);
        const families = i % 3 === 0 ? [...new Set([pick(names), pick(names)])].filter((name, _, all) => name !== 'sums' || all.length === 1) : [pick(names)];
        if (families.length > 0) examine(families);
    }
    for (const what of ['never', 'fires', 'superfluous']) assert.ok(seen.get(what) > 0, `${what}: ${JSON.stringify([...seen])}`);
});

// --- what the tools say of a text ----------------------------------------------------------------------------------------------

const TOKEN = /"[^"]*"|\d{4}-\d{2}-\d{2}|\d+(?:\.\d+)?(?:\/\d+(?:\.\d+)?)?%?[\p{L}_]*(?:\/[\p{L}_]+)*|[\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}\p{N}_]+)*|\.\.|[-+<>=≤≥≠×÷*/(),:?]/gu;
const tokensOf = (text) => text.split('\n').map((line) => [...line.replace(/#.*$/, '').matchAll(TOKEN)].map(([word]) => word).join(' ')).filter((line) => line !== '').join('\n');

/** Another word in its place; null when there is none. */
function another(word, text) {
    if (/^\d{4}-/.test(word)) return word.replace(/\d\d$/, (day) => (day === '15' ? '16' : '15'));
    if (word.startsWith('"')) return word.length > 2 ? `${word.slice(0, -1)}又"` : null;
    if (/^\d/.test(word)) return word.replace(/\d(?=\D*$)/, (digit) => String((Number(digit) + 1) % 10));
    if (/^[<>≤≥≠=]$/.test(word)) return pick([...'<>≤≥≠='].filter((other) => other !== word));
    if (word === '且' || word === '或') return word === '且' ? '或' : '且';
    if (word === '+' || word === '-') return word === '+' ? '-' : '+';
    if (!/^\p{L}/u.test(word)) return null;
    return chance(50) ? '' : pick([...text.matchAll(TOKEN)].map(([other]) => other).filter((other) => /^\p{L}/u.test(other) && other !== word));
}

const SHIPPED = join(ROOT, 'conf', 'policies');
const FILES = [...readdirSync(SHIPPED).filter((name) => name.endsWith('.policy')).map((name) => join(SHIPPED, name)), ...['english', 'mutants', 'terms'].map((name) => join(ROOT, 'tests', 'cases', `policy_${name}.policy`))];
const RULE = /^(?:红|橙|黄|核|查|签|议|red|orange|yellow|verify|check|tag|suggest) (\S+)/gm;

test('one word that is changed is a difference, or no policy; the canonical text is none, and the pages have every clause', () => {
    const changed = join(work, 'changed.policy'), canonical = join(work, 'canonical.policy');
    let told = 0;
    for (let i = 0; i < 10 * SEEDS; i++) {
        const file = pick(FILES), text = readFileSync(file, 'utf8');
        const words = [...text.matchAll(TOKEN)].filter(({ index }) => !text.slice(text.lastIndexOf('\n', index) + 1, index).includes('#'));
        const word = pick(words), other = another(word[0], text);
        if (other === null) continue;
        const result = text.slice(0, word.index) + other + text.slice(word.index + word[0].length);
        writeFileSync(changed, result);
        if (shouwangctl('policy', 'check', changed).status !== 0) continue;
        const where = `${file}: ${word[0]} → ${other} after ${text.slice(Math.max(0, word.index - 60), word.index)}`;
        assert.equal(shouwangctl('policy', 'diff', file, changed).status, 1, where);
        writeFileSync(canonical, shouwangctl('policy', 'fmt', changed).stdout);
        assert.equal(tokensOf(readFileSync(canonical, 'utf8')), tokensOf(result), where);
        assert.equal(shouwangctl('policy', 'fmt', '--check', canonical).status, 0, where);
        assert.equal(shouwangctl('policy', 'diff', changed, canonical).status, 0, where);
        const page = shouwangctl('policy', 'show', changed).stdout, html = shouwangctl('policy', 'show', '--html', changed).stdout;
        for (const [, rule] of result.matchAll(RULE)) assert.ok(page.includes(rule) && html.includes(rule), `${rule}: ${where}`);
        told++;
    }
    assert.ok(told > 0, `${told} changes that make a policy`);
});
