// SPDX-License-Identifier: PostgreSQL
// The examples (例) of a policy, run through the naive evaluator: each is a household in memory, and what must come out of it.
//
//   node examples.mjs POLICY      prints what came out otherwise; exits 1 if anything did
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { DICTIONARY, choiceNamed, minusMonths } from './county.mjs';
import { fraction, order } from './fraction.mjs';
import { countOf, inChinese, numberOf, parsePolicyText } from './language.mjs';
import { evaluateHousehold } from './policy.mjs';

// --- which facts are read of the household alone: those are the household's when an example does not say whose ----------------

const CODED = ['type', 'grade'];

/** Marks every fact that is read of a person; `person` says whom the expression at hand is about. */
function mark(policy, node, person, read) {
  if (!node || typeof node !== 'object') return;
  if (Array.isArray(node)) { node.forEach((one) => mark(policy, one, person, read)); return; }
  if (node.op === 'household') { mark(policy, node.of, false, read); return; }
  if (node.op === 'people') { mark(policy, policy.people.get(node.name), true, read); return; }
  if (node.op === 'definition') {
    const { kind, of } = policy.definitions.get(node.name);
    mark(policy, of, kind === 'each' && person, read);
    return;
  }
  if (node.fact !== undefined) (person ? read.persons : read.households).add(policy.facts.get(node.fact).code);
  if (node.set !== undefined && ['sum', 'count', 'any', 'all', 'maximum', 'minimum'].includes(node.op)) {
    mark(policy, node.set, true, read);
    mark(policy, node.of, true, read);
    return;
  }
  if (node.op === 'gradual_exit') {
    mark(policy, node.everybody, true, read);
    for (const { fact, of } of node.rows) { mark(policy, { op: 'ended', fact }, true, read); mark(policy, { op: 'ended', fact }, false, read); mark(policy, of, false, read); }
    return;
  }
  if (node.op === 'among') { mark(policy, node.set, true, read); mark(policy, node.condition, true, read); return; }
  Object.values(node).forEach((child) => mark(policy, child, person, read));
}

/** The codes that are read of persons, and of households. */
export function codesRead(policy) {
  const read = { persons: new Set(), households: new Set() };
  for (const clause of policy.clauses) {
    clause.lines.forEach((line) => mark(policy, line.of, false, read));
    if (!clause.some) continue;
    mark(policy, clause.some.set, true, read);
    clause.some.lines.forEach((line) => mark(policy, line.of, true, read));
  }
  for (const of of policy.statistics.values()) mark(policy, of, false, read);
  mark(policy, policy.people.get('成员'), true, read);
  return read;
}

// --- reading -----------------------------------------------------------------------------------------------------------------

const personNumber = (token) => /^(?:人|person)(\d+)$/.exec(token?.raw ?? '')?.[1];

/** Everything between the date and 得. */
function readHousehold(c, example, policy, ownCodes) {
  let subject = null, justSaid = false; // whom the facts that follow are about; null: nobody was named
  const mentioned = new Set();
  while (!c.sees('得')) {
    const person = personNumber(c.next);
    if (c.accept('同上')) continue;
    if (c.accept('日期')) example.date = c.date();
    else if (c.sees('农村', '城市')) example.area = c.take().is === '农村' ? 'rural' : 'urban';
    else if (c.acceptHere('人口')) example.persons = peopleOf(countOf(c.take()).count, example.persons);
    else if (person !== undefined) { c.take(); subject = Number(person) - 1; justSaid = true; continue; }
    else if (c.acceptHere('户') ?? c.accept('本户')) { subject = 'household'; justSaid = true; continue; }
    else if (c.accept('年龄')) example.persons[subject ?? 0] = { ...example.persons[subject ?? 0], age: countOf(c.take()).count };
    else if (c.accept('生日')) example.persons[subject ?? 0] = { ...example.persons[subject ?? 0], age: null, birth: c.accept('?') ? null : c.date() };
    else if (c.accept('亲属')) example.persons[subject ?? 0] = { ...example.persons[subject ?? 0], kinship: readWord(c, KINSHIP) };
    else if (c.accept('劳动力')) example.persons[subject ?? 0] = { ...example.persons[subject ?? 0], labour: readWord(c, LABOUR) };
    else readFact(c, example, policy, ownCodes, { subject, justSaid }, mentioned);
    justSaid = false;
  }
}

