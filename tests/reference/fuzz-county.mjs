// SPDX-License-Identifier: PostgreSQL
// Makes a small and nasty county: everything that the scheme asks about, on the edges of its windows and lines, from
// several sources at once, with unknown amounts, undeclared incomes, the dead and the moved, damaged rows, and batches
// that supersede each other. Realism is no concern here (sample/ has that); the same arguments write the same bytes.
//
//   node fuzz-county.mjs --seed N --households N --date YYYY-MM-DD --out DIR
//
// What the exchange format leaves open is kept out: a relief of 0.00, an illness without value, an amount without
// `from`, an event with `to`, a certificate of somebody else, a damaged row that repeats the identity of a good one.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FEEDS, checkCharacter, minusMonths, plusDays } from './county.mjs';

const text = { type: 'string' };
const { values: options } = parseArgs({ options: { seed: text, households: text, date: text, out: text } });
const { seed, households: count, date: D, out } = options;
if (!/^\d+$/.test(seed ?? '') || !/^\d+$/.test(count ?? '') || !/^\d{4}-\d\d-\d\d$/.test(D ?? '') || !out) {
  console.error('usage: node fuzz-county.mjs --seed N --households N --date YYYY-MM-DD --out DIR');
  process.exit(64);
}

// --- chance (mulberry32) --------------------------------------------------------------------------------------------

