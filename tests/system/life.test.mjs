// SPDX-License-Identifier: PostgreSQL
// A county lives on, round after round: days pass, batches come whole, late, short and corrected, people move, die, are born, marry into
// other households and leave the register and return, the office changes its policy, rounds are held, accepted and killed. After each
// round what stands and what is told is what the documents say (tests/reference/life.mjs), a second round changes nothing, and
// whoever has taken all events in their order knows what stands in his township, and nothing else.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { plusDays } from '../reference/county.mjs';
import { parsePolicyText } from '../reference/language.mjs';
import { Life } from '../reference/life.mjs';
import { POLICIES } from '../reference/life-policy.mjs';
import { readAnyCounty } from '../reference/policy.mjs';
import { dropFeed, Register, residentId } from './lib/county.mjs';
import { Cluster, Instance } from './lib/instance.mjs';
import { randomOf } from './lib/random.mjs';

const SEEDS = Number(process.env.SHOUWANG_SEEDS ?? 1);
const FIRST = Number(process.env.SHOUWANG_FIRST_SEED ?? 1); // to go through one again
const LONG = process.env.SHOUWANG_LONG !== undefined;
const [HOUSEHOLDS, STEPS, LIMIT] = LONG ? [200, 15, 12] : [60, 5, 8];
const TOWNSHIPS = ['610922100', '610922101', '610922200'];

let cluster;
before(() => (cluster = Cluster.start()));
after(() => cluster?.stop());

// --- the county -------------------------------------------------------------------------------------------------------------------

class County {
    households = new Map(); // no -> { township, area, declared }; those on the register
    persons = []; // { id, no (null: off the register), wage, paid, certificate }
    away = []; // households that left: [no, household, persons]
    numbers = 0;

    constructor(random, D) {
        Object.assign(this, { random, D });
        for (let i = 0; i < HOUSEHOLDS; i++) this.settle();
    }

    settle() {
        const { random } = this, no = `H${String(this.households.size + this.away.length + (this.founded = (this.founded ?? 0) + 1)).padStart(4, '0')}`;
        this.households.set(no, { township: random.pick(TOWNSHIPS), area: random.pick(['rural', 'rural', 'urban']), declared: random.chance(85) });
        for (let n = 1 + random.upTo(3); n > 0; n--) this.person(no, random.pick(['1938', '1941-02', '1985', '1990', '2010-06']));
        return no;
    }

    person(no, born) {
        const [year, month = '03', day = '15'] = born.split('-');
        const person = { id: residentId(`${year}-${month}-${day}`, ++this.numbers % 1000), no, wage: this.wage(), paid: this.D, certificate: this.random.chance(12) };
        this.persons.push(person);
        return person;
    }

    wage() {
        return `${this.random.pick([0, 1500, 4000, 5000, 9000, 14000, 30000])}.00`;
    }

    members = (no) => this.persons.filter((person) => person.no === no);
    somebody = () => this.random.pick([...this.households.keys()]);
    registered = () => this.persons.filter(({ no }) => no !== null);
    move = (no) => Object.assign(this.households.get(no), { township: this.random.pick(TOWNSHIPS) });

    leave(no) {
        const persons = this.members(no);
        this.away.push([no, this.households.get(no), persons]);
        this.households.delete(no);
        for (const person of persons) person.no = null;
    }

    return([no, household, persons]) {
        this.households.set(no, { ...household, township: this.random.pick(TOWNSHIPS) });
        for (const person of persons) person.no ??= no; // unless they live elsewhere by now
    }

