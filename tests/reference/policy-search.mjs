// SPDX-License-Identifier: PostgreSQL
// Finds households that exercise a policy: for each clause such that it fires, is missed by one line alone, is undecided, and such that
// one fen, one day or one year of age more or less turns it. By random search with the naive evaluator, from a seed.
import { DICTIONARY, minusMonths, plusDays } from './county.mjs';
import { codesRead, homesOfExamples } from './examples.mjs';
import * as f from './fraction.mjs';
import { about, asHousehold, everybody, levelOf, not, outcomeOf, truth, value } from './policy.mjs';

/** Chance from a seed (mulberry32). */
export function chanceFrom(seed) {
  let state = (Number(seed) * 2654435761 + 97) >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return { next, upTo: (n) => Math.floor(next() * (n + 1)), pick: (list) => list[Math.floor(next() * list.length)], chance: (percent) => next() * 100 < percent };
}

// --- what a policy speaks about --------------------------------------------------------------------------------------------------

/** Every node of a tree, of the definitions and people that it names too. */
function visit(policy, node, see) {
  if (!node || typeof node !== 'object') return;
  if (Array.isArray(node)) { node.forEach((one) => visit(policy, one, see)); return; }
  if (typeof node.n === 'bigint') return;
  if (node.op || node.fact) see(node);
  if (node.op === 'definition') visit(policy, policy.definitions.get(node.name).of, see);
  if (node.op === 'people') visit(policy, policy.people.get(node.name), see);
  Object.values(node).forEach((child) => visit(policy, child, see));
}

const clauseTrees = (clause) => [...clause.lines.map(({ of }) => of), ...(clause.some ? [clause.some.set, ...clause.some.lines.map(({ of }) => of)] : [])];

function nodesOf(policy, trees) {
  const nodes = [];
  trees.forEach((tree) => visit(policy, tree, (node) => nodes.push(node)));
  return nodes;
}

/** Days where something changes: the edges of all windows, and of the standards. */
function edgesOf(policy, nodes, D) {
  const spans = [{ days: 0 }];
  for (const { window, lasting } of nodes) {
    if (window?.from) spans.push(window.from);
    if (window) spans.push(window.until);
    if (lasting) spans.push(lasting);
  }
  const days = spans.flatMap(({ months, days: back }) => {
    const day = months !== undefined ? minusMonths(D, months) : plusDays(D, -back);
    return [plusDays(day, -1), day, plusDays(day, 1)];
  });
  return [...new Set(days)].sort();
}

const fenOf = (value) => (value.n * 100n) / value.d;

function describe(policy, D) {
  const trees = [...policy.clauses.flatMap(clauseTrees), ...policy.statistics.values(), { op: 'people', name: '成员' }];
  const nodes = nodesOf(policy, trees);
  const amounts = nodes.filter(({ op }) => op === 'number').map((node) => fenOf(node.value)).filter((fen) => fen >= 5000n);
  for (const rows of policy.standards.values())
    for (const row of rows) for (const tree of [row.rural, row.urban]) if (tree?.op === 'number') amounts.push(fenOf(tree.value));
  const ages = nodes.filter((node) => node.op === 'compare' && [node.left, node.right].some(({ op }) => op === 'age'))
    .flatMap(({ left, right }) => [left, right]).filter(({ op }) => op === 'number').map((node) => Number(node.value.n));
  return { nodes, edges: edgesOf(policy, nodes, D), amounts: [...new Set(amounts)].filter((fen) => fen > 0n), ages: [...new Set([...ages, 8, 40, 70])],
    read: codesRead(policy), disagreements: nodes.some(({ op }) => op === 'disagree' || op === 'gap') };
}

/** The facts that a clause asks for, by the names of the policy; those of the people's definition come with every clause. */
const factsOf = (policy, trees) => [...new Set(nodesOf(policy, trees).map((node) => node.fact).filter((name) => name !== undefined))].map((name) => policy.facts.get(name));

// --- a household in memory -----------------------------------------------------------------------------------------------------------

const KINSHIP = ['01', '02', '10', '20', '30', '40', '50', '60', '70', '80', '90', null];
const LABOUR = ['full', 'weak', 'none', null];