/** 子, 完全, or ? for what the register does not say; given as the register writes it. */
function readWord(c, words) {
  if (c.accept('?')) return null;
  const token = c.take();
  return words[inChinese(token.raw, Object.keys(words)) ?? token.is];
}
const KINSHIP = { 户主: '02', 配偶: '10', 子: '20', 女: '30', 孙辈: '40', 父母: '50', 祖父母: '60', 兄弟姐妹: '70', 其他: '80' };
const LABOUR = { 完全: 'full', 部分: 'weak', 无: 'none' };
const peopleOf = (count, before) => Array.from({ length: count }, (_, i) => before[i] ?? { age: 40 });

function readFact(c, example, policy, ownCodes, { subject, justSaid }, mentioned) {
  const name = c.name();
  const declared = policy.facts.get(name) ?? c.fail(`no fact is named ${name}`);
  // What nobody asks a person for is the household's, unless a person stands right before it.
  const whose = !justSaid && ownCodes(declared.code) ? 'household' : subject ?? 0;
  const key = `${whose} ${declared.code}`;
  // What is named again replaces what came with 同上.
  if (!mentioned.has(key)) example.facts = example.facts.filter((fact) => fact.inherited !== true || fact.key !== key);
  mentioned.add(key);
  if (c.accept('无')) return;
  const fact = { key, whose, code: declared.code, kind: DICTIONARY.get(declared.code).kind, value: readFactValue(c, declared, policy), from: null, to: '', source: 'register' };
  for (;;) {
    if (c.accept('自')) fact.from = c.date();
    else if (c.accept('至')) fact.to = c.date();
    else if (c.accept('由')) fact.source = policy.sources.get(c.name());
    else break;
  }
  example.facts.push(fact);
}

/** The value as a county's reader has it: fen, null for what is not known, yes or no, a choice, a certificate. */
function readFactValue(c, declared) {
  const certificate = { type: '4', grade: '4' };
  if (declared.code === 'disability.certificate') {
    for (;;) {
      if (c.acceptHere('类别')) certificate.type = String(countOf(c.take()).count);
      else if (c.accept('等级') ?? c.acceptHere('等级')) certificate.grade = String(countOf(c.take()).count);
      else break;
    }
    if (c.accept('否')) throw new Error('a certificate has no no');
    return '0'.repeat(18) + certificate.type + certificate.grade;
  }
  c.accept('=');
  const relief = DICTIONARY.get(declared.code).kind === 'relief'; // a ? is one of which nobody said how much
  if (c.accept('?')) return relief ? 'yes' : null;
  if (declared.kind === 'choice') return choiceNamed(declared.code, c.take().raw);
  if (c.accept('否')) return 'no';
  if (c.accept('是')) return 'yes';
  if (c.next?.kind === 'number') return amountOf(c.take(), relief ? 'relief' : declared.kind);
  return 'yes';
}

function amountOf(token, kind) {
  const value = numberOf(token);
  const fen = (value.n * 100n) / value.d;
  if (order(fraction(fen, 100n), value) !== 0) throw new Error(`line ${token.line + 1}: ${token.raw} is no whole number of fen`);
  return kind === 'amount' ? fen : token.raw;
}

const LEVELS = { 红: 'red', 橙: 'orange', 黄: 'yellow', 核: 'verify' };
const OUTCOMES = { 查: 'fires', 议: 'fires', 签: 'fires', 待核: 'to_verify', 未定: 'undecided' };

/** 金额 [name] 1200.00, or 0.00..4500.00 */
function readAmount(c, rule) {
  const name = c.next?.kind === 'word' ? c.name() : null;
  const low = amountOf(c.take(), 'amount');
  return { rule, name, low, high: c.accept('..') ? amountOf(c.take(), 'amount') : low };
}

function readExpectations(c, rules) {
  const expected = { level: null, clauses: [], amounts: [] };
  const rank = ['red', 'orange', 'yellow', 'verify'];
  c.expect('得');
  while (!c.done) {
    const word = c.take().is;
    const named = [];
    while (rules.has(c.next?.raw)) {
      named.push(c.take().raw);
      while (c.accept('金额')) expected.amounts.push(readAmount(c, named.at(-1)));
    }
    if (word in LEVELS && (expected.level === null || rank.indexOf(LEVELS[word]) < rank.indexOf(expected.level))) expected.level = LEVELS[word];
    if (word === '无' && named.length === 0) expected.level = 'none';
    const outcome = word in LEVELS ? 'fires' : word === '无' ? 'not' : OUTCOMES[word] ?? c.fail('expected an outcome');
    expected.clauses.push(...named.map((rule) => ({ rule, outcome })));
  }
  return expected;
}

