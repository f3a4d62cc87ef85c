// SPDX-License-Identifier: PostgreSQL
// Makes a county for any policy: for each of its clauses households that fire it, that miss it by one line alone, that leave it
// undecided, and pairs that one fen, one day or one year of age sets apart; among them nasty ones by chance, with several sources, repeats,
// corrections, damaged rows, people without usable IDs, large households and none. The same arguments write the same bytes.
//
//   node policy-county.mjs POLICY --seed N --households N --date YYYY-MM-DD --out DIR
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { checkCharacter, minusMonths, plusDays } from './county.mjs';
import { readPolicy } from './policy.mjs';
import { Search, edges, exercise, signs } from './policy-search.mjs';

const yuan = (fen) => `${fen / 100n}.${String(fen % 100n).padStart(2, '0')}`;

// --- files -----------------------------------------------------------------------------------------------------------------------

class Writer {
  constructor(search) {
    Object.assign(this, { search, random: search.random, D: search.D, tables: { household: [], person: [], fact: [] }, sequence: 0, references: 0 });
    const feeds = new Set(search.sources.filter((source) => source !== 'register'));
    // A full batch, then another: what is to stand goes into the last full one or after it.
    this.feeds = new Map([...feeds].sort().map((feed) => [feed, [{ full: true, rows: [] }, { full: search.random.chance(30), rows: [] }, { full: false, rows: [] }]]));
  }

  #id(birth) {
    this.sequence++;
    const area = String(610922 + Math.floor(this.sequence / 1000));
    const digits = area + birth.replaceAll('-', '') + String(this.sequence % 1000).padStart(3, '0');
    return digits + checkCharacter(digits);
  }

  /** How the register writes the ID: mostly as it is. */
  #written(id) {
    const { chance } = this.random;
    if (chance(3) && id.slice(6, 8) === '19') return id.slice(0, 6) + id.slice(8, 17);
    if (chance(3)) return id.toLowerCase();
    return chance(2) ? [...id].map((c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)).join('') : id;
  }

  /** planted: to be kept as it is; the others may be repeated, corrected and damaged. */
  household(home, planted) {
    const { pick } = this.random;
    const no = `${planted ? 'P' : pick(['N', 'n', '户'])}${String(this.tables.household.length + 1).padStart(5, '0')}`;
    const township = `610922${pick(['001', '100', '101', '200'])}`;
    this.tables.household.push({ household_no: no, township_code: township, village_code: `${township}201`, area: home.area, address: '某地, "1" 号' });
    const ids = home.persons.map((person) => this.#person(no, person));
    for (const fact of home.facts) this.#fact(no, ids, fact, planted);
    if (!planted && this.random.chance(30)) this.#damage(no, ids);
  }

  #person(no, { birth, kinship, labour }) {
    const id = birth && this.#id(birth);
    const unusable = this.random.pick(['', '5.1E+17', '61092219700101000', '610922197002300000', '610922197001010000']);
    this.tables.person.push({ household_no: no, id_number: id ? this.#written(id) : unusable, name: this.random.pick(['王小明', '阿依·买买提', '张?']),
      kinship: kinship ?? '', labour: labour ?? '' });
    return id;
  }

  #value(fact, id) {
    const { pick } = this.random;
    if (fact.kind === 'certificate') return id + fact.value.slice(18) + pick(['', '', 'B1']);
    if (fact.kind === 'amount') return fact.value === null ? pick(['', '', 'abc', '-5.00', '1,000.00', '1e3']) : yuan(fact.value);
    return fact.value === 'yes' && !['choice', 'text'].includes(fact.kind) ? pick(['', 'yes']) : fact.value;
  }

  #fact(no, ids, fact, planted) {
    const { pick, chance } = this.random;
    const id = fact.whose === 'household' ? null : ids[fact.whose];
    const row = { household_no: id ? '' : no, id_number: id ?? '', name: '', code: fact.code, value: this.#value(fact, id), from: fact.from, to: fact.to, ref: `F${++this.references}` };
    // An amount belongs to its last day, wherever its period begins.
    if (fact.kind === 'amount' && fact.to === '' && chance(40)) Object.assign(row, { to: fact.from, from: plusDays(fact.from, -pick([0, 0, 30, 400])) });
    if (planted) this.#stand(fact.source, row);
    else this.#scatter(fact, row, id);
  }

  #stand(source, row) {
    if (source === 'register') { this.tables.fact.push(row); return; }
    const batches = this.feeds.get(source);
    const last = batches.findLastIndex(({ full }) => full);
    batches[last + this.random.upTo(batches.length - 1 - last)].rows.push(row);
  }

  /** Anywhere, perhaps once more in the same file (the first stands), perhaps again later, corrected or the same. */
  #scatter(fact, row, id) {
    const { pick, chance, upTo } = this.random;
    const variation = () => ({ ...row, value: this.#value({ ...fact, value: this.search.value(fact.code) }, id) });
    if (fact.source === 'register') {
      this.tables.fact.push(row);
      if (chance(5)) this.tables.fact.push(variation());
      return;
    }
    const batches = this.feeds.get(fact.source);
    const first = upTo(batches.length - 1);
    batches[first].rows.push(row);
    if (chance(5)) batches[first].rows.push(variation());
    for (let i = first + 1; i < batches.length; i++) {
      if (!chance(batches[i].full ? 75 : 25)) continue;
      const again = chance(40) ? variation() : { ...row };
      if (chance(30) && fact.kind !== 'amount' && fact.kind !== 'event') again.to = pick(['', ...this.search.about.edges.filter((day) => day >= row.from)]);
      batches[i].rows.splice(chance(50) ? batches[i].rows.length : upTo(batches[i].rows.length), 0, again);
    }
  }

  /** Rows that must be quarantined, or are about nobody on the register. */
  #damage(no, ids) {
    const { pick } = this.random;
    const { code, kind } = pick(this.search.facts.map(({ code }) => ({ code, kind: this.search.kindOf(code) })));
    if (kind === 'certificate') return;
    const value = kind === 'choice' ? 'X' : kind === 'amount' ? '777.00' : 'yes';
    const self = { household_no: no, id_number: '', name: '', code, value, from: this.search.day(), to: '', ref: `bad${++this.references}` };
    const row = pick([
      { ...self, from: pick(['2021-02-30', '2021/05/01', '20210501', '', '2021-13-01']) },
      { ...self, to: plusDays(self.from, -1) },
      { ...self, code: pick(['event.flood', code.toUpperCase(), '']) },
      { ...self, household_no: 'nobody' },
      { ...self, household_no: '', id_number: pick(['5.1E+17', '610922197001010000', 'X']) },
      { ...self, household_no: '', id_number: this.#id('1970-01-01') }, // not on the register
      { ...self, id_number: ids.find(Boolean) ?? 'X' }, // both
    ]);
    const source = pick([...this.feeds.keys(), 'register']);
    if (source === 'register') this.tables.fact.push(row);
    else pick(this.feeds.get(source)).rows.push(row);
  }

  write(out) {
    mkdirSync(join(out, 'register'), { recursive: true });
    const table = (name, columns, rows) => writeFileSync(join(out, 'register', name), csv(columns, rows));
    table('household.csv', ['household_no', 'township_code', 'village_code', 'area', 'address'], this.tables.household);
    table('person.csv', ['household_no', 'id_number', 'name', 'kinship', 'labour'], this.tables.person);
    table('fact.csv', ['household_no', 'id_number', 'code', 'value', 'from', 'to', 'ref', 'as_of'], this.tables.fact.map((row) => ({ ...row, as_of: this.D })));
    for (const [feed, batches] of this.feeds) this.#writeFeed(join(out, 'feeds', feed), feed, batches.filter(({ rows }) => rows.length > 0));
  }

  #writeFeed(folder, feed, batches) {
    mkdirSync(folder, { recursive: true });
    batches.forEach(({ full, rows }, i) => {
      const batch = `${feed}-${i + 1}`, path = join(folder, `${batch}.csv`);
      const bytes = Buffer.from(csv(['id_number', 'household_no', 'name', 'code', 'value', 'from', 'to', 'ref'], rows));
      const last = minusMonths(this.D, batches.length - 1 - i);
      const manifest = { feed, batch, period_from: plusDays(minusMonths(last, 1), 1), period_to: last, mode: full ? 'full' : 'delta', rows: rows.length,
        sha256: createHash('sha256').update(bytes).digest('hex'), sent_at: `${last}T18:00:00+08:00` };
      writeFileSync(path, bytes);
      writeFileSync(`${path}.manifest.json`, JSON.stringify(manifest) + '\n');
    });
  }
}

