// SPDX-License-Identifier: PostgreSQL
// What would change it (docs/json.md, what_would_change), by trying: every fen that an amount may be, every value of a state, each
// fact left out, each state that nobody speaks of put there, and the naive evaluator asked each time.
import { DICTIONARY } from './county.mjs';
import { evaluateHousehold, levelOf } from './policy.mjs';

const keyOf = (whose) => (whose === 'household' ? 'household' : `person ${whose}`);

/** Facts as the evaluator has them: subject, code, source, list. */
function arranged(facts) {
  const all = new Map();
  facts.forEach((fact, row) => {
    const key = keyOf(fact.whose);
    if (!all.has(key)) all.set(key, new Map());
    const codes = all.get(key);
    if (!codes.has(fact.code)) codes.set(fact.code, new Map());
    const sources = codes.get(fact.code);
    if (!sources.has(fact.source)) sources.set(fact.source, []);
    const value = fact.kind === 'certificate' ? '0'.repeat(18) + fact.value : fact.value;
    sources.get(fact.source).push({ batch: 0, row, ...fact, value });
  });
  return all;
}

const householdOf = (home) => ({ key: 'household', no: 'H', area: home.area, persons: home.persons.map((person, i) => ({ ...person, key: keyOf(i) })) });

/** The level and the outcome of every clause, as of evaluateHousehold. */
export const judge = (policy, home, D) => evaluateHousehold(policy, arranged(home.facts), householdOf(home), D);

function levelWith(policy, home, facts, D) {
  const household = householdOf(home);
  const env = { policy, facts: arranged(facts), D, household, subject: household, level: null };
  return levelOf(env);
}

// --- what a policy reads -----------------------------------------------------------------------------------------------------

const fenOf = ({ n, d }) => (n * 100n) / d;

/** Of each code that a clause may read as an amount: what every reader takes for known. */
function rangesOf(policy, env) {
  const ranges = new Map();
  for (const fact of policy.facts.values()) {
    if (fact.kind !== 'amount') continue;
    const low = fenOf(env(fact.low)), high = fenOf(env(fact.high));
    const before = ranges.get(fact.code);
    ranges.set(fact.code, before ? { low: low > before.low ? low : before.low, high: high < before.high ? high : before.high } : { low, high });
  }
  return ranges;
}

/** Values that it may have; of a relief or a text: that it is there, or that it is not. */
function valuesOf(code) {
  const { kind, choices } = DICTIONARY.get(code);
  if (kind === 'choice') return choices;
  if (kind === 'certificate') return [1, 2, 3, 4, 5, 6, 7].flatMap((type) => [1, 2, 3, 4].map((grade) => `${type}${grade}`));
  return kind === 'amount' ? [] : ['no', 'yes'];
}

const isMoney = (value) => /^\d/.test(value);
const holds = (fact) => fact.value !== 'no';

// --- trying ------------------------------------------------------------------------------------------------------------------

function* amountChanges(level, ask, fact, low, high, now) {
  if (now === null || now < low || now > high) {
    for (let from = low; from <= high;) {
      const become = ask(from);
      let to = from;
      while (to < high && ask(to + 1n) === become) to++;
      if (become !== level) yield { fact, change: 'known', value: from, high: to, level: become };
      from = to + 1n;
    }
    return;
  }
  for (const [change, step] of [['less', -1n], ['more', 1n]])
    for (let value = now + step; value >= low && value <= high; value += step) {
      const become = ask(value);
      if (become === level) continue;
      yield { fact, change, value, level: become };
      break;
    }
}

const moneyFen = (text) => BigInt(Math.round(Number(text) * 100));

function* factChanges(level, fact, ask, range) {
  if (fact.kind !== 'amount') {
    const gone = ask(null);
    if (gone !== level) yield { fact, change: 'gone', level: gone };
    for (const value of valuesOf(fact.code)) {
      const same = value === fact.value || (value === 'yes' && holds(fact) && ['relief', 'text'].includes(fact.kind)); // a sum or an illness is a yes
      const become = same ? level : ask(value);
      if (become !== level) yield { fact, change: 'other', value, level: become };
    }
  }
  if (!range) return;
  if (fact.kind === 'amount') { yield* amountChanges(level, ask, fact, range.low, range.high, fact.value); return; }
  if (!holds(fact)) return;
  const said = isMoney(fact.value) ? moneyFen(fact.value) : null;
  const written = (value) => ask(`${value / 100n}.${String(value % 100n).padStart(2, '0')}`);
  const low = range.low > 2n ? range.low : 2n;
  if (low < range.high) yield* amountChanges(level, written, fact, low, range.high, said !== null && said > 1n ? said : null);
}

/**
 * reads: { persons, households }: the codes of which something may come (examples.mjs: codesRead). sourceOf(code): who is believed first.
 * Returns { level, changes: [{ fact, change, value, high, level }] } with fact.whose.
 */
export function whatWouldChange(policy, reads, home, D, sourceOf) {
  const level = levelWith(policy, home, home.facts, D);
  const constant = (node) => evaluateConstant(policy, home, D, node);
  const ranges = rangesOf(policy, constant);
  const changes = [];
  home.facts.forEach((fact, i) => {
    if (!reads.persons.has(fact.code) && !reads.households.has(fact.code)) return;
    const ask = (value) => levelWith(policy, home, value === null && fact.kind !== 'amount' ? home.facts.toSpliced(i, 1) : home.facts.toSpliced(i, 1, { ...fact, value }), D);
    changes.push(...factChanges(level, fact, ask, ranges.get(fact.code)));
  });
  for (const [whose, codes] of [['household', reads.households], ...home.persons.map((_, i) => [i, reads.persons])])
    for (const code of codes) {
      const there = home.facts.some((one) => one.whose === whose && one.code === code && one.from <= D && (one.to === '' || one.to >= D));
      if (there || DICTIONARY.get(code).kind === 'event') continue;
      for (const value of valuesOf(code)) {
        const added = { whose, code, kind: DICTIONARY.get(code).kind, value, from: D, to: '', source: sourceOf(code), batch: 9 };
        const become = levelWith(policy, home, [...home.facts, added], D);
        if (become !== level) changes.push({ fact: { ...added, from: null }, change: 'new', value, level: become });
      }
    }
  return { level, changes };
}

function evaluateConstant(policy, home, D, node) {
  if (node.op === 'number') return node.value;
  if (node.op === 'definition') return evaluateConstant(policy, home, D, policy.definitions.get(node.name).of);
  throw new Error(`${node.op} is no constant`);
}
