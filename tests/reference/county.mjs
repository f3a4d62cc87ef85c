// SPDX-License-Identifier: PostgreSQL
// Reads a county folder (register and feeds in the exchange format) the simple way: whole files, row by row.
// Rows that must be quarantined are left out; an amount that cannot be read is kept as unknown (null).
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// The agencies in the order of precedence; the register comes last.
export const FEEDS = ['medical_insurance', 'disabled_federation', 'education', 'hr_social_security', 'housing',
  'emergency', 'revitalisation', 'health', 'civil_affairs', 'public_security', 'natural_resources',
  'market_regulation', 'tax', 'vehicles', 'housing_fund', 'economic_check', 'trade_union', 'water', 'justice',
  'women_federation', 'youth_league', 'hotline'];

// The dictionary of facts: code -> { kind, choices, titles }. Yes-states, reliefs and events may be empty (yes), the others may not.
export const DICTIONARY = readDictionary(readFileSync(new URL('../../conf/facts.conf', import.meta.url), 'utf8'));

function readDictionary(text) {
  const codes = new Map();
  let code = null;
  for (const line of text.split('\n')) {
    const section = /^\[(\S+)\]$/.exec(line), setting = /^(\w+) = (.*)$/.exec(line);
    if (section) codes.set(section[1], code = { kind: '', choices: [], titles: new Map() });
    else if (setting?.[1] === 'kind') code.kind = setting[2];
    else if (setting?.[1] === 'choice') {
      const [name, title] = setting[2].split(' ');
      code.choices.push(name);
      code.titles.set(title, name);
    }
  }
  return codes;
}

/** A policy may write a choice by its name or by its title. */
export const choiceNamed = (code, text) => DICTIONARY.get(code).titles.get(text) ?? text;

// --- texts ----------------------------------------------------------------------------------------------------

export function decode(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes); // drops a BOM
  } catch {
    return new TextDecoder('gb18030', { fatal: true }).decode(bytes);
  }
}

// RFC 4180: an array of objects, one per row, keyed by the header.
export function parseCsv(text) {
  const rows = [];
  let row = [], field = '', quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c !== '"') field += c;
      else if (text[i + 1] === '"') { field += '"'; i++; } else quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === ',') { row.push(field); field = ''; }
    else if (c === '\n') { row.push(field.replace(/\r$/, '')); rows.push(row); row = []; field = ''; }
    else field += c;
  }
  if (field !== '' || row.length > 0) { row.push(field); rows.push(row); }
  const [header, ...body] = rows;
  return body.map((values) => Object.fromEntries(header.map((name, i) => [name, values[i] ?? ''])));
}

// --- dates are texts YYYY-MM-DD, which compare as they should -----------------------------------------------------

const daysOfMonth = (year, month) => new Date(Date.UTC(year, month, 0)).getUTCDate();
const iso = (y, m, d) => `${String(y).padStart(4, '0')}-${String(m).padStart(2, '0')}-${String(d).padStart(2, '0')}`;

export function isDate(text) {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!match) return false;
  const [year, month, day] = match.slice(1).map(Number);
  return year >= 1900 && year <= 2999 && month >= 1 && month <= 12 && day >= 1 && day <= daysOfMonth(year, month);
}

// D - k months, clamped to the last day of the month.
export function minusMonths(date, months) {
  const [year, month, day] = date.split('-').map(Number);
  const count = year * 12 + (month - 1) - months;
  const y = Math.floor(count / 12), m = (count % 12) + 1;
  return iso(y, m, Math.min(day, daysOfMonth(y, m)));
}

export function plusDays(date, days) {
  const [year, month, day] = date.split('-').map(Number);
  const moved = new Date(Date.UTC(year, month - 1, day + days));
  return iso(moved.getUTCFullYear(), moved.getUTCMonth() + 1, moved.getUTCDate());
}

// --- resident IDs (GB 11643) --------------------------------------------------------------------------------------

export function checkCharacter(digits17) {
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  return '10X98765432'[weights.reduce((sum, weight, i) => sum + weight * Number(digits17[i]), 0) % 11];
}

// The usual 18 characters, or null when the number cannot be used.
export function usableId(text) {
  let id = text.trim().replace(/[\uFF10-\uFF19\uFF38\uFF58]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xFEE0));
  id = id.toUpperCase();
  if (/^\d{15}$/.test(id)) {
    const long = id.slice(0, 6) + '19' + id.slice(6);
    id = long + checkCharacter(long);
  }
  if (!/^\d{17}[\dX]$/.test(id) || checkCharacter(id) !== id[17]) return null;
  return isDate(birthOf(id)) ? id : null;
}

export const birthOf = (id) => `${id.slice(6, 10)}-${id.slice(10, 12)}-${id.slice(12, 14)}`;

// --- one row -> one fact, or null when it must be quarantined -------------------------------------------------------

const RANGE_FEN = 500000000n; // the declared range of amounts: 5,000,000.00 yuan

function readAmount(text, range) {
  if (!/^[0-9]{1,12}(\.[0-9]{1,2})?$/.test(text)) return null;
  const [yuan, fen = ''] = text.split('.');
  const amount = BigInt(yuan) * 100n + BigInt(fen.padEnd(2, '0'));
  return range === null || amount <= range ? amount : null;
}

