// SPDX-License-Identifier: PostgreSQL
// A naive evaluator of the policy language: one household after another, down the tree, every definition computed again wherever it is
// named, exact fractions. It follows docs/policy-language.md and shares nothing with the daemon's machine. First round only: no
// warnings stand yet.
//
//   node policy.mjs POLICY COUNTY_DIR DATE      prints what `shouwangctl warnings --json` prints after a first round
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { DICTIONARY, FEEDS, birthOf, choiceNamed, minusMonths, plusDays, readCounty } from './county.mjs';
import * as f from './fraction.mjs';
import { inChinese, parsePolicyText } from './language.mjs';

// --- three values: true, false, null (undecided) ---------------------------------------------------------------------------

export const and = (values) => (values.includes(false) ? false : values.includes(null) ? null : true);
export const or = (values) => (values.includes(true) ? true : values.includes(null) ? null : false);
export const not = (value) => (value === null ? null : !value);

/** The same, without asking further once it is false. */
function andEach(list, ask) {
  let whole = true;
  for (const item of list) {
    const value = ask(item);
    if (value === false) return false;
    if (value === null) whole = null;
  }
  return whole;
}

const less = (a, b) => (f.order(a.high, b.low) < 0 ? true : f.order(a.low, b.high) >= 0 ? false : null);
function equal(a, b) {
  if (f.order(a.high, b.low) < 0 || f.order(b.high, a.low) < 0) return false;
  return f.order(a.low, a.high) === 0 && f.order(b.low, b.high) === 0 ? true : null;
}
const COMPARE = {
  '<': less, '>': (a, b) => less(b, a), '<=': (a, b) => not(less(b, a)), '>=': (a, b) => not(less(a, b)), '=': equal, '!=': (a, b) => not(equal(a, b)),
};

// --- time --------------------------------------------------------------------------------------------------------------------

const moved = new Map(); // the calendar is asked the same few questions all the time: D -> span -> day
function back(D, span) {
  if (!moved.has(D)) moved.set(D, new Map());
  const days = moved.get(D);
  if (!days.has(span)) days.set(span, goBack(D, span));
  return days.get(span);
}
const goBack = (D, span) => (span.months !== undefined ? minusMonths(D, span.months) : plusDays(D, -span.days));
/** The days after `after` (null: since ever) up to `until`. */
const windowOn = (D, { from, until }) => ({ after: from && back(D, from), until: back(D, until) });
const within = (day, { after, until }) => (after === null || day > after) && day <= until;

/** Completed years; somebody born on 29 February completes one on 1 March of a common year. */
function ageOn(D, birth) {
  return Number(D.slice(0, 4)) - Number(birth.slice(0, 4)) - (D.slice(5) < birth.slice(5) ? 1 : 0);
}

// --- facts of a subject ------------------------------------------------------------------------------------------------------

/** Whom to believe of this fact, the first first: 先, then the declared sources, then other feeds, then the register. */
function placeOf(env, fact, source) {
  const order = [fact.first.map((name) => env.policy.sources.get(name)), [...env.policy.sources.values()], FEEDS, ['register']];
  const list = order.findIndex((sources) => sources.includes(source));
  return 1000 * list + order[list].indexOf(source);
}

/** What the first source says that says anything (of what `counts`). */
function believed(env, fact, counts) {
  const lists = env.facts.get(env.subject.key)?.get(fact.code);
  if (!lists) return [];
  const told = [...lists].map(([source, list]) => [source, list.filter(counts)]).filter(([, list]) => list.length > 0);
  told.sort(([a], [b]) => placeOf(env, fact, a) - placeOf(env, fact, b));
  return told.length > 0 ? told[0][1] : [];
}

const exists = (env) => (one) => one.from <= env.D;
const statesOf = (env, fact) => believed(env, fact, exists(env));
const holds = (one) => one.value !== 'no';
const activeOn = (one, day) => one.from <= day && (one.to === '' || one.to >= day);
const dayOf = (one) => one.to || one.from; // an amount belongs to its last day

/** An amount as an interval: what is not known, or lies outside of what is declared, is anything that is declared. */
function amountOf(env, fact, one) {
  const low = value(env, fact.low).low, high = value(env, fact.high).high;
  const known = one.value !== null && f.fraction(one.value, 100n);
  if (known && f.order(low, known) <= 0 && f.order(known, high) <= 0) return { ...f.exactly(known), known: true };
  return { low, high, known: false };
}