    /** What happens to households and people until the register is imported again. */
    happenings = {
        move: () => this.move(this.somebody()),
        moveTwice: () => this.move(this.move(this.somebody()) && this.somebody()),
        earn: () => { for (const person of this.registered()) if (this.random.chance(8)) Object.assign(person, { wage: this.wage(), paid: this.D }); },
        declare: () => { const household = this.households.get(this.somebody()); household.declared = !household.declared; },
        birth: () => this.person(this.somebody(), this.D),
        certify: () => { const person = this.random.pick(this.registered()); person.certificate = !person.certificate; },
        found: () => this.settle(),
        split: () => { const no = this.settle(); for (const person of this.members(this.somebody()).slice(1)) person.no = no; },
        merge: () => {
            const [from, to] = [this.somebody(), this.somebody()];
            for (const person of this.members(from)) person.no = to;
            if (from !== to && this.random.chance(60)) this.leave(from); // else it stays, without anybody
        },
        empty: () => { for (const person of this.members(this.somebody())) person.no = null; },
        leave: () => this.leave(this.somebody()),
        return: () => { if (this.away.length > 0) this.return(this.away.splice(this.random.upTo(this.away.length), 1)[0]); },
    };

    register() {
        const register = new Register();
        for (const [no, { township, area, declared }] of this.households) {
            register.household(no, { township, area });
            if (declared) register.fact({ household_no: no, code: 'income.declared', from: '2019-01-01' });
        }
        for (const [i, { id, no, wage, paid, certificate }] of this.persons.entries()) {
            if (no === null) continue;
            register.person(no, id, { kinship: i % 3 === 0 ? '02' : '20' });
            if (i % 17 === 0) register.person(this.somebody(), id, { kinship: '10' }); // a second household: the first row stands
            register.fact({ id_number: id, code: 'income.wage', value: wage, from: paid, to: paid });
            if (certificate) register.fact({ id_number: id, code: 'disability.certificate', value: `${id}43`, from: '2015-01-01' });
        }
        return register;
    }
}

// --- what the agencies send --------------------------------------------------------------------------------------------------------

class Agencies {
    feeds = new Map(); // feed -> { batches, spoken }, as life.mjs wants it
    told = new Map(); // feed -> subject -> row: what a full batch repeats
    count = 0;

    constructor(county, random, folders) {
        Object.assign(this, { county, random, folders });
    }

    /** Rows of which nobody knows any more whom they are about: some that were sound, and as many as make a tenth. */
    damage(rows) {
        const lost = (row) => ({ ...row, household_no: '', id_number: '5.1E+17' });
        const damaged = rows.map((row, i) => (i > 0 && this.random.chance(30) ? lost(row) : row));
        for (let i = Math.max(10, Math.ceil(rows.length / 9)); i > 0; i--) damaged.push(lost(rows[0]));
        return damaged;
    }

    send(feed, mode, rows, period_to) {
        if (rows.length === 0 && mode === 'delta') return null;
        const damaged = rows.length > 0 && this.random.chance(15);
        if (damaged) rows = this.damage(rows);
        if (!this.feeds.has(feed)) this.feeds.set(feed, { batches: [], spoken: new Set() });
        const { batches, spoken } = this.feeds.get(feed);
        const volume = new Map();
        const isLost = ({ id_number }) => id_number === '5.1E+17';
        for (const { id_number, household_no, code } of rows.filter((row) => !isLost(row))) {
            const home = this.imported.get(household_no ?? this.home.get(id_number));
            spoken.add(code);
            if (home) volume.set(home.township, (volume.get(home.township) ?? 0) + 1);
        }
        const batch = `${feed}-${++this.count}`;
        const sent = new Date(Date.UTC(2021, 0, 1, 0, this.count)).toISOString(); // only their order matters
        for (const folder of this.folders) dropFeed(folder, feed, batch, rows, { mode, period_from: period_to, period_to, sent_at: sent });
        batches.push({ feed, name: batch, mode, period_from: period_to, period_to, rows: rows.length, lost: rows.filter(isLost).length, volume, trusted: false });
        if (damaged && this.random.chance(30)) this.right = batches.at(-1);
        return batches.at(-1);
    }

