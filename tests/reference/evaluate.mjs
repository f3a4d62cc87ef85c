// SPDX-License-Identifier: PostgreSQL
// The reference evaluator of the Shaanxi county scheme (004 篇五): naive, row at a time, one household after another,
// money in BigInt fen. It is the oracle for the daemon's columnar machine, so it shares nothing with it and prefers to
// be readable. First round only: no warnings stand yet.
//
//   node evaluate.mjs COUNTY_DIR DATE      prints what `shouwangctl warnings --json` prints after a first round
import { pathToFileURL } from 'node:url';
import { birthOf, minusMonths, plusDays, readCounty } from './county.mjs';

const RANGE = 500000000n; // 5,000,000.00 yuan: the upper end of what is unknown
const LARGE_EXPENSE = 1000000n; // 10,000.00 yuan
const SCHEME_BEGINS = '2021-01-01';
const DIBAO = { rural: 483000n, urban: 732000n }; // per person and year, from 2021-01-01

const INCOME = ['income.wage', 'income.business', 'income.property', 'income.transfer'];
const EXPENSE = ['expense.medical_self_paid', 'expense.education', 'expense.rehabilitation', 'expense.care',
  'expense.disaster_loss'];
const OWN_RELIEFS = ['relief.dibao', 'relief.tekun', 'relief.disability_living', 'relief.disability_nursing'];

// --- three values: true, false, null (undecided); intervals {low, high} ----------------------------------------------

const and = (values) => (values.includes(false) ? false : values.includes(null) ? null : true);
const or = (values) => (values.includes(true) ? true : values.includes(null) ? null : false);
const not = (value) => (value === null ? null : !value);
const less = (a, b) => (a.high < b.low ? true : a.low >= b.high ? false : null);
const atLeast = (a, b) => not(less(a, b));
const exactly = (amount) => ({ low: amount, high: amount });
const times = (factor, a) => ({ low: factor * a.low, high: factor * a.high });
const plus = (a, b) => ({ low: a.low + b.low, high: a.high + b.high });
const minus = (a, b) => ({ low: a.low - b.high, high: a.high - b.low });

// --- looking at one subject's facts ------------------------------------------------------------------------------------

function lens(facts, D) {
  const year = { after: minusMonths(D, 12), until: D }; // W
  const yearBefore = { after: minusMonths(D, 24), until: year.after }; // V
  const within = (day, window) => day > window.after && day <= window.until;
  const bySource = (subject, code) => [...(facts.get(subject)?.get(code)?.values() ?? [])];
  const firstOf = (lists) => lists.find((list) => list.length > 0) ?? [];

  // States and events: of the first source that has any fact at all (a fact that begins after D does not exist).
  const known = (subject, code) => firstOf(bySource(subject, code).map((list) => list.filter((fact) => fact.from <= D)));
  const holding = (subject, code) => known(subject, code).filter((fact) => fact.value !== 'no');
  const isActive = (fact, day) => fact.from <= day && (fact.to === '' || fact.to >= day);
  // Amounts: of the first source that has any in the window; each belongs, whole, to the day on which its period ends.
  const amounts = (subject, code, window) => firstOf(
    bySource(subject, code).map((list) => list.filter((fact) => within(fact.to || fact.from, window))));

  return {
    year, yearBefore, known, holding, amounts,
    active: (subject, code, day = D) => holding(subject, code).some((fact) => isActive(fact, day)),
    heldInYear: (subject, code) => holding(subject, code).some((fact) => fact.to === '' || fact.to > year.after),
    eventInYear: (subject, code) => holding(subject, code).some((fact) => within(fact.from, year)),
    values: (subject, code) => known(subject, code).filter((fact) => isActive(fact, D)).map((fact) => fact.value),
    // The value of the latest active fact: greatest `from`, then newest batch, then later row.
    latest: (subject, code) => known(subject, code).filter((fact) => isActive(fact, D)).reduce(
      (best, fact) => (!best || [fact.from > best.from, fact.from === best.from && fact.batch > best.batch,
        fact.from === best.from && fact.batch === best.batch && fact.row > best.row].includes(true) ? fact : best),
      null)?.value,
  };
}

// The sum over subjects and codes in a window: an unknown amount ranges over what is declared.
function sum(look, subjects, codes, window) {
  let total = exactly(0n);
  for (const subject of subjects)
    for (const code of codes)
      for (const { value } of look.amounts(subject, code, window))
        total = plus(total, value === null ? { low: 0n, high: RANGE } : exactly(value));
  return total;
}

const hasUnknown = (look, subjects, codes) => subjects.some(
  (subject) => codes.some((code) => look.amounts(subject, code, look.year).some((fact) => fact.value === null)));

// --- the people -----------------------------------------------------------------------------------------------------------

function people(look, household, D) {
  // Without a usable ID a person is a member about whom nothing is known.
  const persons = household.persons.map(({ id }) => ({ id, subject: id ? `person ${id}` : 'nobody' }));
  const dead = (person) => look.holding(person.subject, 'event.death').length > 0;
  const members = persons.filter((person) => !dead(person) && !look.active(person.subject, 'residence.moved_away'));
  const diedInYear = persons.filter((person) => look.eventInYear(person.subject, 'event.death'));
  return { persons, members, diedInYear, dead };
}