/** What a relief pays a month; not known where only that it is paid was said (0.00 and 0.01 say no more). */
function reliefOf(env, fact, one) {
  const fen = /^\d/.test(one.value) ? BigInt(Math.round(Number(one.value) * 100)) : null;
  return amountOf(env, fact, { value: fen !== null && fen > 1n ? fen : null });
}

const amountsIn = (env, fact, window) => believed(env, fact, (one) => within(dayOf(one), window)).map((one) => amountOf(env, fact, one));

/** Of the believed source all amounts of the greatest day, and only those. */
function latestAmounts(env, fact, window) {
  const list = believed(env, fact, (one) => within(dayOf(one), window));
  const latest = list.map(dayOf).sort().at(-1);
  return list.filter((one) => dayOf(one) === latest).map((one) => amountOf(env, fact, one));
}

/** What each source says of the subject at all: source and facts, of those that count. */
const saidBy = (env, fact, counts) => [...(env.facts.get(env.subject.key)?.get(fact.code) ?? [])].map(([, list]) => list.filter(counts)).filter((list) => list.length > 0);

/** How far apart the sources are that are furthest apart: at least and at most. */
function gapOf(env, node) {
  const fact = factOf(env, node), isRelief = DICTIONARY.get(fact.code).kind === 'relief';
  const window = isRelief ? null : windowOn(env.D, node.window);
  const sums = isRelief
    ? saidBy(env, fact, exists(env)).map((list) => list.filter((one) => activeOn(one, env.D) && holds(one)).map((one) => reliefOf(env, fact, one)))
    : saidBy(env, fact, (one) => within(dayOf(one), window)).map((list) => list.map((one) => amountOf(env, fact, one)));
  const totals = sums.map((list) => list.reduce(f.plus, f.exactly(f.ZERO)));
  const pairs = totals.flatMap((a) => totals.filter((b) => b !== a).map((b) => f.minus(a, b))); // both ways round
  return pairs.reduce(f.larger, f.exactly(f.ZERO));
}

/** A state: one source has it and another, which knows of it, has not. A code: the latest values differ. */
function disagreement(env, node) {
  const fact = factOf(env, node);
  const says = fact.kind === 'state'
    ? saidBy(env, fact, exists(env)).map((list) => list.some((one) => activeOn(one, env.D) && holds(one)))
    : saidBy(env, fact, (one) => exists(env)(one) && activeOn(one, env.D)).map((list) => valueOf(fact, list.reduce((best, one) => (isLater(one, best) ? one : best))));
  return new Set(says).size > 1;
}

const isLater = (a, b) => (a.from !== b.from ? a.from > b.from : a.batch !== b.batch ? a.batch > b.batch : a.row > b.row);

function latestOf(env, fact) {
  const active = statesOf(env, fact).filter((one) => activeOn(one, env.D));
  return active.reduce((best, one) => (best === null || isLater(one, best) ? one : best), null);
}

/** The value as the fact's kind sees it: yes or no, a choice, or the type or grade of a certificate. */
function valueOf(fact, one) {
  if (fact.kind === 'type') return one.value[18];
  if (fact.kind === 'grade') return one.value[19];
  if (fact.kind === 'choice') return one.value;
  return one.value === 'no' ? 'no' : 'yes';
}

// --- conditions ----------------------------------------------------------------------------------------------------------------

const factOf = (env, node) => env.policy.facts.get(node.fact);
export const about = ({ policy, facts, D, household, level }, subject) => ({ policy, facts, D, household, level, subject });
export const asHousehold = (env) => (env.subject === env.household ? env : about(env, env.household));

const WORDS = { 是: 'yes', 否: 'no', 红: 'red', 橙: 'orange', 黄: 'yellow', 核: 'verify', 无: 'none' };
const namedValue = (item) => item.number !== undefined && item.is === undefined ? item.text : WORDS[item.is] ?? item.text;

/** What stands left of 属于 or of a sign with a value: the texts of which one must match; null when it cannot be known. */
const VALUES = {
  latest: (env, node) => { const one = latestOf(env, factOf(env, node)); return one ? [valueOf(factOf(env, node), one)] : []; },
  current: (env, node) => lasting(env, node, statesOf(env, factOf(env, node))).map((one) => valueOf(factOf(env, node), one)),
  level: (env) => [env.level()],
  // Null when the register does not say.
  kinship: (env) => (env.subject.kinship ? [KINSHIP[env.subject.kinship[0]]] : null),
  labour: (env) => (env.subject.labour ? [LABOUR[env.subject.labour]] : null),
};