    /** As of the register that was imported last: households that it never held would be refused. */
    know() {
        this.imported = new Map([...this.county.households].map(([no, household]) => [no, { ...household }]));
        this.home = new Map(this.county.persons.map(({ id, no }) => [id, no]));
        this.people = this.county.persons.filter(({ no }) => no !== null).map(({ id }) => id);
    }

    roster(feed) {
        if (!this.told.has(feed)) this.told.set(feed, new Map());
        return this.told.get(feed);
    }

    /** The last day that a full batch speaks about never goes back. */
    full(feed, rows, period_to) {
        const last = this.feeds.get(feed)?.batches.findLast(({ mode }) => mode === 'full');
        return this.send(feed, 'full', rows, last && last.period_to > period_to ? last.period_to : period_to);
    }

    medical(D) {
        const roster = this.roster('medical');
        for (const id of this.people) {
            if (!this.random.chance(roster.size === 0 ? 60 : 12)) continue;
            const value = this.random.pick(['', '500.00', '9000.00', '9000.00', '20000.00', '?']);
            roster.set(id, { id_number: id, code: 'expense.medical_self_paid', value, from: D, to: D, ref: 'M' });
        }
        this.full('medical_insurance', [...roster.values()], D);
    }

    /** Who says whether a short batch was right. */
    housing(D, short) {
        const roster = this.roster('housing'), { random } = this;
        for (const no of this.imported.keys())
            if (random.chance(roster.has(no) ? 10 : 80)) roster.set(no, { household_no: no, code: 'housing.grade', value: random.pick('ABBCD'), from: '2020-01-01', to: random.chance(8) ? plusDays(D, 45) : '' });
        const rows = [...roster.values()].filter(({ household_no }) => this.imported.has(household_no));
        return this.full('housing', short ? rows.filter(({ household_no }) => this.imported.get(household_no).township !== short) : rows, D);
    }

    civilAffairs(D) {
        const roster = this.roster('civil_affairs'), { random } = this, rows = [];
        for (const no of this.imported.keys()) {
            if (!random.chance(6)) continue;
            const stands = roster.get(no), value = random.pick(['', 'no']);
            const row = stands && random.chance(60) ? { ...stands, to: plusDays(D, -random.upTo(20)) } : { household_no: no, code: 'relief.dibao', value, from: plusDays(D, -300), to: random.chance(30) ? plusDays(D, 50) : '' };
            if (row.to !== '' && row.to < row.from) continue;
            roster.set(no, row);
            rows.push(row);
        }
        this.send('civil_affairs', 'delta', rows, D);
    }

    publicSecurity(D) {
        const dead = this.people.filter(() => this.random.chance(1.5)).map((id) => ({ id_number: id, code: 'event.death', value: '', from: plusDays(D, -this.random.upTo(9)) }));
        this.send('public_security', 'delta', dead, D);
    }

    jobs(D) {
        const lost = this.people.filter(() => this.random.chance(5)).map((id) => ({ id_number: id, code: 'event.job_loss', value: '', from: plusDays(D, -this.random.upTo(30)) }));
        this.send('hr_social_security', 'delta', lost, D);
    }
}

// --- what is there to see -----------------------------------------------------------------------------------------------------------

const SEEN = (last) => `select json_build_object(
    'findings', (select coalesce(json_agg(json_build_array(household_no, rule, kind, status, level, stale_since is not null, clearing_since, clearing_rounds,
        clearing_rounds_needed, clearing_batches, clearing_batches_needed) order by household_no, rule), '[]') from finding join household using (household_id)),
    'cases', (select coalesce(json_agg(json_build_array(household_no, w.level, w.township_code::text, warning_id) order by household_no), '[]')
        from warning w join household using (household_id) where state <> 'closed'),
    'events', (select coalesce(json_agg(json_build_array(household_no, o.township_code::text, type, event::jsonb->'data', event_id, d.state) order by o.outbox_no), '[]')
        from outbox o join household using (household_id) join delivery d using (event_id) where o.round_id > ${last}),
    'queued', (select coalesce(json_agg(json_build_array(household_id, township_code, event_id) order by outbox_no), '[]') from delivery where state = 'queued'),
    'last', (select coalesce(max(round_id), 0) from round where state = 'committed'),
    'histories', (select count(*) from warning_history), 'audit', (select count(*) from audit where action ~ '^(warning|check)[.]'))`;