export class Search {
  /** thorough: looks longer for what is hard to find */
  constructor(policy, D, seed, thorough = false) {
    Object.assign(this, { policy, D, thorough, random: chanceFrom(seed), about: describe(policy, D) });
    this.facts = [...policy.facts.values()].filter(({ code }) => this.about.read.persons.has(code) || this.about.read.households.has(code));
    this.sources = [...policy.sources.values(), 'register', 'register', 'register', 'hotline', 'youth_league'];
    this.examples = homesOfExamples(policy, D).map(({ rule, home }) => ({ rule, home: usable(home) }));
    this.ranges = new Map(this.facts.filter(({ kind }) => kind === 'amount').map((fact) => [fact.code, this.#constant(fact.high)]));
  }

  #constant(tree) { return fenOf(value({ policy: this.policy, household: { area: 'rural' }, D: this.D }, tree).low); }

  // --- chance -----------------------------------------------------------------------------------------------------------------

  day() {
    const { pick, chance, upTo } = this.random;
    return chance(65) ? pick(this.about.edges) : plusDays(this.D, 30 - upTo(1100));
  }

  amount(code) {
    const { pick, chance, upTo } = this.random;
    if (chance(8)) return null;
    if (chance(5)) return 0n;
    if (chance(3)) return this.ranges.get(code) + BigInt(upTo(1));
    const near = this.about.amounts.length > 0 ? pick(this.about.amounts) : 500000n;
    const times = pick([[1n, 1n], [1n, 1n], [2n, 1n], [3n, 1n], [3n, 2n], [1n, 2n], [7n, 10n], [BigInt(upTo(300)), 100n]]);
    const amount = (near * times[0]) / times[1] + pick([0n, 0n, 1n, -1n]);
    return amount < 0n ? 0n : amount;
  }

  /** A value of what the dictionary allows. */
  value(code) {
    const { pick, chance } = this.random;
    const { kind, choices } = DICTIONARY.get(code);
    switch (kind) {
      case 'amount': return this.amount(code);
      case 'choice': return pick(choices);
      case 'certificate': return '0'.repeat(18) + pick(['1', '2', '3', '4', '5', '6', '7', '5', '6', '7']) + pick(['1', '2', '3', '3', '4']);
      case 'text': return pick(['yes', 'C50', 'no']);
      case 'relief': return chance(12) ? 'no' : pick(['yes', 'yes', '350.00', '80.00']);
      default: return chance(15) ? 'no' : 'yes';
    }
  }

  fact(home, facts = this.facts) {
    const { pick, chance } = this.random;
    const { code } = pick(facts);
    const { kind } = DICTIONARY.get(code);
    const persons = home.persons.map((person, i) => [person, i]).filter(([person]) => person.birth !== null).map(([, i]) => i);
    const forHousehold = kind !== 'certificate' && this.about.read.households.has(code) && (persons.length === 0 || !this.about.read.persons.has(code) || chance(35));
    if (!forHousehold && persons.length === 0) return null;
    const fact = { whose: forHousehold ? 'household' : pick(persons), code, kind, value: this.value(code), from: this.day(), to: '', source: pick(this.sources) };
    if (kind !== 'amount' && kind !== 'event' && chance(60)) fact.from = plusDays(this.D, -this.random.upTo(2500) - 1100); // for long
    if (kind !== 'amount' && kind !== 'event' && chance(30)) fact.to = pick([...this.about.edges.filter((day) => day >= fact.from), fact.from]);
    return fact;
  }

  birth() {
    const { pick, chance, upTo } = this.random;
    const near = plusDays(minusMonths(this.D, 12 * pick(this.about.ages)), upTo(2) - 1);
    return chance(70) && near <= this.D ? near : plusDays(this.D, -upTo(32000));
  }

  person(head) {
    const { pick, chance } = this.random;
    return { birth: chance(6) ? null : this.birth(), kinship: head ? pick(['01', '02', '02', null]) : pick(KINSHIP), labour: pick(LABOUR) };
  }

  home(facts = this.facts) {
    const { chance, upTo } = this.random;
    const home = { area: chance(50) ? 'rural' : 'urban', persons: [], facts: [] };
    for (let i = chance(3) ? 0 : 1 + upTo(3); i > 0; i--) home.persons.push(this.person(home.persons.length === 0));
    for (let i = upTo(8); i >= 0; i--) this.#add(home, facts);
    return home;
  }

  kindOf(code) { return DICTIONARY.get(code).kind; }

  /** One by chance alone: now and then large, one fact told by several sources in several ways. */
  nasty() {
    const { chance, pick, upTo } = this.random;
    const home = this.home();
    if (chance(4)) for (let i = upTo(30); i >= 0; i--) home.persons.push(this.person(false));
    for (let i = upTo(10); i > 0; i--) this.#add(home, this.facts);
    for (const fact of [...home.facts]) {
      if (!chance(30)) continue;
      for (let i = upTo(2); i >= 0; i--)
        home.facts.push({ ...fact, value: this.value(fact.code), source: pick(this.sources), ...(chance(50) && fact.to === '' ? { from: this.day() } : {}) });
    }
    return home;
  }

  #add(home, facts) {
    const fact = this.fact(home, facts);
    if (fact) home.facts.push(fact);
  }

  /** Another household that differs in one thing or two. */
  change(home, facts = this.facts) {
    const { pick, chance } = this.random;
    const next = copy(home);
    const steps = [
      () => this.#add(next, facts), () => this.#add(next, facts), () => this.#add(next, facts),
      () => next.facts.splice(Math.floor(this.random.next() * next.facts.length), 1),
      () => this.#changeFact(next), () => this.#changeFact(next), () => this.#changeFact(next),
      () => { if (next.persons.length < 6) next.persons.push(this.person(false)); },
      () => this.#changePerson(next), () => { next.area = next.area === 'rural' ? 'urban' : 'rural'; },
    ];
    if (this.about.disagreements) steps.push(() => this.#tellAgain(next), () => this.#tellAgain(next));
    do pick(steps)(); while (chance(30));
    return next;
  }

  #changeFact(home) {
    const { pick, chance } = this.random;
    if (home.facts.length === 0) return;
    const fact = pick(home.facts);
    const isState = fact.kind !== 'amount' && fact.kind !== 'event';
    if (chance(50)) fact.value = fact.kind === 'amount' && fact.value !== null && chance(40) ? pick([fact.value * 2n, fact.value / 2n, fact.value * 10n]) : this.value(fact.code);
    else if (!isState || chance(50)) fact.from = this.day();
    else fact.to = pick(['', ...this.about.edges]);
    if (fact.to !== '' && fact.to < fact.from) fact.to = fact.from;
  }

  /** One fact told by another source too, perhaps otherwise. */
  #tellAgain(home) {
    const { pick, chance } = this.random;
    if (home.facts.length === 0) return;
    const fact = pick(home.facts);
    home.facts.push({ ...fact, value: chance(50) ? fact.value : this.value(fact.code), source: pick(this.sources) });
  }

  #changePerson(home) {
    const { pick } = this.random;
    if (home.persons.length === 0) return;
    const i = this.random.upTo(home.persons.length - 1);
    const fresh = this.person(i === 0);
    const key = pick(['birth', 'birth', 'kinship', 'labour']);
    home.persons[i] = { ...home.persons[i], [key]: fresh[key] };
    if (home.persons[i].birth === null) home.facts = home.facts.filter(({ whose }) => whose !== i);
  }