const KINSHIP = ['户主', '配偶', '子', '女', '孙辈', '父母', '祖父母', '兄弟姐妹', '其他', '其他']; // by the first digit
const LABOUR = { full: '完全', weak: '部分', none: '无' };

/** The value as VALUES has it. */
function wantedValue(env, node, item) {
  if (node.op === 'kinship') return inChinese(item.text, KINSHIP);
  if (node.op === 'labour') return inChinese(item.text, Object.values(LABOUR)) ?? item.is;
  return node.op === 'level' ? namedValue(item) : choiceNamed(factOf(env, node).code, namedValue(item));
}

function compareValue(env, node) {
  const texts = VALUES[node.of.op](env, node.of);
  if (texts === null) return null;
  const wanted = wantedValue(env, node.of, node.value);
  if (node.sign === '=') return texts.some((text) => text === wanted);
  if (node.sign === '!=') return texts.some((text) => text !== wanted);
  return texts.some((text) => COMPARE[node.sign](f.exactly(f.fraction(BigInt(text))), f.exactly(node.value.number)) === true);
}

/** Active on D, and (满) for so long. */
const lasting = (env, node, list) => list.filter((one) => activeOn(one, env.D) && (!node.lasting || one.from <= back(env.D, node.lasting)));

/** Has any source said anything of the fact in the window, whatever it said? */
function isRecorded(env, node) {
  const fact = factOf(env, node), window = windowOn(env.D, node.window);
  const { kind } = DICTIONARY.get(fact.code);
  const lists = [...(env.facts.get(env.subject.key)?.get(fact.code)?.values() ?? [])].flat();
  if (kind === 'amount') return lists.some((one) => within(dayOf(one), window));
  if (kind === 'event') return lists.some((one) => one.from <= env.D && within(one.from, window));
  return lists.some((one) => one.from <= env.D && one.from <= window.until && (one.to === '' || window.after === null || one.to > window.after));
}

const inWindow = (test) => (env, node) => {
  const window = windowOn(env.D, node.window);
  return statesOf(env, factOf(env, node)).filter(holds).some((one) => test(one, window, env));
};

const CONDITIONS = {
  undecided: () => null,
  and: (env, { parts }) => andEach(parts, (part) => truth(env, part)),
  or: (env, { parts }) => not(andEach(parts, (part) => not(truth(env, part)))),
  not: (env, { of }) => not(truth(env, of)),
  area: (env, { area }) => env.household.area === area,
  household: (env, { of }) => truth(asHousehold(env), of),
  definition: (env, { name }) => {
    const { kind, of } = env.policy.definitions.get(name);
    return truth(kind === 'each' ? env : asHousehold(env), of);
  },
  compare: (env, { sign, left, right }) => {
    const a = value(env, left), b = value(env, right);
    return a === null || b === null ? null : COMPARE[sign](a, b);
  },
  value: compareValue,
  in: (env, node) => {
    const texts = VALUES[node.of.op](env, node.of);
    return texts && texts.some((text) => node.values.some((item) => wantedValue(env, node.of, item) === text));
  },
  // Somebody had it, lost it less than so long ago and has not got it again; any row does.
  gradual_exit: (env, { rows, everybody: set }) => or(rows.map(({ of, ...row }) => and([of ? truth(env, of) : true,
    or(everybody(env, set).map(({ subject, belongs }) => and([belongs, CONDITIONS.ended(about(env, subject), row), not(CONDITIONS.current(about(env, subject), row))])))]))),
  current: (env, node) => lasting(env, node, statesOf(env, factOf(env, node)).filter(holds)).length > 0,
  recorded: isRecorded,
  disagree: disagreement,
  began: inWindow((one, window) => within(one.from, window)),
  held: inWindow((one, { after, until }) => one.from <= until && (one.to === '' || after === null || one.to > after)),
  held_at_end: inWindow((one, { until }) => activeOn(one, until)),
  happened: inWindow((one, window) => within(one.from, window)),
  ended: inWindow((one, window) => one.to !== '' && within(one.to, window)),
  any: (env, { set, of }) => not(andEach(everybody(env, set), ({ subject, belongs }) => not(and([belongs, truth(about(env, subject), of)])))),
  all: (env, { set, of }) => andEach(everybody(env, set), ({ subject, belongs }) => or([not(belongs), truth(about(env, subject), of)])),
  has_unknown: (env, { of }) => { const { low, high } = value(env, of); return f.order(low, high) !== 0; },
};