/** All examples of a policy in turn: 同上 goes on from the one before. */
export function readExamples(policy) {
  const rules = new Set(policy.clauses.map(({ rule }) => rule));
  const read = codesRead(policy);
  const ownCodes = (code) => read.households.has(code) && !read.persons.has(code);
  let before = { persons: [], facts: [] };
  return policy.examples.map((c) => {
    c.at = 1; // after 例
    const line = c.next.line + 1, clause = c.name();
    while (!c.sees('日期', '同上')) c.take(); // what the example is called
    const fresh = !c.sees('同上');
    const example = fresh ? { persons: [], facts: [] }
      : { ...before, persons: before.persons.map((person) => ({ ...person })), facts: before.facts.map((fact) => ({ ...fact, inherited: true })) };
    readHousehold(c, example, policy, ownCodes);
    before = { ...example, line, clause, expected: readExpectations(c, rules) };
    return before;
  });
}

// --- running --------------------------------------------------------------------------------------------------------------------

const DEFAULT_MONTHS = 36; // a state has been for three years
const isState = (kind) => !['amount', 'event'].includes(kind);

function subjectsOfExample(example) {
  const persons = example.persons.map((person, i) => ({ key: `person ${i}`, id: null, kinship: person.kinship ?? null, labour: person.labour ?? null,
    birth: person.age == null ? person.birth : minusMonths(example.date, 12 * person.age) }));
  return { key: 'household 0', no: '0', area: example.area, persons };
}

function factsOfExample(example) {
  const facts = new Map();
  example.facts.forEach((fact, row) => {
    const key = fact.whose === 'household' ? 'household 0' : `person ${fact.whose}`;
    if (!facts.has(key)) facts.set(key, new Map());
    const codes = facts.get(key);
    if (!codes.has(fact.code)) codes.set(fact.code, new Map());
    const sources = codes.get(fact.code);
    if (!sources.has(fact.source)) sources.set(fact.source, []);
    // Without a beginning: three years ago; what ended before that began when it ended.
    const start = isState(fact.kind) ? minusMonths(example.date, DEFAULT_MONTHS) : fact.to || example.date;
    const from = fact.from ?? (fact.to !== '' && fact.to < start ? fact.to : start);
    sources.get(fact.source).push({ ...fact, from, batch: 0, row });
  });
  return facts;
}

/** The examples as households of another day: everything that they date is moved by as many months. */
export function homesOfExamples(policy, D) {
  const monthsOf = (day) => 12 * Number(day.slice(0, 4)) + Number(day.slice(5, 7));
  return readExamples(policy).map((example) => {
    const move = (day) => (day ? minusMonths(day, monthsOf(example.date) - monthsOf(D)) : day);
    const { area, persons } = subjectsOfExample(example);
    const facts = [...factsOfExample(example)].flatMap(([key, codes]) => [...codes.values()].flatMap((sources) => [...sources.values()].flat())
      .map(({ code, value, from, to, source }) => ({ whose: key.startsWith('household') ? 'household' : Number(key.split(' ')[1]), code, value, from: move(from), to: move(to), source })));
    return { rule: example.clause, home: { area, facts, persons: persons.map(({ birth, kinship, labour }) => ({ birth: move(birth) ?? null, kinship, labour })) } };
  });
}

/** What came out otherwise, in words; empty when all is as expected. */
export function runExample(policy, example) {
  const { level, outcomes } = evaluateHousehold(policy, factsOfExample(example), subjectsOfExample(example), example.date);
  const faults = [];
  const { expected } = example;
  if (expected.level !== null && expected.level !== level) faults.push(`line ${example.line}: level ${expected.level} expected, ${level} found`);
  for (const { rule, outcome } of expected.clauses) {
    const found = outcomes.find((one) => one.rule === rule).status;
    const right = outcome === 'not' ? ['absent', 'no'].includes(found) : found === outcome;
    if (!right) faults.push(`line ${example.line}: ${rule} ${outcome} expected, ${found} found`);
  }
  for (const { rule, name, low, high } of expected.amounts) {
    const { amounts } = outcomes.find((one) => one.rule === rule);
    const found = amounts.find((amount) => amount.name === name) ?? (name === null ? amounts[0] : undefined);
    if (found?.low !== low || found?.high !== high) faults.push(`line ${example.line}: ${rule} ${name ?? ''} ${low}..${high} fen expected, ${found?.low}..${found?.high} found`);
  }
  return faults;
}

export const runExamples = (policy) => readExamples(policy).flatMap((example) => runExample(policy, example));

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const policy = parsePolicyText(readFileSync(process.argv[2], 'utf8'));
  const faults = runExamples(policy);
  faults.forEach((fault) => console.log(fault));
  console.log(`${policy.examples.length} examples, ${faults.length} faults`);
  process.exit(faults.length > 0 ? 1 : 0);
}