  // --- judging ------------------------------------------------------------------------------------------------------------------

  envOf(home) {
    let level; // costs every clause: only when it is asked for
    const persons = home.persons.map((person, i) => ({ ...person, key: `person ${i}`, id: null }));
    const household = { key: 'household', no: '0', area: home.area, persons };
    return { policy: this.policy, facts: indexed(home), D: this.D, household, subject: household, level: () => (level ??= this.levelOf(home)) };
  }

  levelOf(home) {
    return levelOf(this.envOf(home));
  }

  judge(clause, home) {
    const env = this.envOf(home);
    return { home, env, ...outcomeOf(env, clause) };
  }
}

/** What a county can say of such a household: somebody without a birth date has no usable ID, so nobody can state facts of him. */
function usable(home) {
  const facts = home.facts.filter(({ whose, code }) => (whose === 'household' ? DICTIONARY.get(code).kind !== 'certificate' : home.persons[whose].birth !== null));
  return { ...home, facts: facts.map((fact) => ({ ...fact, kind: DICTIONARY.get(fact.code).kind })) };
}

export const copy = (home) => ({ ...home, persons: home.persons.map((person) => ({ ...person })), facts: home.facts.map((fact) => ({ ...fact })) });

/** subject -> code -> source -> facts, as a county's reader gives them. */
function indexed(home) {
  const facts = new Map();
  const inside = (map, key, make) => { if (!map.has(key)) map.set(key, make()); return map.get(key); };
  home.facts.forEach((fact, row) => {
    Object.assign(fact, { batch: 0, row });
    const codes = inside(facts, fact.whose === 'household' ? 'household' : `person ${fact.whose}`, () => new Map());
    inside(inside(codes, fact.code, () => new Map()), fact.source, () => []).push(fact);
  });
  return facts;
}

