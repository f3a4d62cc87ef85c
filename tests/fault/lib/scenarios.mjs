// SPDX-License-Identifier: PostgreSQL
// The small county that dies again and again: the states it begins in, and the ways from there to an end. Each way passes
// some of the kill points; together they pass all of them.
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { csv, dropFeed, Register, residentId } from '../../system/lib/county.mjs';

export const TOWNSHIPS = ['610922103', '610922104', '610922105'];
export const COUNTY = '610922';
const [A, B, C] = TOWNSHIPS;
const HOUSEHOLDS = 72;

const no = (i) => `H${String(i).padStart(3, '0')}`;
const id = (i) => residentId('1980-01-01', i);
const stranger = (i) => residentId('1975-05-05', i);
const all = Array.from({ length: HOUSEHOLDS }, (_, i) => i);
const kind = (i) => i % 8;

/** The register: poor (0), on the edge (1, 2), and well off, in turn over three townships. */
function register() {
    const county = new Register();
    for (const i of all) county.single(no(i), id(i), kind(i) === 0 ? '1000.00' : kind(i) <= 2 ? '8000.00' : '60000.00', { township: TOWNSHIPS[i % 3] });
    return county;
}

/** The register a while later: some have left, somebody has come whom a feed knew before, somebody earns more. */
function later() {
    const county = register();
    county.households.splice(-5);
    county.persons.splice(-5);
    county.facts.splice(-10);
    county.single('H900', stranger(1), '3000.00', { township: B });
    county.facts[1].value = '1500.00';
    return county;
}

const bill = (i, value, from = '2021-06-01', to = '2021-06-20') => ({ id_number: id(i), code: 'expense.medical_self_paid', value, from, to });
const roof = (i, value) => ({ household_no: no(i), code: 'housing.grade', value, from: '2020-01-01' });
const month = (number, hour) => ({ period_from: `2021-${number}-01`, period_to: `2021-${number}-28`, sent_at: `2021-${number}-28T${hour}:00:00+08:00` });

/** What partners send in the first period: bills that raise red, roofs that raise yellow. */
const FIRST = [
    (drop) => dropFeed(drop, 'medical_insurance', 'm06', [
        ...all.filter((i) => kind(i) === 1 || kind(i) === 4).map((i) => bill(i, kind(i) === 1 ? '6000.00' : '90000.00')),
        ...all.filter((i) => kind(i) === 2).map((i) => bill(i, '60.00')),
        ...[1, 2, 3].map((i) => ({ ...bill(0, '500.00'), id_number: stranger(i) })),
        { ...bill(5, '12,5'), ref: 'no amount' },
    ], month('06', '10')),
    (drop) => dropFeed(drop, 'housing', 'h06', all.filter((i) => kind(i) === 3 || kind(i) === 4).map((i) => roof(i, 'D')), month('06', '11')),
    (drop) => dropFeed(drop, 'medical_insurance', 'm06a', [bill(6, '700.00'), bill(1, '6100.00', '2021-06-21', '2021-06-25')], { ...month('06', '12'), mode: 'delta' }),
    (drop) => dropFeed(drop, 'education', 'e06', [{ id_number: id(7), code: 'student.stage', value: 'senior', from: '2020-09-01' }], { ...month('06', '13'), rows: 2 }),
];

/** And in the second: bills are taken back, others come, what was yellow becomes red and what was red yellow. */
const SECOND = [
    (drop) => dropFeed(drop, 'medical_insurance', 'm07', [
        ...all.filter((i) => [1, 2, 3, 4].includes(kind(i))).map((i) => bill(i, { 1: '60.00', 2: '6000.00', 3: '90000.00', 4: '10.00' }[kind(i)])),
    ], month('07', '10')),
    (drop) => dropFeed(drop, 'housing', 'h07', all.filter((i) => kind(i) === 3 || kind(i) === 4).map((i) => roof(i, 'D')), month('07', '11')),
];
const MORE = [(drop) => dropFeed(drop, 'medical_insurance', 'm07a', all.filter((i) => kind(i) === 5).map((i) => bill(i, '90000.00')), { ...month('07', '15'), mode: 'delta' })];