export function truth(env, node) {
  const evaluate = CONDITIONS[node.op];
  if (!evaluate) throw new Error(`${node.op} is no condition`);
  return evaluate(env, node);
}

// --- quantities: intervals; null is an age of which nothing is known --------------------------------------------------------------

const two = (operation) => (env, { left, right }) => {
  const a = value(env, left), b = value(env, right);
  return a === null || b === null ? null : operation(a, b);
};

const QUANTITIES = {
  number: (env, node) => f.exactly(node.value),
  plus: two(f.plus), minus: two(f.minus), times: two(f.times), over: two(f.over), larger: two(f.larger), smaller: two(f.smaller),
  household: (env, { of }) => value(asHousehold(env), of),
  definition: (env, { name }) => value(asHousehold(env), env.policy.definitions.get(name).of),
  standard: (env, node) => standardOn(env, node),
  amount: (env, node) => amountsIn(env, factOf(env, node), windowOn(env.D, node.window)).reduce(f.plus, f.exactly(f.ZERO)),
  latest_amount: (env, node) => latestAmounts(env, factOf(env, node), windowOn(env.D, node.window)).reduce(f.plus, f.exactly(f.ZERO)),
  current_amount: (env, node) => lasting(env, node, statesOf(env, factOf(env, node)).filter(holds)).map((one) => reliefOf(env, factOf(env, node), one)).reduce(f.plus, f.exactly(f.ZERO)),
  gap: gapOf,
  age: (env) => (env.subject.birth ? f.exactly(f.fraction(BigInt(ageOn(env.D, env.subject.birth)))) : null),
  sum: (env, { set, of }) => everybody(env, set).map(({ subject, belongs }) => perhaps(belongs, value(about(env, subject), of))).reduce(f.plus, f.exactly(f.ZERO)),
  count: (env, { set, of }) => everybody(env, set)
    .map(({ subject, belongs }) => perhaps(and([belongs, of ? truth(about(env, subject), of) : true]), f.exactly(f.fraction(1n))))
    .reduce(f.plus, f.exactly(f.ZERO)),
  maximum: (env, { set, of }) => everybody(env, set).map(({ subject, belongs }) => perhaps(belongs, value(about(env, subject), of))).reduce(f.larger, f.exactly(f.ZERO)),
  minimum: (env, { set, of }) => leastOf(everybody(env, set).map(({ subject, belongs }) => ({ belongs, interval: value(about(env, subject), of) }))),
  declared: (env, { condition, range, of }) => {
    const known = value(env, of);
    return truth(env, condition) === true ? known : { low: known.low, high: f.add(known.high, value(env, range).high) };
  },
  if: (env, { condition, yes, no }) => {
    const decided = truth(env, condition);
    return decided === null ? f.hull(value(env, yes), value(env, no)) : value(env, decided ? yes : no);
  },
};

export function value(env, node) {
  const evaluate = QUANTITIES[node.op];
  if (!evaluate) throw new Error(`${node.op} is no quantity`);
  return evaluate(env, node);
}

/** What somebody adds who belongs for certain, not at all, or perhaps. */
function perhaps(belongs, interval) {
  if (belongs === false) return f.exactly(f.ZERO);
  return belongs === true ? interval : f.hull(interval, f.exactly(f.ZERO));
}

/** The least of people of whom somebody belongs for certain. */
function leastOf(people) {
  const possible = people.filter(({ belongs }) => belongs !== false), certain = people.filter(({ belongs }) => belongs === true);
  return { low: f.least(possible.map(({ interval }) => interval.low)), high: f.least(certain.map(({ interval }) => interval.high)) };
}

// --- standards ---------------------------------------------------------------------------------------------------------------------

function rowOn(rows, day) {
  const row = rows.filter(({ from, until }) => from <= day && (until === null || until >= day)).at(-1);
  if (!row) throw new Error(`a standard has no value on ${day}`);
  return row;
}

const monthOf = (day) => Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7)) - 1;
const firstOf = (month) => `${String(Math.floor(month / 12)).padStart(4, '0')}-${String((month % 12) + 1).padStart(2, '0')}-01`;