const WAITING = ({ since, rounds, rounds_needed, batches, batches_needed }) => [since, rounds, rounds_needed, batches, batches_needed];
const kindOf = (kind) => (['red', 'orange', 'yellow'].includes(kind) ? 'colour' : kind);
const byText = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

const expectedFindings = (standing) => [...standing].flatMap(([no, { findings }]) => [...findings].map(([rule, { kind, status, level, stale, waiting }]) =>
    JSON.stringify([no, rule, kindOf(kind), status, level, stale, ...(waiting ? WAITING(waiting) : [null, null, null, null, null])]))).sort();
const expectedCases = (standing) => [...standing].filter(([, { level }]) => level !== 'none').map(([no, { level, township }]) => JSON.stringify([no, level, township])).sort();

/** What an event says, as life.mjs says it. */
function toldBy([household_no, township, type, data]) {
    const told = { household_no, township, type };
    if (type.startsWith('check.')) return JSON.stringify({ ...told, rule: data.reasons[0].rule });
    return JSON.stringify({ ...told, previous: data.previous_level, level: data.level, reasons: data.reasons.map(({ rule, level }) => `${rule} ${level}`).sort() });
}

/** Township's own books: what it makes of the events that it has taken, one after the other. */
class Books {
    cases = new Map(); // warning_id -> [household_no, township, level, reasons]
    checks = new Set();

    take([household_no, township, type, data]) {
        const what = `${type} of ${household_no} for ${township}`;
        if (type.startsWith('check.')) {
            const key = `${household_no} ${township} ${data.reasons[0].rule}`;
            if (type === 'check.cleared') assert.ok(this.checks.delete(key), `${what}: ${key} was not open there`);
            else this.checks.add(key);
            return;
        }
        const key = `${township} ${data.warning_id}`;
        assert.equal(data.township_code, township, what);
        if (type === 'warning.cleared') assert.ok(this.cases.delete(key), `${what}: nobody there had heard of it`);
        else this.cases.set(key, [household_no, township, data.level, data.reasons.map(({ rule, level }) => `${rule} ${level}`).sort().join()]);
    }
}

const without = (these, those) => { const known = new Set(those); return these.filter((one) => !known.has(one)); };
/** What only one of the two says, which is read at a glance. */
function same(found, expected, what) {
    assert.deepEqual({ found: without(found, expected), expected: without(expected, found) }, { found: [], expected: [] }, what);
    assert.deepEqual([...found].sort(byText), [...expected].sort(byText), what);
}

// --- a history ----------------------------------------------------------------------------------------------------------------------

class History {
    last = 0; // the newest committed round
    ids = new Map(); // household_no -> the warning's id while it stands
    used = new Set();
    events = []; // all that were ever made
    seen = { held: 0, accepted: 0, killed: 0, trusted: 0, types: new Map() };

    constructor(seed) {
        this.random = randomOf(seed);
        this.D = '2021-01-31';
        this.folder = mkdtempSync(join(tmpdir(), 'swlife.'));
        this.policyFile = join(this.folder, 'life.policy');
        this.usePolicy(0);
        this.instance = new Instance(cluster, { policy: this.policyFile, settings: { rounds: { limit: String(LIMIT) } } });
        this.county = new County(this.random, this.D);
        this.agencies = new Agencies(this.county, this.random, [this.instance.drop, join(this.folder, 'feeds')]);
        this.life = new Life();
    }

    usePolicy(n) {
        this.policy = parsePolicyText(POLICIES[n]);
        writeFileSync(this.policyFile, POLICIES[n], { mode: 0o644 });
    }

