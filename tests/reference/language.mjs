// SPDX-License-Identifier: PostgreSQL
// Reads a policy: text in, tree out. Written from docs/policy-language.md alone, and its words are that document's tables: what is not
// in them is no keyword here. It believes that the policy is right (`shouwangctl policy check` says so) and checks only what it needs.
import { readFileSync } from 'node:fs';
import { fraction } from './fraction.mjs';

const DOCUMENT = new URL('../../docs/policy-language.md', import.meta.url);

// --- the words of the language ---------------------------------------------------------------------------------------

/** The tables under "词表": keywords stand in one namespace, the words of the later tables only where they have a meaning. */
function readWords() {
  const text = readFileSync(DOCUMENT, 'utf8');
  const tables = text.slice(text.indexOf('## 词表'), text.indexOf('## 限度')).split(/\n\| 中文 \|.*\n\|[-|]+\n/).slice(1);
  const rows = (table) => [...table.matchAll(/^\| ([^|]+) \| `([^`]+)` \|/gm)].map(([, chinese, english]) => [chinese.trim(), english]);
  return { keywords: rows(tables[0]), places: tables.slice(1).flatMap(rows) };
}

const WORDS = readWords();
const CHINESE = new Map(WORDS.keywords.map(([chinese]) => [chinese, chinese]));
const ENGLISH = new Map(WORDS.keywords.map(([chinese, english]) => [english, chinese]));

// --- letters to tokens --------------------------------------------------------------------------------------------------

const SIGNS = { '\uff08': '(', '\uff09': ')', '\uff0c': ',', '\uff1a': ':', '\uff1d': '=', '\uff1c': '<', '\uff1e': '>', '\uff0b': '+', '\uff0d': '-',
  '\uff1f': '?', '≤': '<=', '≥': '>=', '≠': '!=', '×': '*', '÷': '/', '\u2212': '-' };
const TOKENS = [
  ['text', /^"([^"]*)"/],
  ['date', /^\d{4}-\d{2}-\d{2}(?![\d-])/],
  ['number', /^(\d+(?:\.\d+)?)(\/\d+)?(%)?((?:[\p{L}_]+(?:\/[\p{L}_]+)*)?)/u],
  ['word', /^[\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}\p{N}_]+)*/u],
  ['sign', /^(?:<=|>=|!=|\.\.|[-+*/<>=(),:?%\uff08\uff09\uff0c\uff1a\uff1d\uff1c\uff1e\uff0b\uff0d\uff1f≤≥≠×÷\u2212])/u],
];

/** Tokens of one physical line. A word that is a keyword has `is`, in Chinese whatever the file's language. */
function tokensOf(line, number, keywords) {
  const tokens = [];
  for (let at = 0; at < line.length;) {
    const blank = /^\s+/.exec(line.slice(at));
    if (blank) { at += blank[0].length; continue; }
    let token = null;
    for (const [kind, pattern] of TOKENS) {
      const match = pattern.exec(line.slice(at));
      if (!match) continue;
      token = { kind, raw: match[0], line: number, column: at, match };
      break;
    }
    token ??= { kind: 'other', raw: line[at], line: number, column: at };
    if (token.kind === 'sign') token.is = SIGNS[token.raw] ?? token.raw;
    if (token.kind === 'word') token.is = keywords.get(token.raw);
    tokens.push(token);
    at += token.raw.length;
  }
  return tokens;
}

/** Without its comment: # counts unless it stands between quotation marks. */
function withoutComment(line) {
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    if (line[i] === '"') quoted = !quoted;
    else if (line[i] === '#' && !quoted) return line.slice(0, i);
  }
  return line;
}

/** Where the words of a citation begin (依据 …, to the end of the line), or the line's length. */
function citationAt(tokens, line) {
  const cite = tokens.findIndex((token) => token.is === '依据');
  return cite < 0 ? line.length : tokens[cite].column;
}

/** The physical lines as { indent, tokens }; statements begin in the first column. */
function readStatements(text, keywords) {
  const statements = [];
  text.split('\n').forEach((raw, number) => {
    const line = withoutComment(raw.replace(/\r$/, ''));
    if (line.trim() === '') return;
    const indent = line.length - line.trimStart().length;
    const all = tokensOf(line, number, keywords);
    const cut = citationAt(all, line);
    const entry = { indent, tokens: all.filter((token) => token.column < cut), cited: cut < line.length };
    if (indent === 0) statements.push({ head: all[0], lines: [entry] });
    else statements.at(-1).lines.push(entry);
  });
  return statements;
}

// --- a cursor over tokens -----------------------------------------------------------------------------------------------------

class Cursor {
  constructor(tokens, policy) {
    this.tokens = tokens;
    this.at = 0;
    this.policy = policy;
  }
  get next() { return this.tokens[this.at]; }
  get done() { return this.at >= this.tokens.length; }
  fail(what) {
    const token = this.next ?? this.tokens.at(-1);
    throw new Error(`line ${(token?.line ?? 0) + 1}, column ${(token?.column ?? 0) + 1}: ${what}; found ${this.next?.raw ?? 'the end'}`);
  }
  sees(...words) { return this.next !== undefined && words.includes(this.next.is); }
  /** A word that has its meaning only here; given in Chinese. */
  seesHere(word) {
    if (this.next?.kind !== 'word') return false;
    return this.next.raw === word || WORDS.places.some(([chinese, english]) => chinese === word && english === this.next.raw);
  }
  take() { return this.tokens[this.at++] ?? this.fail('something more is expected'); }
  accept(...words) { return this.sees(...words) ? this.take() : null; }
  acceptHere(word) { return this.seesHere(word) ? this.take() : null; }
  expect(...words) { return this.accept(...words) ?? this.fail(`expected ${words.join(' or ')}`); }
  name() { return this.next?.kind === 'word' ? this.take().raw : this.fail('expected a name'); }
  date() { return this.next?.kind === 'date' ? this.take().raw : this.fail('expected a date'); }
}

/** 12月, 35天, 2批: how many, and the unit's first word in Chinese. */
function countOf(token) {
  const [, digits, , , unit] = token.match ?? [];
  if (!/^\d+$/.test(digits ?? '')) throw new Error(`line ${token.line + 1}: ${token.raw} is no count`);
  const row = WORDS.places.find(([chinese, english]) => [chinese, english, `${english}s`].includes(unit));
  return { count: Number(digits), unit: row ? row[0] : unit };
}

function numberOf(token) {
  const [, digits, divisor, percent] = token.match;
  const [whole, part = ''] = digits.split('.');
  const value = fraction(BigInt(whole + part), 10n ** BigInt(part.length) * (divisor ? BigInt(divisor.slice(1)) : 1n) * (percent ? 100n : 1n));
  return value;
}

// --- windows ---------------------------------------------------------------------------------------------------------------

/** 近12月, last_12_months: a span back from the evaluation date; null when the word is none. */
function spanOf(word) {
  const match = /^近(\d+)(日|月|年)$/u.exec(word) ?? /^last_(\d+)_(day|month|year)s?$/.exec(word);
  if (!match) return null;
  const unit = { 日: 'days', 月: 'months', 年: 'years', day: 'days', month: 'months', year: 'years' }[match[2]];
  return unit === 'years' ? { months: 12 * Number(match[1]) } : { [unit]: Number(match[1]) };
}

function parseWindow(c) {
  const from = spanOf(c.next?.raw ?? '');
  if (!from) c.fail('expected a window');
  c.take();
  if (!c.sees('至') || !spanOf(c.tokens[c.at + 1]?.raw ?? '')) return { from, until: { days: 0 } };
  c.take();
  return { from, until: spanOf(c.take().raw) };
}

const EVER = { from: null, until: { days: 0 } };

/** A window at the cursor, by its name or in place; undefined when there is none. */
function windowHere(c) {
  if (c.accept('至今')) return EVER;
  const named = c.next?.kind === 'word' && c.policy.windows.get(c.next.raw);
  if (named) { c.take(); return named; }
  return spanOf(c.next?.raw ?? '') ? parseWindow(c) : undefined;
}

// --- expressions: conditions and quantities in one grammar ------------------------------------------------------------------

const COMPARISONS = ['<', '<=', '>', '>=', '=', '!='];

function parseExpression(c) {
  const parts = [parseConjunction(c)];
  while (c.accept('或')) parts.push(parseConjunction(c));
  return parts.length === 1 ? parts[0] : { op: 'or', parts };
}

function parseConjunction(c) {
  const parts = [parseNegation(c)];
  while (c.accept('且')) parts.push(parseNegation(c));
  return parts.length === 1 ? parts[0] : { op: 'and', parts };
}

function parseNegation(c) {
  return c.accept('非') ? { op: 'not', of: parseNegation(c) } : parseComparison(c);
}

/** What stands for itself in a list or after a sign of comparison: C, 否, 5, 红. */
function parseValue(c) {
  const token = c.take();
  if (token.kind === 'number') return { number: numberOf(token), text: token.raw };
  return token.kind === 'word' ? { text: token.raw, is: token.is } : c.fail('expected a value');
}

function parseValues(c) {
  const values = [];
  c.expect('(');
  do values.push(parseValue(c)); while (c.accept(','));
  c.expect(')');
  return values;
}

const HAS_VALUES = ['latest', 'current', 'level', 'kinship', 'labour'];

function parseComparison(c) {
  const left = parseSum(c);
  if (c.accept('属于')) return { op: 'in', of: left, values: parseValues(c) };
  if (!c.sees(...COMPARISONS)) return left;
  const sign = c.take();
  const node = HAS_VALUES.includes(left.op) ? { op: 'value', sign: sign.is, of: left, value: parseValue(c) } : { op: 'compare', sign: sign.is, left, right: parseSum(c) };
  c.policy.comparisons.set(node, sign); // where it stands in the text
  return node;
}

function parseSum(c) {
  let left = parseProduct(c);
  while (c.sees('+', '-')) left = { op: c.take().is === '+' ? 'plus' : 'minus', left, right: parseProduct(c) };
  return left;
}

function parseProduct(c) {
  let left = parsePrimary(c);
  while (c.sees('*', '/')) left = { op: c.take().is === '*' ? 'times' : 'over', left, right: parsePrimary(c) };
  return left;
}

function parsePrimary(c) {
  if (c.next?.kind === 'number') return { op: 'number', value: numberOf(c.take()) };
  const window = windowHere(c);
  if (window) return parseOfWindow(c, window);
  if (c.next?.kind !== 'word' && !c.sees('(', '-')) return c.fail('expected a condition or a quantity');
  const parse = PRIMARIES[c.next.is];
  if (parse) { c.take(); return parse(c); }
  if (c.next.is !== undefined) return c.fail('this word has no meaning here');
  return parseName(c);
}

function parseName(c) {
  const name = c.name();
  const { standards, definitions } = c.policy;
  if (standards.has(name)) return { op: 'standard', name, window: null };
  if (definitions.has(name)) return { op: 'definition', name };
  return c.fail(`nothing is named ${name}`);
}

const IN_WINDOW = { 曾有: 'held', 末日有: 'held_at_end', 发生: 'happened', 终止: 'ended', 有记录: 'recorded', 开始: 'began' };

function factName(c) {
  const name = c.name();
  return c.policy.facts.has(name) ? name : c.fail(`no fact is named ${name}`);
}

function parseOfWindow(c, window) {
  const verb = IN_WINDOW[c.next?.is];
  if (verb) { c.take(); return { op: verb, fact: factName(c), window }; }
  if (c.accept('不一致')) return parseDisagreement(c, window);
  if (c.accept('最新')) return { op: 'latest_amount', fact: factName(c), window };
  const name = c.name();
  if (c.policy.standards.has(name)) return { op: 'standard', name, window };
  return c.policy.facts.has(name) ? { op: 'amount', fact: name, window } : c.fail(`${name} has no window`);
}

/** Of amounts: the sources are further apart (gap) than what is said; its sign of comparison stands nowhere in the text. */
function parseDisagreement(c, window) {
  const fact = factName(c);
  if (c.policy.facts.get(fact).kind !== 'amount') return { op: 'disagree', fact };
  const right = c.acceptHere('超过') ? parseSum(c) : { op: 'number', value: fraction(0n) };
  return { op: 'compare', sign: '>', left: { op: 'gap', fact, window }, right };
}

function parseCurrent(c) {
  const fact = factName(c);
  const kind = c.policy.facts.get(fact).kind;
  if (kind === 'amount') return { op: 'current_amount', fact };
  return { op: 'current', fact, lasting: c.accept('满') ? lengthOf(c.take()) : null };
}

/** 12月, 2年, 30天 */
function lengthOf(token) {
  const { count, unit } = countOf(token);
  return unit === '天' ? { days: count } : { months: unit === '年' ? 12 * count : count };
}

function parseLatest(c) {
  const fact = factName(c);
  return c.policy.facts.get(fact).kind === 'amount' ? { op: 'latest_amount', fact, window: EVER } : { op: 'latest', fact };
}

/** NAME(set, expression): some need the second part, some may have it. */
function parseAggregate(op, more) {
  return (c) => {
    c.expect('(');
    const set = parseSet(c);
    const of = more === 'must' || c.sees(',') ? (c.expect(','), parseExpression(c)) : null;
    c.expect(')');
    return { op, set, of };
  };
}

function parseArguments(op, names) {
  return (c) => {
    const node = { op };
    c.expect('(');
    names.forEach((name, i) => {
      if (i > 0) c.expect(',');
      node[name] = parseExpression(c);
    });
    c.expect(')');
    return node;
  };
}

function parseIf(c) {
  const condition = parseExpression(c);
  c.expect('取');
  const yes = parseSum(c);
  c.expect('否则');
  return { op: 'if', condition, yes, no: parseSum(c) };
}

const PRIMARIES = {
  '(': (c) => { const inner = parseExpression(c); c.expect(')'); return inner; },
  '-': (c) => ({ op: 'minus', left: { op: 'number', value: fraction(0n) }, right: parsePrimary(c) }),
  未定: () => ({ op: 'undecided' }),
  农村: () => ({ op: 'area', area: 'rural' }),
  城市: () => ({ op: 'area', area: 'urban' }),
  年龄: () => ({ op: 'age' }),
  等级: () => ({ op: 'level' }),
  亲属: () => ({ op: 'kinship' }),
  劳动力: () => ({ op: 'labour' }),
  本户: (c) => ({ op: 'household', of: parsePrimary(c) }),
  现有: parseCurrent,
  最新: parseLatest,
  不一致: (c) => parseDisagreement(c, null),
  合计: parseAggregate('sum', 'must'),
  计数: parseAggregate('count', 'may'),
  存在: parseAggregate('any', 'must'),
  全都: parseAggregate('all', 'must'),
  最大: parseAggregate('maximum', 'must'),
  最小: parseAggregate('minimum', 'must'),
  申报: parseArguments('declared', ['condition', 'range', 'of']),
  含未知: parseArguments('has_unknown', ['of']),
  较大: parseArguments('larger', ['left', 'right']),
  较小: parseArguments('smaller', ['left', 'right']),
  若: parseIf,
};

// --- sets of people ------------------------------------------------------------------------------------------------------------

/** A 与 B 中 condition: read from the left, so the condition is asked of all before it. */
function parseSet(c) {
  let set = parseOneSet(c);
  for (;;) {
    if (c.accept('与')) set = { op: 'union', left: set, right: parseOneSet(c) };
    else if (c.accept('中')) set = { op: 'among', set, condition: parseExpression(c) };
    else return set;
  }
}

function parseOneSet(c) {
  if (c.accept('登记人员')) return { op: 'registered' };
  if (c.accept('本户')) return { op: 'itself' };
  if (c.accept('(')) { const set = parseSet(c); c.expect(')'); return set; }
  if (c.seesHere('成员')) { c.take(); return { op: 'people', name: '成员' }; }
  const name = c.name();
  return c.policy.people.has(name) ? { op: 'people', name } : c.fail(`no people are named ${name}`);
}

/** A word of the places' tables in Chinese: 配偶 for spouse. */
export const inChinese = (word, among) => (among.includes(word) ? word : WORDS.places.find(([chinese, english]) => english === word && among.includes(chinese))?.[0]);

// --- statements -----------------------------------------------------------------------------------------------------------------

const joined = (lines) => lines.flatMap((line) => line.tokens);

/** Units matter to the daemon's check alone: all amounts are yuan here, and the exact numbers say the rest. */
function skipUnit(c) {
  c.expect(':');
  while (!c.done && !c.sees('=', '按', '范围', '取')) c.take();
}

function parsePolicy(c) {
  c.take();
  const { policy } = c;
  policy.name = c.name();
  c.expect('版本');
  while (!c.sees('生效')) c.take(); // 2021.1, or whatever is written
  c.expect('生效');
  policy.effective = c.date();
}

function parseSource(c) {
  c.take();
  const name = c.name();
  const feed = c.name();
  c.policy.sources.set(name, feed);
  const trust = { days: 35, mayClear: true, swing: null }; // what a round trusts it for says nothing about one evaluation (life.mjs asks)
  while (c.next) {
    const word = c.take();
    if (word.is === '时效') trust.days = lengthOf(c.take()).days;
    if (word.is === '不可解警') trust.mayClear = false;
    if (word.is === '波动') trust.swing = parseSwing(c);
  }
  c.policy.trust.set(feed, trust);
}

/** ≤ 6 倍中位差 按乡镇 */
function parseSwing(c) {
  c.expect('<=');
  const [, digits, part, percent, unit] = c.take().match ?? [];
  if (!/^([1-9]\d?|100)$/.test(digits ?? '') || part || percent) c.fail('expected 1 to 100 before this');
  if (!(unit ? inChinese(unit, ['倍中位差']) : c.acceptHere('倍中位差'))) c.fail('expected 倍中位差');
  if (!c.acceptHere('按乡镇')) c.fail('expected 按乡镇');
  return Number(digits);
}

function parseStandard(c, lines) {
  c.take();
  const name = c.name();
  skipUnit(c);
  const values = lines.slice(1).map((line) => parseDatedRow(new Cursor(line.tokens, c.policy)));
  values.sort((a, b) => (a.from < b.from ? -1 : 1));
  c.policy.standards.set(name, values);
}

/** 2021-01-01 起 [至 2021-12-31] 农村 1.00 城市 2.00, or one value for both. */
function parseDatedRow(c) {
  const row = { from: c.date(), until: null };
  c.expect('起');
  if (c.accept('至')) row.until = c.date();
  while (!c.done) {
    const area = c.accept('农村', '城市')?.is;
    const value = parseSum(c);
    if (area !== '城市') row.rural = value;
    if (area !== '农村') row.urban = value;
  }
  return row;
}

function parseSetting(c, lines) {
  c.take();
  const name = c.name();
  skipUnit(c);
  if (c.accept('=')) c.policy.definitions.set(name, { kind: 'setting', of: parseExpression(c) });
  else parseStandard(new Cursor(lines[0].tokens, c.policy), lines);
}

function parseWindowStatement(c) {
  c.take();
  const name = c.name();
  c.expect('=');
  c.policy.windows.set(name, parseWindow(c));
}

const FACT_KINDS = { 元: 'amount', 是否: 'state', 事件: 'event', 代码: 'choice', 类: 'type', 级: 'grade' };

function parseFact(c) {
  c.take();
  const name = c.name();
  c.expect(':');
  const kind = Object.keys(FACT_KINDS).find((word) => c.seesHere(word)) ?? c.fail('expected the kind of a fact');
  const fact = { name, kind: FACT_KINDS[kind], first: [], by: [], position: c.policy.facts.size };
  c.take();
  while (!c.done && !c.sees('范围', '取')) c.take(); // 元/月/人
  if (c.accept('范围')) {
    fact.low = parseSum(c);
    c.expect('..');
    fact.high = parseSum(c);
  }
  c.expect('取');
  fact.code = c.name();
  if (c.accept('的')) c.take();
  for (;;) {
    if (c.accept('先')) while (!c.done && !c.sees('由')) fact.first.push(c.name());
    else if (c.accept('由')) while (!c.done && !c.sees('先')) fact.by.push(c.name());
    else break;
  }
  c.policy.facts.set(name, fact);
}

function parsePeople(c) {
  c.take();
  const name = c.acceptHere('成员') ? '成员' : c.name();
  c.expect('=');
  c.policy.people.set(name, parseSet(c));
}

function parseDefinition(kind) {
  return (c) => {
    c.take();
    const name = c.name();
    if (kind === 'compute') skipUnit(c);
    c.expect('=');
    c.policy.definitions.set(name, { kind, of: parseExpression(c) });
  };
}

/** 渐退 NAME 自 F, then rows: 18月 当 condition */
function parseGradualExit(c, lines) {
  c.take();
  const name = c.name();
  c.expect('自');
  const fact = factName(c);
  const rows = lines.slice(1).map((line) => {
    const row = new Cursor(line.tokens, c.policy);
    const window = { from: lengthOf(row.take()), until: { days: 0 } };
    return { window, fact, of: row.accept('当') ? parseExpression(row) : null };
  });
  c.policy.definitions.set(name, { kind: 'holds', of: { op: 'gradual_exit', rows, everybody: { op: 'union', left: { op: 'people', name: '成员' }, right: { op: 'itself' } } } });
}

function parseStatistic(c) {
  c.take();
  const name = c.name();
  while (!c.sees('=')) c.take(); // its title
  c.take();
  c.policy.statistics.set(name, parseExpression(c));
}

// --- clauses ---------------------------------------------------------------------------------------------------------------------

const CLAUSE_KINDS = { 红: 'red', 橙: 'orange', 黄: 'yellow', 核: 'verify', 查: 'check', 议: 'suggestion', 签: 'tag' };
const CLAUSE_LINES = ['依据', '除外', '限于', '当', '凭', '且', '某', '事由', '理由', '转介', '办理', '无成员亦查', '生效', '金额', '解除', '有效'];
const CONDITION_LINES = { 当: 'condition', 且: 'condition', 凭: 'evidence', 除外: 'except', 限于: 'only' };

const opened = (tokens) => tokens.reduce((depth, token) => depth + (token.is === '(' ? 1 : token.is === ')' ? -1 : 0), 0);

/** The lines of a clause, each with what continues it. */
function clauseLines(lines) {
  const items = [];
  for (const line of lines) {
    if (line.tokens.length === 0) continue; // a citation alone
    const begins = CLAUSE_LINES.includes(line.tokens[0].is) && (items.length === 0 || opened(items.at(-1).tokens) === 0);
    if (begins) items.push({ indent: line.indent, tokens: [...line.tokens] });
    else items.at(-1).tokens.push(...line.tokens);
  }
  return items;
}

/** 连续3轮, or 医保局 连续2批 */
function parseClear(line, clear) {
  const words = [];
  while (!line.done) words.push(line.take().raw);
  const [, source, count, unit] = /^(.*?) ?(?:连续|consecutive) ?(\d+) ?(批|轮|batch|batches|round|rounds)$/.exec(words.join(' ')) ?? line.fail('expected how many batches or rounds');
  if (/批|batch/.test(unit)) Object.assign(clear, { batches: Number(count), source: line.policy.sources.get(source) });
  else clear.rounds = Number(count);
}

function parseClause(c, lines) {
  const kind = CLAUSE_KINDS[c.take().is];
  const rule = c.name();
  const clause = { rule, kind, title: lines[0].tokens.slice(2).map((token) => token.raw).join(''), lines: [], amounts: [], some: null, from: null, until: null, withoutMembers: false, clear: { rounds: 0, batches: 0, source: null } };
  let some = null; // the indentation of 某
  for (const { indent, tokens } of clauseLines(lines.slice(1))) {
    const line = new Cursor(tokens, c.policy);
    const word = line.take().is;
    if (some !== null && indent <= some) some = null;
    if (word in CONDITION_LINES) {
      const into = some !== null ? clause.some.lines : clause.lines;
      into.push({ role: CONDITION_LINES[word], of: parseExpression(line), text: tokens.map((token) => token.raw).join(' ') });
    } else if (word === '某') {
      some = indent;
      clause.some = { set: parseSet(line), lines: [] };
    } else if (word === '生效') {
      clause.from = line.date();
      if (line.accept('至')) clause.until = line.date();
    } else if (word === '解除') {
      parseClear(line, clause.clear);
    } else if (word === '无成员亦查') {
      clause.withoutMembers = true;
    } else if (word === '金额') {
      const named = tokens[2]?.is === '=' ? line.name() : null;
      line.accept('=');
      clause.amounts.push({ name: named, of: parseSum(line) });
    }
  }
  c.policy.clauses.push(clause);
}

const STATEMENTS = {
  政策: parsePolicy, 文件: () => {}, 来源: parseSource, 标准: parseStandard, 设定: parseSetting, 时段: parseWindowStatement,
  事实: parseFact, 人群: parsePeople, 逐人: parseDefinition('each'), 断: parseDefinition('holds'), 算: parseDefinition('compute'),
  统计: parseStatistic, 渐退: parseGradualExit, 例: (c) => c.policy.examples.push(c), 试算: () => {}, 等效: () => {},
  ...Object.fromEntries(Object.keys(CLAUSE_KINDS).map((word) => [word, parseClause])),
};

const WITH_ROWS = ['标准', '设定', '试算', '渐退'];

/** The policy as a tree. Examples are left as tokens (examples.mjs reads them). */
export function parsePolicyText(text) {
  const keywords = /^\uFEFF?(?:\s*#.*\n|\s*\n)*policy\b/.test(text) ? ENGLISH : CHINESE;
  const policy = { sources: new Map(), trust: new Map(), standards: new Map(), windows: new Map(), facts: new Map(), people: new Map(), definitions: new Map(),
    statistics: new Map(), clauses: [], examples: [], comparisons: new Map(), chinese: keywords === CHINESE };
  for (const { head, lines } of readStatements(text, keywords)) {
    const parse = STATEMENTS[head.is];
    if (!parse) throw new Error(`line ${head.line + 1}: ${head.raw} begins no statement`);
    const whole = parse === parseClause || WITH_ROWS.includes(head.is) ? lines[0].tokens : joined(lines);
    parse(new Cursor(head.is === '设定' && lines[0].tokens.some((token) => token.is === '=') ? joined(lines) : whole, policy), lines);
  }
  return policy;
}

export { Cursor, countOf, numberOf, parseValue };