/** The days whose values are averaged: the first of each month of a window of whole months when all changes are on one, else every day. */
function daysOf(rows, D, window) {
  const { after, until } = windowOn(D, window);
  const wholeMonths = window.from.months !== undefined && (window.until.months !== undefined || window.until.days === 0);
  const days = [];
  if (wholeMonths && rows.slice(1).every(({ from }) => from.endsWith('-01')))
    for (let month = monthOf(after) + 1; month <= monthOf(until); month++) days.push(firstOf(month));
  else for (let day = plusDays(after, 1); day <= until; day = plusDays(day, 1)) days.push(day);
  return days;
}

function standardOn(env, { name, window }) {
  const rows = env.policy.standards.get(name);
  const valueOn = (day) => value(env, rowOn(rows, day)[env.household.area]);
  if (window === null) return valueOn(env.D);
  const days = daysOf(rows, env.D, window);
  return f.over(days.map(valueOn).reduce(f.plus), f.exactly(f.fraction(BigInt(days.length))));
}

// --- people --------------------------------------------------------------------------------------------------------------------------

/** Everybody of the household (and perhaps itself), each with: true, false or undecided whether he belongs to the set. */
export function everybody(env, set) {
  const { household } = env;
  return [...household.persons, household].map((subject) => ({ subject, belongs: belongsTo(env, set, subject) })).filter(({ belongs }) => belongs !== false);
}

function belongsTo(env, set, subject) {
  switch (set.op) {
    case 'registered': return subject !== env.household;
    case 'itself': return subject === env.household;
    case 'people': return belongsTo(env, env.policy.people.get(set.name), subject);
    case 'union': return or([belongsTo(env, set.left, subject), belongsTo(env, set.right, subject)]);
    default: return andEach([set.set, null], (inner) => (inner ? belongsTo(env, inner, subject) : subject !== env.household && truth(about(env, subject), set.condition)));
  }
}

// --- clauses ---------------------------------------------------------------------------------------------------------------------------

const conjunct = (env, { role, of, text }) => ({ role, text, value: role === 'except' ? not(truth(env, of)) : truth(env, of) });

/** fires, no, to_verify (undecided with evidence) or undecided. */
function statusOf(conjuncts) {
  const whole = and(conjuncts.map((one) => one.value));
  if (whole !== null) return whole ? 'fires' : 'no';
  return conjuncts.some((one) => one.role === 'evidence' && one.value === true) ? 'to_verify' : 'undecided';
}

const STRONGEST = ['fires', 'to_verify', 'undecided', 'no'];
const strongest = (statuses) => STRONGEST.find((status) => statuses.includes(status)) ?? 'no';

const inForce = (clause, D) => (!clause.from || D >= clause.from) && (!clause.until || D <= clause.until);

/** Of several versions of a clause the one in force; while none is, the last one before, else the first one to come. */
function speaks(policy, clause, D) {
  const versions = policy.clauses.filter(({ rule }) => rule === clause.rule).sort((a, b) => ((a.from ?? '') < (b.from ?? '') ? -1 : 1));
  return clause === (versions.find((one) => inForce(one, D)) ?? versions.filter((one) => (one.from ?? '') <= D).at(-1) ?? versions[0]);
}

/** absent: its dates, a guard or a household without members keep the clause from this household. */
export function outcomeOf(env, clause) {
  const { D, household } = env;
  if (!inForce(clause, D)) return { status: 'absent', conjuncts: [] };
  if (!clause.withoutMembers && !hasMembers(env)) return { status: 'absent', conjuncts: [] };
  const conjuncts = clause.lines.map((line) => conjunct(env, line));
  const guarded = conjuncts.some((one) => ['except', 'only'].includes(one.role) && one.value === false);
  if (guarded) return { status: 'absent', conjuncts };
  if (!clause.some) return { status: statusOf(conjuncts), conjuncts };
  const people = everybody(about(env, household), clause.some.set).map(({ subject, belongs }) => [
    { role: 'belongs', value: belongs }, ...clause.some.lines.map((line) => conjunct(about(env, subject), line))]);
  return { status: strongest(people.map((lines) => statusOf([...conjuncts, ...lines]))), conjuncts, people };
}

const hasMembers = (env) => everybody(env, { op: 'people', name: '成员' }).length > 0;

const LEVELS = ['red', 'orange', 'yellow'];