const quote = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const csv = (columns, rows) => [columns, ...rows.map((row) => columns.map((name) => row[name] ?? ''))].map((row) => row.map(quote).join(',') + '\r\n').join('');

// --- the county --------------------------------------------------------------------------------------------------------------------

/** What stands in the county on purpose: for every clause what a search finds, or (searched: false) the policy's own examples alone. */
function plant(search, { searched, thorough }) {
  if (!searched) return { standing: search.examples.map(({ home }) => home), unreached: [], noticed: [], unnoticed: [] };
  const planted = new Map(), unreached = [];
  for (const clause of search.policy.clauses) {
    const { found, missed } = exercise(search, clause);
    unreached.push(...missed.map((target) => ({ rule: clause.rule, target })));
    const pairs = found.filter(({ target }) => !target.undecided).slice(0, thorough ? 3 : 1).flatMap(({ home }) => edges(search, clause, home));
    planted.set(clause, [...found.map(({ home }) => home), ...pairs.flat()]);
  }
  const { homes, noticed, unnoticed } = signs(search, planted);
  return { standing: [...new Set([...[...planted.values()].flat(), ...homes])], unreached, noticed, unnoticed };
}

/** Writes it, and says which targets of which clauses could not be reached ([{ rule, target }]) and which comparisons' signs matter in it. */
export function makeCounty(policy, D, { seed, households, out, searched = true, thorough = false }) {
  const search = new Search(policy, D, seed, thorough);
  const { standing, ...reached } = plant(search, { searched, thorough });
  const writer = new Writer(search);
  standing.forEach((home) => writer.household(home, true));
  for (let i = 0; i < households; i++) writer.household(search.nasty(), false);
  writer.write(out);
  return { ...reached, planted: standing.length };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const text = { type: 'string' };
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { seed: text, households: text, date: text, out: text } });
  if (positionals.length !== 1 || !/^\d+$/.test(values.seed ?? '') || !/^\d+$/.test(values.households ?? '') || !/^\d{4}-\d\d-\d\d$/.test(values.date ?? '') || !values.out) {
    console.error('usage: node policy-county.mjs POLICY --seed N --households N --date YYYY-MM-DD --out DIR');
    process.exit(64);
  }
  const policy = readPolicy(positionals[0]);
  const { unreached, unnoticed, planted } = makeCounty(policy, values.date, { seed: Number(values.seed), households: Number(values.households), out: values.out });
  console.log(`${planted} households planted; signs that none notices: ${unnoticed.map((node) => `line ${(policy.comparisons.get(node)?.line ?? 0) + 1}`).join(', ') || 'none'}; not reached: ${unreached.map(({ rule, target }) => `${rule} ${target.name}`).join(', ') || 'nothing'}`);
}