// --- how near a condition is to what is wanted: 1 when it is ----------------------------------------------------------------------------

const mean = (numbers) => (numbers.length === 0 ? 0.5 : numbers.reduce((sum, one) => sum + one, 0) / numbers.length);

const THROUGH = ['not', 'household', 'definition', 'and', 'or']; // these are near as what is below them is

function near(env, node, wanted) {
  const through = wanted !== null && THROUGH.includes(node.op);
  if (!through && truth(env, node) === wanted) return 1;
  if (node.op === 'not') return near(env, node.of, not(wanted));
  if (node.op === 'household') return near(asHousehold(env), node.of, wanted);
  if (node.op === 'definition') {
    const { kind, of } = env.policy.definitions.get(node.name);
    return near(kind === 'each' ? env : asHousehold(env), of, wanted);
  }
  if (node.op === 'and' || node.op === 'or') {
    const parts = node.parts.map((part) => near(env, part, wanted));
    if (wanted === null) return 0.5 * Math.max(...parts) + 0.4 * mean(node.parts.map((part) => near(env, part, node.op === 'and')));
    return (node.op === 'and') === wanted ? mean(parts) : Math.max(...parts);
  }
  if (node.op === 'any' || node.op === 'all') {
    const parts = everybody(env, node.set).map(({ subject }) => near(about(env, subject), node.of, wanted));
    return 0.99 * (wanted === null || (node.op === 'any') === wanted ? Math.max(0, ...parts) : mean(parts));
  }
  return node.op === 'compare' ? 0.1 + distance(env, node) : 0.3;
}

/** From 0 to 0.5 as the sides of a comparison come near each other. */
function distance(env, { left, right }) {
  const a = value(env, left), b = value(env, right);
  if (a === null || b === null) return 0.2;
  const gap = Math.abs(Number(a.low.n) / Number(a.low.d) - Number(b.low.n) / Number(b.low.d));
  return 0.5 / (1 + Math.log10(1 + gap));
}

// --- targets -------------------------------------------------------------------------------------------------------------------------

const wantedOf = (line, truthWanted) => (line.role === 'except' ? not(truthWanted) : truthWanted);

/** The lines of a clause, those about persons after those about the household. */
const linesOf = (clause) => [...clause.lines, ...(clause.some?.lines ?? [])];

/** For each line a wanted value, judged of one person at a time; the best person counts. */
function nearClause(env, clause, wanted) {
  const household = clause.lines.map((line, i) => near(env, line.of, wantedOf(line, wanted[i])));
  if (!clause.some) return mean(household);
  const persons = everybody(env, clause.some.set).map(({ subject }) => mean([...household,
    ...clause.some.lines.map((line, i) => near(about(env, subject), line.of, wantedOf(line, wanted[clause.lines.length + i])))]));
  return Math.max(0.5 * mean(household), ...persons);
}