function ageOn(D, id) {
  const birth = birthOf(id);
  return Number(D.slice(0, 4)) - Number(birth.slice(0, 4)) - (D.slice(5) < birth.slice(5) ? 1 : 0);
}

// True, false, or null for a multiple disability of grade 3.
function severelyDisabled(look, subject) {
  const certificate = look.latest(subject, 'disability.certificate');
  if (certificate === undefined) return false;
  const type = certificate[18], grade = certificate[19];
  if (grade === '1' || grade === '2') return true;
  if (grade === '3' && (type === '5' || type === '6')) return true;
  return grade === '3' && type === '7' ? null : false;
}

// --- clauses -----------------------------------------------------------------------------------------------------------------

const evidence = (value) => ({ value, evidence: true });
const condition = (value) => ({ value, evidence: false });

// 'fires', 'undecided' (with evidence) or 'no'.
function outcome(conjuncts) {
  const whole = and(conjuncts.map((conjunct) => conjunct.value));
  if (whole === true) return 'fires';
  const shown = conjuncts.some((conjunct) => conjunct.evidence && conjunct.value === true);
  return whole === null && shown ? 'undecided' : 'no';
}

// A clause over members is judged member by member.
function outcomeOfAny(members, conjunctsOf) {
  const outcomes = members.map((member) => outcome(conjunctsOf(member)));
  return outcomes.includes('fires') ? 'fires' : outcomes.includes('undecided') ? 'undecided' : 'no';
}

function colours(look, home) {
  const { I, before, E, line, line15, everybody, household } = home;
  const belowMargin = less(times(2n, I), line15); // line15 is 2 × 1.5 × L × n: nothing is divided
  const leftBelowMargin = less(times(2n, minus(I, E)), line15);
  const any = (codes, test) => everybody.some((subject) => codes.some((code) => test(subject, code)));
  const left = ({ to }) => to !== '' && to > look.yearBefore.after && to < home.D;
  const clauses = {
    'red.apply': [condition(less(I, line))],
    'red.rigid': [evidence(or([less(I, times(2n, E)), less(exactly(LARGE_EXPENSE), E)])),
      condition(atLeast(I, line)), condition(leftBelowMargin)],
    'red.disaster': [evidence(any(['event.disaster', 'event.accident', 'event.epidemic'], look.eventInYear)),
      condition(leftBelowMargin)],
    'orange.margin': [condition(atLeast(I, line)), condition(belowMargin)],
    'yellow.monitored': [condition(any(['monitor.unstable', 'monitor.marginal', 'monitor.sudden'],
      (subject, code) => look.active(subject, code)))],
    'yellow.left': [evidence(any(['relief.dibao', 'relief.tekun'], (subject, code) => look.holding(subject, code).some(left))),
      condition(belowMargin)],
    'yellow.housing': [condition(['C', 'D'].includes(look.latest(household, 'housing.grade')))],
    'yellow.water': [condition(look.latest(household, 'water.safe') === 'no')],
    'verify.unreadable': [evidence(home.expenseUnknown), condition(belowMargin)],
  };
  if (home.declaredNow && home.declaredBefore)
    clauses['red.collapse'] = [condition(less(exactly(0n), before)),
      evidence(not(less(times(7n, before), times(10n, I)))), condition(belowMargin)];
  const outcomes = Object.fromEntries(Object.entries(clauses).map(([rule, conjuncts]) => [rule, outcome(conjuncts)]));
  outcomes['yellow.dropout'] = outcomeOfAny(home.members, ({ id, subject }) => {
    const age = id ? ageOn(home.D, id) : null; // unknown without a usable ID; but then there is no event either
    return [condition(age === null ? null : age >= 6 && age <= 15), condition(look.eventInYear(subject, 'event.dropout'))];
  });
  return outcomes;
}

function checks(look, home) {
  const { members, household, everybody } = home;
  // A relief of the household holds for every member.
  const active = (subject, code) => look.active(subject, code) || look.active(household, code);
  const held = (subject, code) => look.heldInYear(subject, code) || look.heldInYear(household, code);
  const certified = (subject) => look.active(subject, 'disability.certificate');
  const outcomes = {};
  if (members.some(({ subject }) => active(subject, 'relief.dibao')))
    outcomes['check.disability_living'] = outcomeOfAny(members, ({ subject }) => [
      condition(certified(subject)), condition(!active(subject, 'relief.disability_living'))]);
  outcomes['check.disability_nursing'] = outcomeOfAny(members, ({ subject }) => [evidence(certified(subject)),
    condition(severelyDisabled(look, subject)), condition(!active(subject, 'relief.disability_nursing'))]);
  if (!home.inAssistance) return outcomes;
  outcomes['check.medical'] = outcomeOfAny(members, ({ subject }) => [
    condition(less(exactly(LARGE_EXPENSE), sum(look, [subject], ['expense.medical_self_paid'], look.year))),
    condition(!held(subject, 'relief.medical'))]);
  outcomes['check.education'] = outcomeOfAny(members, ({ subject }) => [
    condition(look.values(subject, 'student.stage').some((stage) => ['senior', 'vocational', 'college', 'bachelor'].includes(stage))),
    condition(!held(subject, 'relief.education'))]);
  outcomes['check.income'] = outcome([condition(atLeast(times(2n, home.I), home.line15))]);
  if (home.area === 'rural')
    outcomes['check.housing'] = outcome([condition(['C', 'D'].includes(look.latest(household, 'housing.grade'))),
      condition(!everybody.some((subject) => look.heldInYear(subject, 'relief.housing')))]);
  return outcomes;
}

