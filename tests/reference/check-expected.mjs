// SPDX-License-Identifier: PostgreSQL
// Does the reference evaluator find in a sample county what was planted in it?
//
//   node check-expected.mjs COUNTY_DIR DATE      prints each difference, then the shares; exits 1 if there was any
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { evaluate } from './evaluate.mjs';

const [folder, date] = process.argv.slice(2);
if (!folder || !date) {
  console.error('usage: node check-expected.mjs COUNTY_DIR YYYY-MM-DD');
  process.exit(64);
}
const { document, figures } = evaluate(folder, date);
const found = new Map(document.households.map((row) => [row.household_no, row]));
const [header, ...lines] = readFileSync(join(folder, 'expected.tsv'), 'utf8').trimEnd().split('\n').map((line) => line.split('\t'));
const column = (line, name) => line[header.indexOf(name)];
const planted = new Set(lines.map((line) => column(line, 'household_no')));
let different = 0;
for (const line of lines) {
  const row = found.get(column(line, 'household_no'));
  const seen = row
    ? [row.level, row.reasons.map((reason) => reason.rule).join(), row.checks.join(), row.undecided.join(), row.suggestions.join()]
    : ['none', '', '', '', ''];
  const wanted = ['level', 'rules', 'checks', 'undecided', 'suggestions'].map((name) => column(line, name));
  if (seen.join('\t') !== wanted.join('\t')) {
    different++;
    console.log(`${column(line, 'household_no')} ${column(line, 'what')}\n  expected ${wanted.join(' | ')}\n  found    ${seen.join(' | ')}`);
  }
}
const share = (part, whole) => `${part} (${((100 * part) / Math.max(1, whole)).toFixed(2)} %)`;
const ordinary = { red: 0, orange: 0, yellow: 0, verify: 0, none: 0 };
for (const [household, level] of figures.levels) if (!planted.has(household)) ordinary[level]++;
const total = Object.values(ordinary).reduce((sum, count) => sum + count, 0);
console.log(`planted: ${lines.length} households, ${different} different from what is expected`);
console.log(`ordinary: ${total} households; in colour ${share(ordinary.red + ordinary.orange + ordinary.yellow, total)}: ` +
  `red ${ordinary.red}, orange ${ordinary.orange}, yellow ${ordinary.yellow}; verify ${share(ordinary.verify, total)}`);
console.log(`all: ${figures.members} members, in assistance ${share(figures.members_in_assistance, figures.members)}; ` +
  `income unknown in ${share(figures.income_unknown, figures.households)} of the households`);
process.exit(different > 0 ? 1 : 0);