/** What each line of the clause came to, for each person that it asks about (one row if it asks about none). */
function rowsOf(found, clause) {
  const household = found.conjuncts.map((one) => one.value);
  if (!clause.some) return [household];
  if (found.status === 'absent') return [[...household, ...clause.some.lines.map(() => true)]]; // a guard: the rest was not asked
  return (found.people ?? []).filter(([belongs]) => belongs.value === true).map(([, ...lines]) => [...household, ...lines.map((one) => one.value)]);
}

/** The outcomes that a search is for: by name, what the lines must come to and whether it is reached. */
export function targetsOf(policy, clause) {
  const lines = linesOf(clause);
  const all = lines.map(() => true);
  const targets = [{ name: 'fires', wanted: all, reached: (found) => found.status === 'fires' }];
  lines.forEach((line, i) => {
    const wanted = all.map((value, j) => (i === j ? false : value));
    const reached = (found) => ['no', 'absent'].includes(found.status) && rowsOf(found, clause).some((row) => row.length === all.length && row.every((value, j) => value === (i !== j)));
    targets.push({ name: `missed by line ${i + 1}`, line: i, wanted, reached });
  });
  for (const i of lines.keys()) {
    if (!maybeUndecided(policy, lines[i].of)) continue;
    const wanted = all.map((value, j) => (i === j ? null : value));
    targets.push({ name: `undecided by line ${i + 1}`, undecided: true, wanted, reached: (found) => ['undecided', 'to_verify'].includes(found.status) && rowsOf(found, clause).some((row) => row[i] === null) });
  }
  if (lines.some(({ role }) => role === 'evidence')) {
    const wanted = lines.map(({ role, of }) => (role !== 'evidence' && maybeUndecided(policy, of) ? null : true));
    targets.push({ name: 'to verify', undecided: true, wanted, reached: (found) => found.status === 'to_verify' });
  }
  return targets;
}

/** Could a condition be undecided at all? Only what is unknown makes it so. (Nobody without a usable ID has facts, so an age alone may not do; nor may what the register leaves out.) */
const UNKNOWABLE = ['undecided', 'amount', 'latest_amount', 'current_amount', 'declared', 'gap'];
export function maybeUndecided(policy, tree, unknowable = [...UNKNOWABLE, 'age', 'kinship', 'labour']) {
  let may = false;
  const look = (node) => {
    if (!node || typeof node !== 'object' || may) return;
    if (Array.isArray(node)) { node.forEach(look); return; }
    if (typeof node.n === 'bigint' || node.op === 'has_unknown') return;
    if (unknowable.includes(node.op)) { may = true; return; }
    if (node.op === 'definition') look(policy.definitions.get(node.name).of);
    if (node.op === 'people') look(policy.people.get(node.name));
    Object.values(node).forEach(look);
  };
  look(tree);
  return may;
}
export const mustBeUndecided = (policy, clause) => clauseTrees(clause).some((tree) => maybeUndecided(policy, tree, UNKNOWABLE));

/** Climbs from a household towards a target; null when it is not reached in so many steps. */
export function climb(search, clause, target, facts, from, steps) {
  const score = (home) => nearClause(search.envOf(home), clause, target.wanted);
  let home = from ?? search.home(facts), best = score(home);
  for (let i = 0; ; i++) {
    if (best > (target.undecided ? 0.6 : 0.999) && target.reached(search.judge(clause, home))) return home;
    if (i === steps) return null;
    const other = search.change(home, facts), reached = score(other);
    if (reached < best) continue;
    home = other;
    best = reached;
  }
}

/**
 * A household for every target of the clause that can be reached: [{ clause, target, home }], and the targets that were not. Begins with the
 * policy's own examples of the clause, as they are and as somewhere to climb from.
 */
