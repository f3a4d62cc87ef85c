// SPDX-License-Identifier: PostgreSQL
// The life of warnings over many rounds, the simple way: what stands about each household, kept in maps and changed one round after
// the other as docs/unknown.md, docs/policy-language.md (解除, 波动, versions) and docs/townships.md say. What a round finds comes
// from the naive evaluator. It shares nothing with the daemon.
import { evaluateHousehold, subjectsOf } from './policy.mjs';
import { plusDays } from './county.mjs';

const REASONS = ['red', 'orange', 'yellow', 'verify'];
const LEVELS = ['red', 'orange', 'yellow', 'verify', 'none'];
const rank = (level) => -LEVELS.indexOf(level);
/** Colours and verify clauses are the reasons of warnings, and may be exchanged; the other kinds are each their own. */
const familyOf = (kind) => (REASONS.includes(kind) ? 'reason' : kind);
const inForce = (clause, D) => (!clause.from || D >= clause.from) && (!clause.until || D <= clause.until);

// --- what a round may end ---------------------------------------------------------------------------------------------------------

/** The codes of the facts that decide about a clause, whether somebody is a member included. */
export function codesOf(policy, clause) {
  const codes = new Set(), seen = new Set();
  const visit = (node) => {
    if (node === null || typeof node !== 'object' || seen.has(node)) return;
    seen.add(node);
    if (typeof node.fact === 'string') codes.add(node.fact);
    if (node.op === 'definition') visit(policy.definitions.get(node.name));
    if (node.op === 'people') visit(policy.people.get(node.name));
    Object.values(node).forEach(visit);
  };
  visit(clause.lines);
  visit(clause.some);
  if (!clause.withoutMembers) visit(policy.people.get('成员'));
  return new Set([...codes].map((fact) => policy.facts.get(fact).code));
}

/** batches: of one feed, in the order in which they were accepted; spoken: the codes that it ever spoke about. */
function provides(policy, feed, { batches, spoken }, codes) {
  if (batches.length === 0) return false;
  const named = (fact) => [...fact.first, ...fact.by].some((name) => policy.sources.get(name) === feed);
  return [...codes].some((code) => spoken.has(code) || [...policy.facts.values()].some((fact) => fact.code === code && named(fact)));
}

const trustOf = (policy, feed) => policy.trust.get(feed) ?? { days: 35, mayClear: true, swing: null };

function mayEnd(policy, feeds, codes, D) {
  return [...feeds].every(([feed, about]) => {
    const { days, mayClear } = trustOf(policy, feed);
    return !provides(policy, feed, about, codes) || (mayClear && about.batches.at(-1).period_to >= plusDays(D, -days));
  });
}

const twiceMedian = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1];
};

/** Whether `rows` is usual after these numbers. */
function isUsual(rows, history, times) {
  if (history.length < 4) return true;
  const median2 = twiceMedian(history), mad4 = twiceMedian(history.map((number) => Math.abs(2 * number - median2)));
  let least = 1;
  while (9 * least * least < 2 * median2) least++; // at least two thirds of the median's root
  const reach4 = times * Math.max(mad4, 4 * least);
  return 4 * rows >= 2 * median2 - reach4 && 4 * rows <= 2 * median2 + reach4;
}

const sumOf = (volume) => [...volume.values()].reduce((sum, rows) => sum + rows, 0);

/** The townships where a feed's newest batches swing; null in it: in sum. */
function swingsOf(times, batches) {
  const found = new Set();
  const full = batches.findLastIndex(({ mode }) => mode === 'full'), last = batches.length - 1;
  for (const at of new Set([full, last])) {
    if (at < 0 || batches[at].trusted) continue;
    const before = batches.slice(0, at).filter(({ mode }) => mode === batches[at].mode).slice(-8);
    for (const township of new Set([batches[at], ...before].flatMap(({ volume }) => [...volume.keys()])))
      if (!isUsual(batches[at].volume.get(township) ?? 0, before.map(({ volume }) => volume.get(township) ?? 0), times)) found.add(township);
    if (!isUsual(sumOf(batches[at].volume), before.map(({ volume }) => sumOf(volume)), times)) found.add(null);
  }
  return found;
}

/** Of a tenth of its rows and ten at the least, or of half of them, nothing could be told, and nobody has said that it is right all the same. */
const isDamaged = ({ rows, lost, trusted }) => lost > 0 && lost * 10 >= rows && (lost >= 10 || lost * 2 >= rows) && !trusted;

/** Whether what a damaged batch lost has not come since. */
const lacks = (batches) => batches.some((batch, i) => isDamaged(batch) && !batches.slice(i + 1).some((later) => later.mode === 'full' ||
  (batch.mode === 'delta' && later.period_from <= batch.period_from && later.period_to >= batch.period_to && !isDamaged(later))));

// --- one round --------------------------------------------------------------------------------------------------------------------

export class Life {
  standing = new Map(); // household_no -> { findings: Map(rule -> finding), level, township (of the case) }
  seen = new Map(); // feed -> how many batches the last committed round had seen

  /**
   * What a round of D finds: { raised, cleared, households (what will stand), events: [...] }; nothing is changed before it is taken.
   * county: of county.mjs; feeds: feed -> { batches: [{ mode, period_from, period_to, rows, lost, volume: township -> rows, trusted }], spoken: codes }, in the
   * order in which they were sent
   */
  judge(policy, county, feeds, D) {
    const round = { policy, feeds, D, standing: new Map(), events: [], raised: 0, cleared: 0 };
    round.clauses = new Map(policy.clauses.filter((clause) => inForce(clause, D)).map((clause) => [clause.rule, { ...clause, codes: codesOf(policy, clause) }]));
    round.swings = [...feeds].flatMap(([feed, about]) => {
      const times = trustOf(policy, feed).swing;
      return times ? [{ feed, about, townships: swingsOf(times, about.batches) }] : [];
    });
    round.lacking = [...feeds].filter(([, { batches }]) => lacks(batches));
    const households = new Map(county.households.map((household) => [household.no, household]));
    for (const no of new Set([...households.keys(), ...this.standing.keys()])) this.#household(round, county, no, households.get(no));
    return round;
  }