function suggestions(look, home, level) {
  const needs = home.members.some(({ subject }) => severelyDisabled(look, subject) === true ||
    look.active(subject, 'illness.serious'));
  const poor = less(times(2n, home.I), home.line15) === true;
  return ['red', 'orange'].includes(level) && poor && needs ? ['suggest.single_dibao'] : [];
}

// --- one household -----------------------------------------------------------------------------------------------------------

// Everything that the clauses ask about: the people, the sums, the lines.
function describe(look, household, D) {
  const { persons, members, diedInYear, dead } = people(look, household, D);
  const self = `household ${household.no}`;
  const everybody = [self, ...members.map((member) => member.subject)];
  const spenders = [...everybody, ...diedInYear.map((person) => person.subject)];
  const line = exactly(DIBAO[household.area] * BigInt(members.length));
  const declaredNow = look.active(self, 'income.declared');
  const declaredBefore = look.active(self, 'income.declared', look.yearBefore.until);
  const income = (window, declared) => {
    const known = sum(look, everybody, INCOME, window);
    return declared ? known : { low: known.low, high: known.high + RANGE };
  };
  return {
    D, persons, members, everybody, dead, household: self, area: household.area, declaredNow, declaredBefore, line,
    line15: times(3n, line), // twice 1.5 × L × n
    I: income(look.year, declaredNow),
    before: income(look.yearBefore, declaredBefore),
    E: sum(look, spenders, EXPENSE, look.year),
    expenseUnknown: hasUnknown(look, spenders, EXPENSE),
    inAssistance: members.length > 0 && ['relief.dibao', 'relief.tekun'].some(
      (code) => everybody.some((subject) => look.active(subject, code))),
  };
}

const levelOf = (rule) => rule.slice(0, rule.indexOf('.'));

function levelFor(colourOutcomes) {
  const fired = Object.keys(colourOutcomes).filter((rule) => colourOutcomes[rule] === 'fires').map(levelOf);
  for (const level of ['red', 'orange', 'yellow', 'verify']) if (fired.includes(level)) return level;
  return Object.values(colourOutcomes).includes('undecided') ? 'verify' : 'none';
}

export function evaluateHousehold(look, household, D) {
  const home = describe(look, household, D);
  const deceased = home.persons.some((person) => home.dead(person) &&
    OWN_RELIEFS.some((code) => look.active(person.subject, code)));
  const empty = home.members.length === 0; // then only the check of the deceased
  const colourOutcomes = empty || home.inAssistance ? {} : colours(look, home);
  const checkOutcomes = { ...(empty ? {} : checks(look, home)), 'check.deceased': deceased ? 'fires' : 'no' };
  const level = levelFor(colourOutcomes);
  const rules = (outcomes, wanted) => Object.keys(outcomes).filter((rule) => outcomes[rule] === wanted).sort();
  return {
    home,
    row: {
      household_no: household.no,
      township_code: household.township,
      level,
      state: 'open',
      reasons: rules(colourOutcomes, 'fires').map((rule) => ({ rule, level: levelOf(rule) })),
      checks: rules(checkOutcomes, 'fires'),
      undecided: rules({ ...colourOutcomes, ...checkOutcomes }, 'undecided'),
      suggestions: suggestions(look, home, level),
    },
  };
}

// The document, and figures about the county.
export function evaluate(folder, D) {
  const county = readCounty(folder);
  const look = lens(county.facts, D);
  const figures = { households: county.households.length, members: 0, members_in_assistance: 0, income_unknown: 0,
    levels: new Map() }; // household_no -> level
  const rows = [];
  for (const household of D < SCHEME_BEGINS ? [] : county.households) {
    const { home, row } = evaluateHousehold(look, household, D);
    figures.levels.set(household.no, row.level);
    figures.members += home.members.length;
    if (home.inAssistance) figures.members_in_assistance += home.members.length;
    if (home.I.low !== home.I.high) figures.income_unknown++;
    if (row.level !== 'none' || row.checks.length > 0 || row.undecided.length > 0) rows.push(row);
  }
  rows.sort((a, b) => Buffer.compare(Buffer.from(a.household_no), Buffer.from(b.household_no)));
  return { document: { round: null, as_of: D, households: rows }, figures };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [folder, date] = process.argv.slice(2);
  if (!folder || !date) {
    console.error('usage: node evaluate.mjs COUNTY_DIR YYYY-MM-DD');
    process.exit(64);
  }
  console.log(JSON.stringify(evaluate(folder, date).document));
}