export function exercise(search, clause) {
  const facts = factsOfClause(search.policy, clause), steps = search.thorough ? 200 : 100;
  const examples = search.examples.filter(({ rule }) => rule === clause.rule).map(({ home }) => home);
  const judged = examples.map((home) => search.judge(clause, home));
  const found = [], missed = [];
  const known = [...examples]; // to climb from
  for (const target of targetsOf(search.policy, clause)) {
    const first = target.name === 'fires';
    let home = judged.find((one) => target.reached(one))?.home ?? null;
    for (let i = 0; i < (first ? 12 : search.thorough ? 3 : 1) && !home; i++) {
      const wide = clause.kind === 'suggestion' && i % 2 === 1; // its level comes of other clauses
      const from = known.length > 0 && i % 4 !== 3 ? copy(search.random.pick(known)) : null;
      home = climb(search, clause, target, wide ? search.facts : facts, from, first ? 200 : steps);
    }
    if (home) found.push({ clause, target, home });
    else missed.push(target);
    if (first && home) known.splice(0, known.length, home);
  }
  return { found, missed };
}

const factsOfClause = (policy, clause) => [...factsOf(policy, clauseTrees(clause)), ...factsOf(policy, [{ op: 'people', name: '成员' }])];

// --- signs: households that notice when one sign of comparison is another ------------------------------------------------------------------

const FLIPPED = { '<': '<=', '<=': '<', '>': '>=', '>=': '>', '=': '!=', '!=': '=' };

/** The comparisons of a clause, those of the definitions that it names too. */
const comparisonsOf = (policy, clause) => new Set(nodesOf(policy, clauseTrees(clause)).filter(({ op }) => op === 'compare' || op === 'value'));

const OPPOSITE = { '<': '>=', '<=': '>', '>': '<=', '>=': '<', '=': '!=', '!=': '=' };

/** Whether the clause says something else of this household when the comparison has another sign. */
function notices(search, clause, node, home, signs = FLIPPED) {
  const right = search.judge(clause, home).status;
  const sign = node.sign;
  node.sign = signs[sign];
  const other = search.judge(clause, home).status;
  node.sign = sign;
  return right !== other;
}

/** What a comparison comes to, asked of the household and of each person. */
function answers(search, node, home) {
  const env = search.envOf(home);
  const ask = (subject) => { try { return String(truth(about(env, subject), node)); } catch { return '-'; } };
  return [env.household, ...env.household.persons].map(ask).join();
}

/** The household in round amounts, which halves and tenths of others can meet exactly, with one more for each kind that the comparison reads. */
function inRoundAmounts(search, facts, home) {
  const other = copy(home);
  for (const fact of other.facts) if (fact.kind === 'amount' && fact.value !== null) fact.value -= fact.value % 42000n;
  const person = home.persons.findIndex(({ birth }) => birth !== null);
  for (const { code } of facts) {
    const whose = search.about.read.households.has(code) ? 'household' : person;
    if (whose !== -1) other.facts.push({ whose, code, kind: 'amount', value: 0n, from: search.D, to: '', source: 'register' });
  }
  return other;
}

/** A household at which the sign matters: one of these, or one of these with an amount moved to where the comparison turns. */
function noticing(search, clause, node, homes) {
  const already = homes.find((home) => notices(search, clause, node, home));
  if (already) return already;
  const facts = factsOf(search.policy, [node]).filter(({ code }) => search.kindOf(code) === 'amount'), codes = facts.map(({ code }) => code);
  for (const home of homes.slice(0, search.thorough ? 5 : 2).flatMap((one) => [one, inRoundAmounts(search, facts, one)])) {
    for (const [i, fact] of home.facts.entries()) {
      if (fact.value === null || !codes.includes(fact.code)) continue;
      const put = (value) => { const other = copy(home); other.facts[i].value = value; return other; };
      const turned = amountEdges(search, (other) => answers(search, node, other), fact, put).flat();
      const good = turned.find((other) => notices(search, clause, node, other));
      if (good) return good;
    }
    const good = ofOtherAges(search, node, home).find((other) => notices(search, clause, node, other));
    if (good) return good;
  }
  return null;
}

/** Each person in turn on the birthdays that the comparison asks about, and the days beside them. */
function ofOtherAges(search, node, home) {
  const age = [node.left, node.right].filter((side) => side?.op === 'number').map((side) => Number(side.value.n))[0];
  if (node.op !== 'compare' || ![node.left.op, node.right.op].includes('age') || age === undefined) return [];
  const births = [age, age + 1].flatMap((years) => around(minusMonths(search.D, 12 * years))).filter((day) => day <= search.D);
  return home.persons.flatMap((person, i) => (person.birth === null ? [] : births.map((birth) => {
    const other = copy(home);
    other.persons[i].birth = birth;
    return other;
  })));
}