  take(round) {
    this.standing = round.standing;
    this.seen = new Map([...round.feeds].map(([feed, { batches }]) => [feed, batches.length]));
  }

  #mayEnd(round, { codes }, township) {
    const withheld = round.lacking.some(([feed, about]) => provides(round.policy, feed, about, codes)) || round.swings.some(({ feed, about, townships }) => (townships.has(null) || townships.has(township)) && provides(round.policy, feed, about, codes));
    return !withheld && mayEnd(round.policy, round.feeds, codes, round.D);
  }

  #household(round, county, no, household) {
    const before = this.standing.get(no) ?? { findings: new Map(), level: 'none', township: null };
    const found = new Map(); // rule -> fires, to_verify, undecided, no, absent
    if (household)
      for (const { rule, status } of evaluateHousehold(round.policy, county.facts, subjectsOf(household), round.D).outcomes) found.set(rule, status);
    const findings = new Map();
    for (const [rule, clause] of round.clauses) {
      const stood = before.findings.get(rule);
      const finding = this.#finding(round, clause, stood && familyOf(stood.kind) === familyOf(clause.kind) ? stood : null, found.get(rule), household);
      if (finding) findings.set(rule, finding);
    }
    const now = { findings, level: levelOf(findings), township: household?.township ?? before.township };
    if (findings.size > 0) round.standing.set(no, now);
    this.#tell(round, no, before, now);
  }

  /** What stands of a clause after this round; null: nothing. */
  #finding(round, clause, stood, status, household) {
    const kept = clause.kind !== 'suggestion';
    const level = REASONS.includes(clause.kind) ? clause.kind : 'none';
    const made = { kind: clause.kind, level, status: 'fired', stale: false, waiting: null };
    if (status === 'fires') return made;
    if (status === 'to_verify' && kept) return stood?.status === 'fired' ? { ...made, stale: true } : { ...made, status: 'undecided' };
    if (!stood || !kept || !household) return null; // nobody waits for a household that is no more
    const denied = (status === 'no' || status === 'absent') && this.#mayEnd(round, clause, household.township);
    if (!denied) return { ...stood, ...made, status: stood.status, stale: true, waiting: clause.clear.rounds + clause.clear.batches > 0 ? stood.waiting : null };
    const waiting = this.#wait(round, clause, stood.waiting);
    return waiting ? { ...made, status: stood.status, waiting } : null;
  }

  #wait(round, { clear }, waited) {
    if (clear.rounds + clear.batches === 0) return null;
    const now = { since: round.D, on: null, rounds: 0, base: clear.batches > 0 ? (this.seen.get(clear.source) ?? 0) : 0, ...waited };
    if (now.on !== round.D) Object.assign(now, { on: round.D, rounds: now.rounds + 1 });
    const batches = clear.batches > 0 ? (round.feeds.get(clear.source)?.batches ?? []).slice(now.base).filter((batch) => !isDamaged(batch)).length : 0;
    Object.assign(now, { rounds_needed: clear.rounds, batches_needed: clear.batches, batches: Math.min(batches, clear.batches) });
    return now.rounds < clear.rounds || batches < clear.batches ? now : null;
  }

  #tell(round, no, before, now) {
    const tell = (type, township, more = {}) => round.events.push({ household_no: no, township, type, ...more });
    const reasons = (state) => [...state.findings].filter(([, { kind }]) => REASONS.includes(kind)).map(([rule, { status, level }]) => `${rule} ${status === 'undecided' ? 'verify' : level}`).sort();
    const warn = (type, township, previous, level) => tell(`warning.${type}`, township, { previous, level, reasons: type === 'cleared' ? [] : reasons(now) });
    const checks = ({ findings }) => [...findings].filter(([, { kind }]) => kind === 'check').map(([rule, { status }]) => [rule, status]);
    const moved = before.township !== null && before.township !== now.township;
    if (before.level === 'none' && now.level !== 'none') { warn('raised', now.township, 'none', now.level); round.raised++; }
    else if (before.level !== 'none' && now.level === 'none') { warn('cleared', before.township, before.level, 'none'); round.cleared++; }
    else if (now.level !== 'none' && moved) { warn('cleared', before.township, before.level, 'none'); warn('raised', now.township, 'none', now.level); }
    else if (before.level !== now.level) warn(rank(now.level) > rank(before.level) ? 'escalated' : 'deescalated', now.township, before.level, now.level);
    else if (now.level !== 'none' && reasons(before).join() !== reasons(now).join()) warn('changed', now.township, before.level, now.level);
    const stood = new Map(checks(before)), stand = new Map(checks(now));
    for (const rule of stood.keys()) if (!stand.has(rule) || moved) tell('check.cleared', before.township, { rule });
    for (const [rule, status] of stand) if (!stood.has(rule) || moved || (status === 'fired' && stood.get(rule) === 'undecided')) tell('check.raised', now.township, { rule });
  }
}

function levelOf(findings) {
  const reasons = [...findings.values()].filter(({ kind }) => REASONS.includes(kind));
  const fired = reasons.filter(({ status }) => status === 'fired').map(({ level }) => level);
  return [...fired, ...(reasons.some(({ status }) => status === 'undecided') ? ['verify'] : []), 'none'].sort((a, b) => rank(b) - rank(a))[0];
}