    import() {
        const register = this.county.register();
        register.write(join(this.folder, 'register'));
        this.instance.import(register);
        this.agencies.know();
    }

    look() {
        return JSON.parse(this.instance.sql(SEEN(this.last)));
    }

    /** What happens between two rounds. */
    step(n) {
        const { random, county, agencies } = this;
        if (n > 0) this.D = plusDays(this.D, random.pick([0, 1, 20, 28, 31, 31, 31, 45, 100]));
        county.D = this.D;
        for (let i = n === 0 ? 0 : 2 + random.upTo(6); i > 0; i--) county.happenings[random.pick(Object.keys(county.happenings))]();
        if (n === 0 || random.chance(85)) this.import();
        if (random.chance(10)) { county.move(county.somebody()); this.import(); } // twice between two rounds
        if (n === 0 || random.chance(75)) agencies.medical(random.chance(80) ? this.D : plusDays(this.D, -60));
        for (let i = n === 0 ? 4 : random.pick([0, 1, 1, 1, 2]); i > 0; i--) {
            const short = n > 0 && random.chance(25) ? random.pick(TOWNSHIPS) : null;
            const batch = agencies.housing(this.D, short);
            if (short && random.chance(40)) this.agencies.right = batch;
        }
        if (random.chance(70)) agencies.civilAffairs(this.D);
        if (random.chance(50)) agencies.publicSecurity(random.chance(80) ? this.D : plusDays(this.D, -80));
        if (random.chance(50)) agencies.jobs(this.D);
        if (n > 0 && random.chance(30)) {
            this.usePolicy(random.upTo(POLICIES.length));
            this.instance.reload();
        }
    }

    /** An operator says that a short or a damaged batch is right, once it is taken in. */
    async speakForBatch() {
        const { right } = this.agencies;
        if (!right) return;
        this.instance.round(this.D, '--dry-run'); // looks through the drop folder
        this.instance.json('feed', 'trust', right.feed, right.name, '--reason', 'it is so');
        right.trusted = true;
        this.agencies.right = null;
        this.seen.trusted++;
    }