/** For each comparison of the policy a household that notices its sign; and the comparisons for which there was none. */
export function signs(search, planted) {
  const homes = [], unnoticed = [], noticed = [];
  const clauses = new Map();
  for (const clause of search.policy.clauses) for (const node of comparisonsOf(search.policy, clause)) clauses.set(node, [...(clauses.get(node) ?? []), clause]);
  for (const [node, list] of clauses) {
    const found = list.some((clause) => {
      const fires = targetsOf(search.policy, clause)[0];
      // Fires, and would not if this comparison were not so: then its edge is an edge of the clause.
      const target = { ...fires, reached: (found) => fires.reached(found) && notices(search, clause, node, found.home, OPPOSITE) };
      let home = noticing(search, clause, node, planted.get(clause) ?? []);
      for (let i = 0; i < (search.thorough ? 12 : 1) && !home; i++) {
        const fired = climb(search, clause, target, clause.kind === 'suggestion' ? search.facts : factsOfClause(search.policy, clause), null, 300);
        home = fired && noticing(search, clause, node, [fired]);
      }
      if (home) homes.push(home);
      return home !== null;
    });
    (found ? noticed : unnoticed).push(node);
  }
  return { homes, noticed, unnoticed };
}

// --- edges: where one fen, one day, one year turns the clause ----------------------------------------------------------------------------

/** Pairs of households that differ in the least step of one thing and in what the clause says of them. */
export function edges(search, clause, home, enough = search.thorough ? 8 : 4) {
  const statusOf = (other) => search.judge(clause, other).status;
  const pairs = [];
  const codes = factsOfClause(search.policy, clause).map(({ code }) => code);
  home.facts.forEach((fact, i) => {
    if (!codes.includes(fact.code) || pairs.length >= enough) return;
    const put = (change) => { const other = copy(home); Object.assign(other.facts[i], change); return other; };
    if (fact.kind === 'amount' && fact.value !== null) pairs.push(...amountEdges(search, statusOf, fact, (value) => put({ value })));
    pairs.push(...dayEdges(search, statusOf, fact, put));
  });
  home.persons.forEach((person, i) => {
    if (person.birth === null) return;
    const put = (birth) => { const other = copy(home); other.persons[i].birth = birth; return other; };
    pairs.push(...neighbours(search.about.ages.flatMap((age) => around(minusMonths(search.D, 12 * age))).filter((day) => day <= search.D), put, statusOf));
  });
  return pairs;
}

const around = (day) => [plusDays(day, -1), day, plusDays(day, 1)];

/** Bisects the amount between its value and others at which the clause says something else. */
function amountEdges(search, statusOf, fact, put) {
  const here = statusOf(put(fact.value));
  const pairs = [];
  for (const end of [0n, search.ranges.get(fact.code)]) {
    if (statusOf(put(end)) === here) continue;
    let same = fact.value, other = end;
    while (same - other > 1n || other - same > 1n) {
      const middle = (same + other) / 2n;
      if (statusOf(put(middle)) === here) same = middle;
      else other = middle;
    }
    pairs.push([put(same), put(other)]);
  }
  return pairs;
}

function neighbours(days, put, statusOf) {
  const sorted = [...new Set(days)].sort();
  const pairs = [];
  for (let i = 1; i < sorted.length; i++) {
    if (plusDays(sorted[i - 1], 1) !== sorted[i]) continue;
    const before = put(sorted[i - 1]), after = put(sorted[i]);
    if (statusOf(before) !== statusOf(after)) pairs.push([before, after]);
  }
  return pairs;
}

function dayEdges(search, statusOf, fact, put) {
  const days = search.about.edges;
  const pairs = neighbours(days.filter((day) => fact.to === '' || day <= fact.to), (from) => put({ from }), statusOf);
  if (fact.kind !== 'amount' && fact.kind !== 'event')
    pairs.push(...neighbours(days.filter((day) => day >= fact.from), (to) => put({ to }), statusOf));
  return pairs;
}