/** Drops files in an order of the seed's. */
function drop(run, files) {
    const order = [...files];
    for (let i = order.length - 1, seed = run.options.seed ?? 0; i > 0; i--, seed = Math.floor(seed / 7)) order.splice(i, 1, ...order.splice(seed % (i + 1), 1, order[i]));
    for (const put of order) put(run.instance.drop);
}

const left = (run) => readdirSync(run.instance.drop, { recursive: true }).filter((name) => /\.csv/.test(name)).length;
const ingested = (run) => run.until('the drop directory to be empty', async () => left(run) === 0, () => run.ask('scan', { wait: true }));

/** Until an order was answered: what was answered must last. */
const ordered = async (run, what, verb, args) => {
    let answered = null;
    await run.until(what, async () => answered?.ok, async () => (answered = await run.ask(verb, args)));
};

// --- states --------------------------------------------------------------------------------------------------------------

/** Every state with the one it begins in, what its county is told, and the way to it. */
const STATES = {
    imported: ['empty', {}, async (run) => {
        const { status, stderr } = await run.ctl('import', register().write(join(run.instance.directory, 'register')));
        if (status !== 0) throw new Error(stderr);
    }],
    // One batch was committed by a daemon that died before it moved the file.
    unarchived: ['imported', {}, async (run) => {
        dropFeed(run.instance.drop, 'housing', 'h05', [roof(7, 'C')], month('05', '10'));
        await ingested(run);
        for (const name of ['h05.csv', 'h05.csv.manifest.json'])
            renameSync(join(run.instance.directory, 'archive', 'housing', name), join(run.instance.drop, 'housing', name));
    }],
    ingested: ['imported', {}, async (run) => {
        drop(run, FIRST);
        await ingested(run);
    }],
    told: ['ingested', {}, async (run) => {
        await run.round('2021-06-30');
        await run.settled();
    }],
    // The second period is in, and a daemon died in the middle of a round.
    waiting: ['told', { kill: 'round.begun' }, async (run) => {
        drop(run, SECOND);
        await run.up();
        await run.ask('scan', { wait: true });
        if ((await run.ask('round', { as_of: '2021-07-30', wait: true })) !== null) throw new Error('no daemon died');
    }],
    // The second round is committed, and nobody was told.
    untold: ['told', { told: [] }, async (run) => {
        drop(run, SECOND);
        await run.round('2021-07-31');
    }],
    views: ['imported', {}, async (run) => {
        const { households, persons, facts } = later();
        const values = (list) => list.map((row) => `(${row.map((value) => (value === undefined ? 'null' : `'${value}'`)).join(', ')})`).join(', ');
        await run.sql(`create schema county_register;
            create table county_register.household (household_no, township_code, village_code, area, address) as values ${values(households.map((h) => [h.household_no, h.township_code, h.village_code, h.area, h.address]))};
            create table county_register.person (household_no, id_number, name) as values ${values(persons.map((p) => [p.household_no, p.id_number, p.name]))};
            create view county_register.fact as select household_no, id_number, code, value, "from"::date, "to"::date
                from (values ${values(facts.map((f) => [f.household_no, f.id_number, f.code, f.value, f.from, f.to]))}) as f (household_no, id_number, code, value, "from", "to")`);
    }],
};

/** Each as soon as the one is made that it begins in. */
export async function makeStates(site) {
    const made = { empty: Promise.resolve() };
    for (const [name, [from, options, drive]] of Object.entries(STATES)) made[name] = made[from].then(() => site.make(name, from, options, drive));
    const ends = await Promise.allSettled(Object.values(made)); // all of them to their end: a daemon that is left behind would keep us
    for (const { reason } of ends) if (reason) throw reason;
}

// --- ways -----------------------------------------------------------------------------------------------------------------

/** Operators release an endpoint when the township says so (docs/operators.md); attempts of before may hold it once more. */
const release = async (run, receiver, township) => {
    if ((await run.sql(`select state from endpoint where township_code = ${township}`)) !== 'held') return;
    receiver.released = true;
    await run.sql(`update endpoint set state = 'active', held_reason = null where township_code = ${township}`);
};