    /** The daemon dies some time in a round: it was committed, or it left nothing. */
    async killedRound() {
        const asked = this.instance.ctlAside('round', '--as-of', this.D, '--wait');
        await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, 20 + this.random.upTo(120)))]);
        await this.instance.stop('SIGKILL');
        await asked;
        await this.instance.start();
        this.seen.killed++;
    }

    async round() {
        await this.speakForBatch();
        const killed = this.random.chance(12);
        if (killed) await this.killedRound();
        const expected = this.life.judge(this.policy, readAnyCounty(this.folder), this.agencies.feeds, this.D);
        const held = expected.raised > LIMIT || expected.cleared > LIMIT;
        const before = killed || held ? this.look() : null;
        if (before?.last > this.last) return this.check(expected, before); // committed before it was killed
        const report = this.instance.round(this.D);
        assert.deepEqual([report.held, report.raised, report.cleared], [held, expected.raised, expected.cleared]);
        if (!held) return this.check(expected, this.look());
        this.seen.held++;
        assert.deepEqual(this.look(), before, 'a held round has changed nothing');
        if (this.random.chance(25)) return;
        this.seen.accepted++;
        const { status, stderr } = this.instance.ctl('round', 'accept', String(report.round), '--reason', 'it is so');
        assert.equal(status, 0, stderr);
        this.check(expected, this.look());
    }

    check(expected, seen) {
        same(seen.findings.map((row) => JSON.stringify(row)), expectedFindings(expected.standing), 'findings');
        same(seen.cases.map(([no, level, township]) => JSON.stringify([no, level, township])), expectedCases(expected.standing), 'cases');
        same(seen.events.map(toldBy), expected.events.map(({ household_no, township, type, rule, previous, level, reasons }) => JSON.stringify({ household_no, township, type, rule, previous, level, reasons })), 'events');
        this.#checkIds(seen.cases);
        this.life.take(expected);
        this.events.push(...seen.events);
        for (const [, , type] of seen.events) this.seen.types.set(type, (this.seen.types.get(type) ?? 0) + 1);
        this.last = seen.last;
        this.#checkSecond(seen);
        this.#deliver(seen.queued, (list) => this.random.upTo(list.length + 1));
    }

    /** A case keeps its name while it stands, and none gets that of another. */
    #checkIds(cases) {
        const now = new Map(cases.map(([no, , , id]) => [no, id]));
        for (const [no, id] of now) {
            assert.ok(this.ids.get(no) === id || !this.used.has(id), `${no}: the name of another case`);
            if (this.ids.has(no)) assert.equal(id, this.ids.get(no), `${no}: its case goes on`);
            this.used.add(id);
        }
        this.ids = now;
    }

    /** Once more at once: nothing changes, nothing is told. */
    #checkSecond(seen) {
        const again = this.instance.round(this.D);
        const { raised, escalated, deescalated, cleared, checks_raised, checks_cleared } = again;
        assert.deepEqual([raised, escalated, deescalated, cleared, checks_raised ?? 0, checks_cleared ?? 0], [0, 0, 0, 0, 0, 0]);
        const then = this.look();
        assert.deepEqual([then.findings, then.cases, then.events, then.queued, then.histories, then.audit], [seen.findings, seen.cases, [], seen.queued, seen.histories, seen.audit]);
        this.last = then.last;
    }

    /** Townships take some of a household's events, the oldest first. */
    #deliver(queued, howMany) {
        const lists = new Map();
        for (const [household, township, id] of queued) {
            const key = `${household} ${township}`;
            lists.set(key, [...(lists.get(key) ?? []), id]);
        }
        const taken = [...lists.values()].flatMap((list) => list.slice(0, howMany(list)));
        if (taken.length > 0)
            this.instance.sql(`update delivery set state = 'delivered', attempts = 1, sequence = outbox_no, finished_at = now() where event_id in (${taken.map((id) => `'${id}'`).join()})`);
    }

    /** When all is told: what the townships have in their books is what stands. */
    checkBooks() {
        this.last = 0;
        this.#deliver(this.look().queued, (list) => list.length);
        const { events, cases } = this.look(), books = new Books();
        for (const event of events.filter((one) => one[5] === 'delivered')) books.take(event);
        const open = cases.map(([no, level, township]) => {
            const reasons = [...this.life.standing.get(no).findings].filter(([, { kind }]) => ['red', 'orange', 'yellow', 'verify'].includes(kind));
            return `${no} ${township} ${level} ${reasons.map(([rule, one]) => `${rule} ${one.status === 'undecided' ? 'verify' : one.level}`).sort().join()}`;
        });
        same([...books.cases.values()].map((one) => one.join(' ')), open, 'cases in the books');
        const checks = [...this.life.standing].flatMap(([no, { findings, township }]) => [...findings].filter(([, { kind }]) => kind === 'check').map(([rule]) => `${no} ${township} ${rule}`));
        same([...books.checks], checks, 'checks in the books');
    }

    async close() {
        await this.instance.close();
        rmSync(this.folder, { recursive: true, force: true });
    }
}

for (let seed = FIRST; seed < FIRST + SEEDS; seed++)
    test(`a county's rounds over ${STEPS} steps (seed ${seed})`, async (t) => {
        const history = new History(seed);
        try {
            for (let n = 0; n < STEPS; n++) {
                history.step(n);
                if (n === 0) await history.instance.start();
                try {
                    await history.round();
                } catch (error) {
                    error.message = `step ${n}, ${history.D}: ${error.message}`;
                    throw error;
                }
            }
            history.checkBooks();
            const { types, ...seen } = history.seen;
            t.diagnostic(JSON.stringify({ ...seen, ...Object.fromEntries(types) }));
        } finally {
            await history.close();
        }
    });