function levelFor(outcomes) {
  const found = (kind, status) => outcomes.some((one) => one.kind === kind && one.status === status);
  const colour = LEVELS.find((level) => found(level, 'fires'));
  if (colour) return colour;
  const toVerify = found('verify', 'fires') || [...LEVELS, 'verify'].some((kind) => found(kind, 'to_verify'));
  return toVerify ? 'verify' : 'none';
}

const floorFen = ({ n, d }) => (n <= 0n ? 0n : (n * 100n) / d);

/** What a suggestion says how much it is: in whole fen, never below zero. */
export function amountsOf(env, clause) {
  return clause.amounts.map(({ name, of }) => {
    const { low, high } = value(env, of);
    return { name, low: floorFen(low), high: floorFen(high) };
  });
}

const judge = (env, clause) => ({ rule: clause.rule, kind: clause.kind, ...outcomeOf(env, clause) });
const MAKE_LEVELS = [...LEVELS, 'verify'];

export function levelOf(env) {
  return levelFor(env.policy.clauses.filter(({ kind }) => MAKE_LEVELS.includes(kind)).map((clause) => judge(env, clause)));
}

/** Every clause of one household, and its level. */
export function evaluateHousehold(policy, facts, household, D) {
  const env = { policy, facts, D, household, subject: household, level: null };
  const level = levelOf(env);
  env.level = () => level; // suggestions may ask for it
  const clauses = policy.clauses.filter((clause) => speaks(policy, clause, D));
  const outcomes = clauses.map((clause) => judge(env, clause));
  for (const [i, clause] of clauses.entries()) outcomes[i].amounts = outcomes[i].status === 'fires' ? amountsOf(env, clause) : [];
  const statistics = [...policy.statistics].filter(([, of]) => hasMembers(env) && truth(env, of) === true).map(([name]) => name);
  return { level, outcomes, statistics };
}

function rowOf(household, { level, outcomes }) {
  const rules = (kinds, status) => outcomes.filter((one) => kinds.includes(one.kind) && one.status === status).map(({ rule }) => rule).sort();
  const colours = [...LEVELS, 'verify'];
  const kindOf = new Map(outcomes.map(({ rule, kind }) => [rule, kind]));
  return {
    household_no: household.no, township_code: household.township, village_code: household.village, level, state: 'open',
    reasons: rules(colours, 'fires').map((rule) => ({ rule, level: kindOf.get(rule) })),
    checks: rules(['check'], 'fires'), undecided: rules([...colours, 'check', 'tag'], 'to_verify'), suggestions: rules(['suggestion'], 'fires'),
    tags: rules(['tag'], 'fires'), stale: [],
  };
}

export const isListed = ({ level, checks, undecided, tags }) => level !== 'none' || checks.length > 0 || undecided.length > 0 || tags.length > 0;

/** A household as the evaluator wants it: each subject knows the key of its facts, its birth, and what the register says of it. */
export function subjectsOf(household) {
  const persons = household.persons.map((person, i) => ({ ...person, key: person.id ? `person ${person.id}` : `nobody ${household.no} ${i}`,
    birth: person.birth ?? (person.id && birthOf(person.id)) }));
  return { ...household, key: `household ${household.no}`, persons };
}

/** The document, the outcome of every clause in every household, and the policy's own counts. */
export function evaluatePolicy(policy, county, D) {
  const statistics = Object.fromEntries([...policy.statistics.keys()].map((name) => [name, 0]));
  const judged = [], rows = [];
  for (const household of D < policy.effective ? [] : county.households.map(subjectsOf)) {
    const result = evaluateHousehold(policy, county.facts, household, D);
    for (const name of result.statistics) statistics[name]++;
    judged.push({ household, ...result });
    const row = rowOf(household, result);
    if (isListed(row)) rows.push(row);
  }
  rows.sort((a, b) => Buffer.compare(Buffer.from(a.household_no), Buffer.from(b.household_no)));
  return { document: { round: null, as_of: D, households: rows }, judged, statistics };
}

export const readPolicy = (file) => parsePolicyText(readFileSync(file, 'utf8'));
export const readAnyCounty = (folder) => readCounty(folder, { range: null });

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [file, folder, date] = process.argv.slice(2);
  if (!file || !folder || !/^\d{4}-\d\d-\d\d$/.test(date ?? '')) {
    console.error('usage: node policy.mjs POLICY COUNTY_DIR YYYY-MM-DD');
    process.exit(64);
  }
  console.log(JSON.stringify(evaluatePolicy(readPolicy(file), readAnyCounty(folder), date).document));
}