let state = (Number(seed) * 2654435761 + 97) >>> 0;
function next() {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const upTo = (n) => Math.floor(next() * (n + 1)); // 0..n
const pick = (list) => list[Math.floor(next() * list.length)];
const chance = (percent) => next() * 100 < percent;

// --- dates and amounts on the edges ------------------------------------------------------------------------------------

const W = minusMonths(D, 12), V = minusMonths(D, 24);
const around = (date) => [plusDays(date, -1), date, plusDays(date, 1)];
const EDGES = [...around(D), ...around(W), ...around(V)];
const anyDay = () => (chance(50) ? pick(EDGES) : plusDays(D, 40 - upTo(1200)));
const inYear = () => pick([D, plusDays(W, 1), plusDays(D, -upTo(364))]);
const inYearBefore = () => pick([W, plusDays(V, 1), plusDays(W, -upTo(360))]);
const longAgo = () => plusDays(D, -upTo(3000));

const yuan = (fen) => `${Math.floor(fen / 100)}.${String(fen % 100).padStart(2, '0')}`;
const THRESHOLDS = [1000000, 1000001, 999999, 500000000, 500000001, 400000, 1, 0];
function amount(near) {
  if (chance(8)) return ''; // unknown
  if (chance(4)) return pick(['abc', '-5.00', '1,000.00', '1e3', '1234567890123.00', '10.123', '5000000.01']);
  if (chance(20)) return yuan(pick(THRESHOLDS));
  return yuan(Math.max(0, Math.round(near * next() * 2)));
}

// --- the county -----------------------------------------------------------------------------------------------------------

const tables = { household: [], person: [], fact: [] };
const batches = new Map(); // feed -> [{ full, rows }]
const knownIds = [];
let references = 0;

const SOURCES = [...FEEDS.slice(0, 7), ...FEEDS.slice(0, 7), 'health', 'civil_affairs', 'tax', 'hotline'];
for (const feed of new Set(SOURCES))
  batches.set(feed, Array.from({ length: 1 + upTo(3) }, (_, i) => ({ full: i === 0 ? chance(80) : chance(40), rows: [] })));

// Puts a row where its source keeps it; sometimes again later, corrected or the same; sometimes twice in one file.
function put(source, row) {
  const full = { household_no: '', id_number: '', name: '', value: '', to: '', ref: '', ...row };
  if (source === 'register') {
    tables.fact.push(full);
    if (chance(3)) tables.fact.push({ ...full, value: variation(full) });
    return;
  }
  const list = batches.get(source);
  const first = upTo(list.length - 1);
  list[first].rows.push(full);
  if (chance(3)) list[first].rows.push({ ...full, value: variation(full) }); // a repeat: the first stands
  for (let i = first + 1; i < list.length; i++) {
    if (!(list[i].full ? chance(75) : chance(20))) continue;
    const again = { ...full };
    if (chance(40)) again.value = variation(full);
    if (chance(30) && isState(full.code)) again.to = pick(['', ...EDGES.filter((day) => day >= full.from)]);
    const at = chance(50) ? list[i].rows.length : upTo(list[i].rows.length);
    list[i].rows.splice(at, 0, again);
  }
}

const isAmount = (code) => /^(expense|asset)\./.test(code) || (code.startsWith('income.') && code !== 'income.declared');
const isState = (code) => !isAmount(code) && !code.startsWith('event.');

// Another value that its code allows.
function variation(row) {
  if (isAmount(row.code)) return amount(600000);
  if (row.code === 'housing.grade') return pick(['A', 'B', 'C', 'D']);
  if (row.code === 'student.stage') return pick(STAGES);
  if (row.code === 'disability.certificate') return row.value.slice(0, 18) + pick(KINDS_AND_GRADES);
  if (row.code === 'illness.serious') return pick(['yes', 'no', 'I60']);
  return pick(['', 'yes', 'no']);
}

const source = () => (chance(50) ? 'register' : pick(SOURCES));
const reference = () => (chance(30) ? `R${++references}` : '');

const STAGES = ['preschool', 'compulsory', 'senior', 'vocational', 'college', 'bachelor', 'postgraduate'];
const KINDS_AND_GRADES = ['11', '22', '33', '44', '43', '42', '53', '63', '64', '73', '73', '73', '72', '74', '73B1', '42 补'];
const INCOMES = ['wage', 'business', 'property', 'transfer'];
const NOT_COUNTED = ['basic_pension', 'disability_allowance', 'preferential_pension', 'award', 'relief_project', 'public_job'];
const EXPENSES = ['medical_self_paid', 'education', 'rehabilitation', 'care', 'disaster_loss', 'medical_self_paid'];
const RELIEFS = ['medical', 'education', 'housing', 'disability_living', 'disability_nursing', 'dibao', 'tekun', 'temporary'];

const subjectOf = (home) => (home.people.length === 0 || chance(30) ? { household_no: home.no } : { id_number: pick(home.people) });

function putAmount(home, code, value, day) {
  const from = chance(50) ? day : plusDays(day, -upTo(400)); // a period belongs to its last day
  const open = from === day && chance(50);
  put(source(), { ...subjectOf(home), code, value, from, to: open ? '' : day, ref: reference() });
}

function putState(subject, code, value, from = chance(60) ? longAgo() : anyDay()) {
  const ends = EDGES.filter((day) => day >= from);
  put(source(), { ...subject, code, value, from, to: chance(55) ? '' : pick([...ends, plusDays(from, upTo(900))]), ref: chance(10) ? reference() : '' });
}

const relief = () => pick(['', 'yes', '300.00', '80.00', 'no']);
const yes = () => (chance(85) ? pick(['', 'yes']) : 'no');

// Income on, or one fen beside, a line; expense on, or one fen beside, what would make it rigid.
function putMoney(home) {
  const line = home.line * Math.max(1, home.size - (chance(15) ? 1 : 0));
  const target = Math.max(0, Math.round(pick([line, line * 1.5, line * 1.5, line * 1.2, line * 1.8, line * 2.5, line * 4, upTo(line * 3), 0])) + pick([-1, 0, 0, 1]));
  const parts = 1 + upTo(1);
  for (let i = 0; i < parts; i++) {
    const part = i === 0 ? target - Math.floor(target / parts) * (parts - 1) : Math.floor(target / parts);
    putAmount(home, `income.${pick(INCOMES)}`, yuan(part), inYear());
  }
  if (chance(50))
    putAmount(home, `income.${pick(INCOMES)}`, yuan(pick([Math.floor((target * 10) / 7), Math.ceil((target * 10) / 7), target * 3, upTo(1500000)])), inYearBefore());
  if (chance(10)) putAmount(home, `expense.${pick(EXPENSES)}`, pick(['', 'x']), inYear());
  if (!chance(45)) return;
  const expense = pick([Math.floor(target / 2), Math.floor(target / 2) + 1, 1000000, 1000001, target - line * 1.5, target - line * 1.5 + 1, upTo(3000000)]);
  if (expense > 0) putAmount(home, `expense.${pick(EXPENSES)}`, yuan(expense), inYear());
}

function putDeclared(home) {
  const self = { household_no: home.no };
  if (chance(62)) put('register', { ...self, code: 'income.declared', value: pick(['', 'yes']), from: minusMonths(D, 60) });
  else if (chance(70)) putState(self, 'income.declared', yes(), pick([...EDGES, longAgo()]));
}

function putNoise(home) {
  const self = { household_no: home.no };
  const anybody = () => subjectOf(home);
  const kinds = [
    [14, () => putAmount(home, `income.${pick(INCOMES)}`, amount(home.line), anyDay())],
    [3, () => putAmount(home, `income.${pick(NOT_COUNTED)}`, amount(home.line), anyDay())],
    [14, () => putAmount(home, `expense.${pick(EXPENSES)}`, amount(500000), anyDay())],
    [2, () => putAmount(home, `expense.${pick(['rent', 'employment_cost'])}`, amount(500000), anyDay())],
    [8, () => putState(anybody(), 'relief.dibao', relief())],
    [4, () => putState(anybody(), 'relief.tekun', relief())],
    [12, () => putState(anybody(), `relief.${pick(RELIEFS)}`, relief())],
    [8, () => putState(self, 'housing.grade', pick(['A', 'B', 'C', 'D']))],
    [3, () => putState(anybody(), 'housing.grade', pick(['A', 'B', 'C', 'D']))],
    [5, () => putState(self, 'water.safe', pick(['yes', 'no', '']))],
    [5, () => putState(anybody(), `monitor.${pick(['unstable', 'marginal', 'sudden'])}`, yes())],
    [9, () => put(source(), { ...anybody(), code: `event.${pick(['disaster', 'accident', 'epidemic', 'job_loss'])}`, value: yes(), from: anyDay() })],
    [6, () => put(source(), { ...anybody(), code: 'event.dropout', value: yes(), from: chance(50) ? inYear() : anyDay() })],
    [2, () => put(source(), { ...anybody(), code: 'asset.deposit', value: amount(90000), from: anyDay() })],
  ];
  if (home.people.length > 0) {
    const person = () => ({ id_number: pick(home.people) });
    const certificate = (id_number) => putState({ id_number }, 'disability.certificate', id_number + pick(KINDS_AND_GRADES));
    kinds.push(
      [12, () => certificate(pick(home.people))],
      [6, () => { const id = pick(home.people); for (let i = upTo(3); i >= 0; i--) certificate(id); }],
      [7, () => putState(person(), 'student.stage', pick(STAGES))],
      [5, () => putState(person(), 'illness.serious', pick(['yes', 'yes', 'N18', 'no']))],
      [5, () => put(source(), { ...person(), code: 'event.death', value: yes(), from: anyDay() })],
      [5, () => putState(person(), 'residence.moved_away', yes())]);
  }
  const total = kinds.reduce((sum, [weight]) => sum + weight, 0);
  for (let i = upTo(9); i > 0; i--) {
    let mark = next() * total;
    kinds.find(([weight]) => (mark -= weight) < 0)[1]();
  }
}

// Several sources state the same code of one subject, each in its own way.
function putConflict(home) {
  const self = { household_no: home.no }, who = subjectOf(home);
  const state = (code, subject, value) => () => putState(subject, code, value());
  const sum = (code, near) => () => {
    const day = chance(50) ? inYear() : anyDay();
    put(source(), { ...who, code, value: amount(near), from: day, to: day, ref: reference() });
  };
  const event = (code) => () => put(source(), { ...who, code, value: yes(), from: anyDay() });
  const kinds = [
    sum('income.wage', home.line), sum('income.business', home.line), sum('expense.medical_self_paid', 600000),
    state('housing.grade', self, () => pick(['A', 'B', 'C', 'D'])), state('water.safe', self, () => pick(['yes', 'no'])),
    state('relief.dibao', who, relief), state('relief.tekun', who, relief), state(`relief.${pick(RELIEFS)}`, who, relief),
    state('monitor.sudden', who, yes), state('income.declared', self, yes), event('event.disaster'),
  ];
  if (who.id_number)
    kinds.push(state('disability.certificate', who, () => who.id_number + pick(KINDS_AND_GRADES)),
      event('event.dropout'), event('event.death'));
  const tell = pick(kinds);
  for (let i = 1 + upTo(2); i >= 0; i--) tell();
}

// Somebody has died, and is still paid for, or was in hospital before.
function putDeceased(home) {
  const who = { id_number: pick(home.people) };
  put(source(), { ...who, code: 'event.death', value: yes(), from: chance(70) ? pick([...EDGES, inYear()]) : anyDay() });
  if (chance(60)) putState(who, `relief.${pick(['dibao', 'tekun', 'disability_living', 'disability_nursing', 'temporary'])}`, relief());
  if (chance(60)) put(source(), { ...who, code: `expense.${pick(EXPENSES)}`, value: amount(800000), from: inYear() });
}

// Facts of one day, told apart by their documents: the newest batch, then the later row, is the latest.
function putTies(home) {
  const from = longAgo(), agency = source(), id = home.people.length > 0 ? pick(home.people) : null;
  const [subject, code, value] = pick([
    [{ household_no: home.no }, 'housing.grade', () => pick(['A', 'B', 'C', 'D'])],
    [{ household_no: home.no }, 'water.safe', () => pick(['yes', 'no'])],
    ...(id ? [[{ id_number: id }, 'disability.certificate', () => id + pick(KINDS_AND_GRADES)]] : []),
  ]);
  for (let i = 1 + upTo(1); i >= 0; i--) put(agency, { ...subject, code, value: value(), from, ref: `T${++references}` });
}

// In assistance, entitled to more, and that held until an edge of the window, by one of those who may hold it.
function putEntitled(home) {
  const who = { id_number: pick(home.people) };
  put('register', { ...pick([who, { household_no: home.no }]), code: 'relief.dibao', value: relief(), from: minusMonths(D, 40) });
  const [kind, need] = pick([
    ['medical', () => put(source(), { ...who, code: 'expense.medical_self_paid', value: pick(['10000.00', '10000.01', '20000.00', '']), from: inYear() })],
    ['education', () => putState(who, 'student.stage', pick(STAGES), minusMonths(D, 30))],
    ['housing', () => put(source(), { household_no: home.no, code: 'housing.grade', value: pick(['C', 'D', 'D', 'B']), from: inYear() })],
  ]);
  need();
  if (chance(70))
    put(source(), { ...subjectOf(home), code: `relief.${kind}`, value: relief(), from: minusMonths(D, 30), to: pick([...around(W), ...around(W), '', D]) });
}

// Without repeats and corrections: whether a refused row hides a good one is left open.
function putOnce(source, row) {
  const full = { household_no: '', id_number: '', name: '', value: '', to: '', ref: '', ...row };
  (source === 'register' ? tables.fact : pick(batches.get(source)).rows).push(full);
}

// Rows that must be quarantined, or are about nobody on the register.
function putBad(home) {
  const self = { household_no: home.no, code: 'event.disaster', value: 'yes', from: inYear(), ref: 'bad' };
  const who = subjectOf(home);
  pick([
    () => putOnce(source(), { ...self, from: pick(['2021-02-30', '2021/05/01', '20210501', '', '2021-13-01', '0000-00-00']) }),
    () => putOnce(source(), { ...who, code: 'expense.care', value: '20000.00', from: D, to: plusDays(D, -1), ref: 'bad' }),
    () => putOnce(source(), { ...who, code: 'expense.care', value: '20000.00', from: W, to: '2021-04-31', ref: 'bad' }),
    () => putOnce(source(), { ...self, code: pick(['event.flood', 'EVENT.DISASTER', 'event', '']) }),
    () => putOnce(source(), { ...self, household_no: 'nobody' }),
    () => putOnce(source(), { ...self, household_no: '', id_number: pick(['5.1E+17', '610922197001010000', '11010519491231002', 'X']) }),
    () => putOnce(source(), { ...self, household_no: '', id_number: makeId() }), // not on the register
    () => putOnce('register', { household_no: home.no, code: 'housing.grade', value: pick(['E', '', 'c']), from: inYear(), ref: 'bad' }),
    () => putOnce('register', { household_no: home.no, code: 'water.safe', value: 'maybe', from: inYear(), ref: 'bad' }),
  ])();
}

// Unique by its sequence number, which the whole county shares.
let sequence = 0;
function makeId() {
  const ages = [5, 6, 10, 15, 16, 40, 70];
  const birthday = chance(50) ? plusDays(minusMonths(D, 12 * pick(ages)), upTo(2) - 1) : plusDays(D, -upTo(33000));
  sequence++;
  const area = String(610922 + Math.floor(sequence / 1000));
  const digits = area + birthday.replaceAll('-', '') + String(sequence % 1000).padStart(3, '0');
  return digits + checkCharacter(digits);
}

// How the register writes the ID: mostly as it is.
function written(id) {
  if (chance(3) && id.slice(6, 8) === '19') return id.slice(0, 6) + id.slice(8, 17);
  if (chance(3)) return id.toLowerCase();
  if (chance(2)) return [...id].map((c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)).join(''); // full-width
  return chance(2) ? ` ${id} ` : id;
}

function putPeople(home) {
  const size = chance(4) ? 0 : 1 + upTo(4);
  home.size = size;
  for (let i = 0; i < size; i++) {
    const row = { household_no: home.no, name: pick(['王小明', '李𠮷', '阿依·买买提', '张?']), kinship: i === 0 ? '02' : '20', labour: pick(['full', 'weak', 'none', '']) };
    if (chance(5)) {
      tables.person.push({ ...row, id_number: pick(['', '5.1E+17', '61092219700101000', '610922197002300000', '610922197001010000']) });
    } else if (chance(4) && knownIds.length > 0) {
      tables.person.push({ ...row, id_number: pick(knownIds) }); // somebody who stands elsewhere already, or here
    } else {
      const id = makeId();
      knownIds.push(id);
      home.people.push(id);
      tables.person.push({ ...row, id_number: written(id) });
    }
  }
}

function putHousehold(index) {
  const urban = chance(35);
  const home = { no: pick(['F', 'F', 'F', 'f', '户', '𠮷']) + String(index).padStart(4, '0'), people: [], size: 0, line: urban ? 732000 : 483000 };
  const township = `610922${pick(['001', '100', '101', '200'])}`;
  tables.household.push({ household_no: home.no, township_code: township, village_code: `${township}201`, area: urban ? 'urban' : 'rural', address: '某地, "1" 号' });
  if (chance(2)) tables.household.push({ ...tables.household.at(-1), area: urban ? 'rural' : 'urban' }); // the first stands
  putPeople(home);
  putDeclared(home);
  if (chance(80)) putMoney(home);
  putNoise(home);
  if (chance(60)) putConflict(home);
  if (chance(12) && home.people.length > 0) putDeceased(home);
  if (chance(20) && home.people.length > 0) putEntitled(home);
  if (chance(12)) putTies(home);
  if (chance(20)) putBad(home);
}

for (let i = 1; i <= Number(count); i++) putHousehold(i);

// --- files -------------------------------------------------------------------------------------------------------------------

const quote = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const csv = (columns, rows) => [columns, ...rows.map((row) => columns.map((name) => row[name] ?? ''))].map((row) => row.map(quote).join(',') + '\r\n').join('');

mkdirSync(join(out, 'register'), { recursive: true });
const register = (name, columns, rows) => writeFileSync(join(out, 'register', name), csv(columns, rows));
register('household.csv', ['household_no', 'township_code', 'village_code', 'area', 'address'], tables.household);
register('person.csv', ['household_no', 'id_number', 'name', 'kinship', 'labour'], tables.person);
register('fact.csv', ['household_no', 'id_number', 'code', 'value', 'from', 'to', 'ref', 'as_of'], tables.fact.map((row) => ({ ...row, as_of: D })));

for (const [feed, list] of batches) {
  mkdirSync(join(out, 'feeds', feed), { recursive: true });
  list.forEach(({ full, rows }, i) => {
    const batch = `${feed}-${String(i + 1).padStart(2, '0')}`;
    const path = join(out, 'feeds', feed, `${batch}.csv`);
    const bytes = Buffer.from(csv(['id_number', 'household_no', 'name', 'code', 'value', 'from', 'to', 'ref'], rows));
    const last = minusMonths(D, list.length - 1 - i);
    const manifest = {
      feed, batch, period_from: plusDays(minusMonths(last, 1), 1), period_to: last, mode: full ? 'full' : 'delta',
      rows: rows.length, sha256: createHash('sha256').update(bytes).digest('hex'), sent_at: `${last}T18:00:00+08:00`,
    };
    writeFileSync(path, bytes);
    writeFileSync(`${path}.manifest.json`, JSON.stringify(manifest) + '\n');
  });
}