/** name → from which state, with which options, how; `first`: points for which ./check takes this way before others. */
export const WAYS = {
    ingest: {
        from: 'unarchived',
        first: /^(ingest|facts|archive|job\.scanned|database\.commit_sent)/,
        async drive(run) {
            drop(run, FIRST);
            drop(run, SECOND);
            await run.up();
            await ingested(run);
        },
    },
    import: {
        from: 'ingested',
        first: /^(import|register)\./,
        async drive(run) {
            const folder = join(run.instance.directory, 'register');
            /** As often as it takes: what was committed before is not ordered again. */
            const once = async (rows, exit) => {
                while ((await run.count('batch where source = 0')) < rows) {
                    const end = await run.ctl('import', folder);
                    if (end && end.status !== exit) throw new Error(`import: ${end.status}: ${end.stderr}`);
                }
            };
            later().write(folder);
            await once(2, 0);
            await run.sql("update batch set period_to = period_to - 1 where source = 0"); // a day goes by
            await once(3, 0);
            rmSync(folder, { recursive: true });
            mkdirSync(folder);
            writeFileSync(join(folder, 'household.csv'), csv(['household_no'], [{ household_no: 'H1' }]));
            writeFileSync(join(folder, 'person.csv'), csv(['household_no'], []));
            writeFileSync(join(folder, 'fact.csv'), csv(['household_no'], []));
            await once(4, 65);
        },
    },
    views: {
        from: 'views',
        options: { settings: { register: { schema: 'county_register' } } },
        first: /^job\.register_read/,
        async drive(run) {
            await run.round('2021-06-30');
            await run.settled();
        },
    },
    round: {
        from: 'waiting',
        first: /^(start|job|round|control|delivery\.before_wake)/,
        async drive(run) {
            await run.round('2021-07-31');
            await run.settled();
        },
    },
    held: {
        from: 'waiting',
        options: { settings: { rounds: { limit: '3' } } },
        first: /^round\.(held|before_hold|accepted)/,
        async drive(run) {
            const state = async (n) => (await run.sql(`select concat(state, ' ', accepted_by is not null) from round where state <> 'failed' order by round_id offset ${n} limit 1`)) || 'none';
            const accept = async (n) => {
                const held = Number(await run.sql(`select round_id from round where state <> 'failed' order by round_id offset ${n} limit 1`));
                return () => run.ask('round accept', { id: held, reason: 'seen' });
            };
            await run.round('2021-07-31');
            drop(run, MORE); // more than was accepted: it is held again
            await run.until('the second round to be held', async () => (await state(2)) === 'held f', await accept(1));
            await run.until('the second to be accepted', async () => (await state(3)).startsWith('committed'), await accept(2));
            await run.settled();
        },
    },
    delivery: {
        from: 'untold',
        first: /^(delivery|send|results|endpoint|database\.statement_sent)/,
        async drive(run) {
            const b = run.receivers[B], c = run.receivers[C];
            b.answer = (request, entry) => (b.ledger.filter((other) => other.id === entry.id).length < 2 ? 503 : 204);
            c.answer = () => (c.released ? 204 : 410);
            await run.up();
            await run.until('the endpoint to be held', () => release(run, c, C).then(() => c.released));
            await ordered(run, 'an endpoint test', 'endpoint test', { township: Number(A) });
            await run.settled('true', () => release(run, c, C));
        },
    },
    overdue: {
        from: 'untold',
        options: { told: [A, C, COUNTY] },
        first: /^overdue/,
        async drive(run) {
            if (run.kills === 0) await run.sql(`update delivery set expires_at = now() - interval '1 s' where township_code = ${B} and state = 'queued' and outbox_no % 2 = 0`);
            await run.up();
            await run.settled(`township_code <> ${B} or outbox_no % 2 = 0`);
        },
    },
    reload: {
        from: 'untold',
        options: { told: [A, B] },
        first: /^(reload|audit)/,
        async drive(run) {
            await run.up();
            run.tell(C);
            await ordered(run, 'a reload', 'reload');
            await ordered(run, 'a log level', 'log level', { level: 'debug' });
            await run.until('the audit of both', async () => (await run.sql("select count(distinct action) from audit where action in ('daemon.reload', 'daemon.log_level')")) === '2');
            await run.settled();
        },
    },
};

/** Passages that are worth a kill of their own, beside the first: the way, the point, which passage. */
export const LATER_PASSAGES = [
    ['ingest', 'archive.between', 5], // of a file that was refused
    ['held', 'round.held', 2], // of a round that was to replace a held one
    ['delivery', 'database.statement_sent', 2], // results, or the next claim
];