// undefined: refused. Amounts: fen or null (unknown). Others: the text, where an empty value means yes.
function readValue({ kind, choices }, text, subjectId, range) {
  switch (kind) {
    case 'choice': return choices.includes(text) ? text : undefined;
    case 'amount': return readAmount(text, range);
    case 'yesno':
    case 'event': return text === '' ? 'yes' : text === 'yes' || text === 'no' ? text : undefined;
    case 'relief': return text === '' ? 'yes' : text === 'yes' || text === 'no' || readAmount(text, null) !== null ? text : undefined;
    case 'text': return text === '' ? undefined : text;
    case 'certificate': return /^[1-7][1-4]/.test(text.slice(18)) && usableId(text.slice(0, 18)) === subjectId ? text : undefined;
    default: throw new Error(`no such kind: ${kind}`);
  }
}

function readFact(row, onRegister, { range }) {
  if (row.id_number && row.household_no) return null; // a person and a household
  const id = row.id_number ? usableId(row.id_number) : null;
  const subject = row.id_number ? id && `person ${id}` : row.household_no && `household ${row.household_no}`;
  if (!subject || !onRegister.has(subject)) return null;
  const entry = DICTIONARY.get(row.code);
  if (!entry || !isDate(row.from) || (row.to !== '' && (!isDate(row.to) || row.to < row.from))) return null;
  const value = readValue(entry, row.value, id, range);
  if (value === undefined) return null;
  // What makes two rows the same fact: a state may end later than it was first said to.
  const withTo = entry.kind === 'amount' || entry.kind === 'event';
  const identity = [subject, row.code, row.from, withTo ? row.to : '', row.ref].join('\u0000');
  return { subject, code: row.code, kind: entry.kind, value, from: row.from, to: row.to, identity };
}

// The facts of one file: a repeat is quarantined, the first stands.
function readFacts(rows, onRegister, batch, options) {
  const facts = new Map();
  rows.forEach((row, index) => {
    const fact = readFact(row, onRegister, options);
    if (fact && !facts.has(fact.identity)) facts.set(fact.identity, { ...fact, batch, row: index });
  });
  return facts;
}

// --- the folder ---------------------------------------------------------------------------------------------------

function readRegister(folder, options) {
  const read = (name) => parseCsv(decode(readFileSync(join(folder, 'register', name))));
  const households = new Map(), onRegister = new Set();
  for (const row of read('household.csv')) {
    const good = row.household_no !== '' && !households.has(row.household_no) && /^(urban|rural)$/.test(row.area);
    if (good) {
      households.set(row.household_no, { no: row.household_no, township: row.township_code, village: row.village_code, area: row.area, persons: [] });
      onRegister.add(`household ${row.household_no}`);
    }
  }
  for (const row of read('person.csv')) {
    const id = usableId(row.id_number);
    if (!households.has(row.household_no) || (id && onRegister.has(`person ${id}`))) continue;
    households.get(row.household_no).persons.push({ id, kinship: row.kinship, labour: row.labour });
    if (id) onRegister.add(`person ${id}`);
  }
  return { households, onRegister, facts: readFacts(read('fact.csv'), onRegister, 0, options) };
}

function readBatches(folder, feed) {
  const drop = join(folder, 'feeds', feed);
  if (!existsSync(drop)) return [];
  const manifests = readdirSync(drop).filter((name) => name.endsWith('.manifest.json'));
  const batches = manifests.map((name) => {
    const bytes = readFileSync(join(drop, name.slice(0, -'.manifest.json'.length)));
    const manifest = JSON.parse(readFileSync(join(drop, name), 'utf8'));
    const rows = parseCsv(decode(bytes));
    if (createHash('sha256').update(bytes).digest('hex') !== manifest.sha256 || rows.length !== manifest.rows)
      throw new Error(`${feed}/${name}: the manifest does not fit the file`);
    return { manifest, rows };
  });
  return batches.sort((a, b) => Date.parse(a.manifest.sent_at) - Date.parse(b.manifest.sent_at));
}

// households; and facts: subject -> code -> source -> [facts], the sources that have any, in the order of precedence.
// range: what is above is unknown; null leaves that to the policy.
export function readCounty(folder, options = { range: RANGE_FEN }) {
  const register = readRegister(folder, options);
  const sources = FEEDS.map((feed) => {
    let known = new Map();
    readBatches(folder, feed).forEach(({ manifest, rows }, batch) => {
      const facts = readFacts(rows, register.onRegister, batch, options);
      if (manifest.mode === 'full') known = facts; // what is absent is ended
      else for (const [identity, fact] of facts) known.set(identity, fact);
    });
    return [feed, known];
  });
  sources.push(['register', register.facts]);
  const facts = new Map();
  sources.forEach(([source, known]) => {
    for (const fact of known.values()) {
      if (!facts.has(fact.subject)) facts.set(fact.subject, new Map());
      const codes = facts.get(fact.subject);
      if (!codes.has(fact.code)) codes.set(fact.code, new Map());
      const lists = codes.get(fact.code); // a Map keeps the order in which it was filled: that of precedence
      if (!lists.has(source)) lists.set(source, []);
      lists.get(source).push(fact);
    }
  });
  return { households: [...register.households.values()], facts };
}
