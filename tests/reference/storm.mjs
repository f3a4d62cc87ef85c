// SPDX-License-Identifier: PostgreSQL
// What must be true of deliveries after a storm, from what the receivers saw, what was done to the daemon and what stands in the
// database. Written from docs/townships.md and the contract of the webhooks, not from the daemon.

/** Until something that was answered is surely known to the daemon, and what it had sent before has come. */
const GRACE_MS = 500;
/** An answer that comes later than this may meet the end of the attempt's time. */
const PROMPT = 0.5;
/** Of what is seen in one turn of a busy loop nobody knows what was first. */
const ONE_TURN_MS = 40;

/** So many failures in a row, and a township is probed, with rests between. */
const FAILURES = 10;

const LEVELS = { A: 'none', B: 'yellow', C: 'orange', D: 'red' };
const isTaken = (status) => status >= 200 && status < 300;
const isRefusal = (status) => status >= 300 && status < 500 && ![408, 410, 425, 429].includes(status);
const isFailure = (status) => [408, 425, 429].includes(status) || status >= 500;
const ENDS = /\.cleared$/, LOWERS = /\.(cleared|deescalated)$/;

function groups(list, keyOf) {
    const map = new Map();
    for (const one of list) map.set(keyOf(one), [...(map.get(keyOf(one)) ?? []), one]);
    return map;
}

export class Judge {
    faults = []; // what is wrong

    /**
     * events: rows of the database, in the order of outbox_no; ledger: what came, in its order; log: attempts that the daemon told
     * the end of; blows: { kind, from, to, township? } against the daemon (kill, freeze, database) and reloads; orders: township →
     * configurations; lags: when this process stood still; wakes: { from, to }
     * when something made the daemon look at all receivers; retry: { first_ms, max_ms }; timeout_ms: of an attempt; homes: household → { township, grade };
     * last: township → last number given; verify(secret, body, headers) throws unless the signature fits
     */
    constructor(storm) {
        Object.assign(this, storm);
        this.byId = groups(this.ledger, ({ id }) => id);
        this.eventOf = new Map(this.events.map((event) => [event.id, event]));
    }

    wrong(rule, what) {
        this.faults.push(`${rule}: ${what}`);
    }

    /** For how long this process stood still in that time. */
    lag(from, to) {
        return this.lags.reduce((sum, [begin, end]) => sum + Math.max(0, Math.min(end, to + 1000) - Math.max(begin, from - 1000)), 0);
    }

    struck(from, to, kinds, township = null) {
        return this.blows.some((blow) => kinds.includes(blow.kind) && (!blow.township || blow.township === township) && blow.from <= to && (blow.to ?? Infinity) >= from);
    }

    /** Whether what was answered then reached the database through the daemon that had asked. */
    settled(entry, at = entry.answered) {
        return !this.struck(at - ONE_TURN_MS - this.lag(at, at), at + GRACE_MS + this.lag(at, at + GRACE_MS), ['kill', 'freeze', 'database']);
    }

    tell = (entry) => `${entry.id} to ${entry.township} at ${entry.at.toFixed(0)} ms (${entry.act})`;

    // --- each request by itself ---------------------------------------------------------------------------------------------------

    /** The configurations that could be in force when it came. */
    ordersFor(entry) {
        const list = this.orders.get(entry.township);
        return list.filter((order, i) => order.from <= entry.at && (!list[i + 1] || list[i + 1].done === null || entry.at <= list[i + 1].done + GRACE_MS + this.lag(entry.at, entry.at)));
    }

    fits(entry, { secrets }) {
        const signatures = entry.headers['webhook-signature']?.split(' ') ?? [];
        return signatures.length === secrets.length && secrets.every((secret, i) => {
            try {
                this.verify(secret, entry.body, { ...entry.headers, 'webhook-signature': signatures[i] });
                return true;
            } catch {
                return false;
            }
        });
    }

    checkRequests() {
        for (const entry of this.ledger) {
            const event = this.eventOf.get(entry.id), orders = this.ordersFor(entry);
            if (!event) {
                this.wrong('an unknown event', this.tell(entry));
                continue;
            }
            if (event.township !== entry.township) this.wrong("another township's event", this.tell(entry));
            if (entry.line !== 'POST /hook HTTP/1.1' || entry.headers['content-type'] !== 'application/cloudevents+json; charset=utf-8') this.wrong('not the agreed request', `${this.tell(entry)}: ${entry.line}`);
            if (entry.parallel) this.wrong('a request before the answer to the one before', this.tell(entry));
            if (!orders.some((order) => order.address === entry.address)) this.wrong('an address that is not in force', this.tell(entry));
            if (!orders.some((order) => this.fits(entry, order))) this.wrong('a signature that does not fit', this.tell(entry));
            const { sequence, ...rest } = JSON.parse(entry.body);
            if (sequence !== event.sequence?.padStart(20, '0')) this.wrong('a number that is not its own', `${this.tell(entry)}: ${sequence}, in the database ${event.sequence}`);
            if (JSON.stringify(rest) !== JSON.stringify(JSON.parse(event.event))) this.wrong('a body that is not the event', this.tell(entry));
        }
        for (const [id, entries] of this.byId) if (new Set(entries.map(({ body }) => body)).size !== 1) this.wrong('several bodies', id);
    }

    // --- order ----------------------------------------------------------------------------------------------------------------------

    checkOrder() {
        const about = this.ledger.filter(({ id }) => this.eventOf.has(id) && this.eventOf.get(id).household !== 0);
        for (const entries of groups(about, (entry) => `${this.eventOf.get(entry.id).household} ${entry.township}`).values())
            for (const [i, entry] of entries.entries())
                for (const before of entries.slice(0, i)) {
                    if (this.eventOf.get(before.id).no > this.eventOf.get(entry.id).no) this.wrong('an older event after a newer one', `${this.tell(entry)} after ${this.tell(before)}`);
                    const over = before.ended ?? Infinity;
                    if (before.epoch === entry.epoch && over > entry.at + ONE_TURN_MS + this.lag(entry.at, over === Infinity ? entry.at : over)) this.wrong('two in flight for one household', `${this.tell(entry)} while ${this.tell(before)}, which ended at ${over}`);
                }
        for (const [township, entries] of groups(this.ledger, (entry) => entry.township))
            for (const entry of entries) {
                const most = Math.max(...this.ordersFor(entry).map(({ connections }) => connections));
                const beside = entries.filter((other) => other !== entry && other.epoch === entry.epoch && other.at <= entry.at && (other.ended ?? Infinity) > entry.at + ONE_TURN_MS + this.lag(entry.at, entry.at));
                // those that were under way when a reload lowered the number go on
                const old = beside.filter((other) => this.orders.get(township).some((order) => order.from >= other.at && order.from <= entry.at)).length;
                if (beside.length - old >= most) this.wrong('more at one time than the township allows', `${this.tell(entry)}: ${beside.length} beside it, ${most} allowed`);
            }
    }

    checkNumbers() {
        for (const [township, events] of groups(this.events.filter(({ sequence }) => sequence !== null), (event) => event.township)) {
            const numbers = events.map(({ sequence }) => Number(sequence)).sort((a, b) => a - b);
            if (numbers.some((number, i) => number !== i + 1)) this.wrong('numbers with a gap or twice', `${township}: ${numbers}`);
            if (this.last.get(township) !== numbers.length) this.wrong('the last number', `${township}: ${this.last.get(township)} of ${numbers.length}`);
        }
    }

    // --- what answers cause -----------------------------------------------------------------------------------------------------------

    /** When the pause ends that was asked for, at the latest: another address begins without it, whatever the old one still says. */
    movedAfter = (entry) => this.orders.get(entry.township).find((order) => (order.done ?? Infinity) >= entry.at - GRACE_MS && order.address !== entry.address)?.from ?? Infinity;

    checkPauses() {
        for (const entry of this.ledger.filter(({ wait_s }) => wait_s > 0)) {
            if (!this.settled(entry)) continue;
            const until = Math.min(entry.answered + entry.wait_s * 1000 - 2, this.movedAfter(entry));
            const from = entry.answered + GRACE_MS + this.lag(entry.answered, entry.answered + GRACE_MS);
            const all = !isRefusal(entry.status);
            for (const next of this.ledger) {
                if (next.township !== entry.township || next.address !== entry.address || next.at >= until || next.at <= entry.answered) continue;
                if (next.id === entry.id && next !== entry) this.wrong('an event before its Retry-After', `${this.tell(next)}: ${(next.at - entry.answered).toFixed(0)} ms after ${this.tell(entry)} asked for ${entry.wait_s} s`);
                else if (all && next.at > from) this.wrong('a township before its Retry-After', `${this.tell(next)}: ${(next.at - entry.answered).toFixed(0)} ms after ${this.tell(entry)} asked for ${entry.wait_s} s`);
            }
        }
        for (const entry of this.ledger.filter(({ status }) => status === 410)) {
            const from = entry.answered + GRACE_MS + this.lag(entry.answered, entry.answered + GRACE_MS);
            const until = Math.min(this.movedAfter(entry), ...this.releases.filter((at) => at >= entry.answered - GRACE_MS));
            const next = this.ledger.find(({ township, at }) => township === entry.township && at > from && at < until);
            if (next && this.settled(entry)) this.wrong('sent to who is gone', `${this.tell(next)} after ${this.tell(entry)}`);
        }
    }

    /**
     * Who answers nothing but failures is probed by one event at a time, and the longer it fails the longer are the rests: at least
     * half of the wait of an event that failed as often. A round, a test
     * and whatever befalls the daemon may end a rest, but the next is longer all the same; another address begins anew.
     */
    checkRests() {
        const { first_ms, max_ms } = this.retry;
        this.rests = 0; // that were seen; we answer before the daemon reads it and read after it has sent, so that none is shorter than it seems
        for (const entries of groups(this.ledger, ({ township, address, epoch }) => `${township} ${address} ${epoch}`).values()) {
            const ends = entries.filter(({ ended }) => ended !== null).sort((a, b) => a.ended - b.ended);
            for (const next of entries) {
                const before = ends.filter(({ ended }) => ended < next.at), last = before.at(-1);
                if (!last || entries.some((other) => other !== next && other.at <= next.at && (other.ended ?? Infinity) >= next.at)) continue;
                const reset = Math.max(0, ...this.blows.filter(({ kind, township, from }) => kind === 'reload' && township === next.township && from <= next.at).map(({ to }) => (to ?? Infinity) + GRACE_MS));
                const run = before.length - 1 - before.findLastIndex(({ status, wait_s, ended }) => !isFailure(status) || wait_s || ended < reset);
                if ([...this.wakes, ...this.blows].some(({ from, to }) => from <= next.at && (to ?? Infinity) + GRACE_MS + this.lag(to ?? 0, to ?? 0) >= last.ended)) continue;
                if (run < FAILURES) continue;
                this.rests++;
                const least = Math.min(first_ms * 2 ** (run - FAILURES), max_ms) / 2 - 5;
                if (next.at - last.ended < least) this.wrong('a probe before its rest', `${this.tell(next)}: ${(next.at - last.ended).toFixed(0)} ms after ${run} failures, the last ${this.tell(last)}; at least ${least} ms`);
            }
        }
    }

    /** Answered 2xx while the daemon lived, was not frozen, and had time. */
    checkTaken() {
        for (const [id, entries] of this.byId)
            for (const [i, entry] of entries.entries()) {
                if (!isTaken(entry.status) || i === entries.length - 1) continue;
                const at = entry.dripped ? entry.ended : entry.answered, next = entries[i + 1];
                if (at === null || (!entry.dripped && at - entry.at > this.timeout_ms * PROMPT)) continue;
                const grace = GRACE_MS + this.lag(at, at + GRACE_MS);
                // a database that is away keeps the result waiting, and a daemon that is killed loses it
                const lost = this.blows.some(({ kind, from, to }) => kind === 'kill' && to >= at - ONE_TURN_MS && from <= next.at && (from <= at + grace || this.struck(at - grace, from, ['database', 'freeze'])));
                if (!lost) this.wrong('sent again after it was taken', `${this.tell(next)} after ${this.tell(entry)}, ${(next.at - at).toFixed(0)} ms`);
            }
    }

    checkEnds() {
        for (const event of this.events) {
            const entries = this.byId.get(event.id) ?? [], refusals = entries.filter(({ status }) => isRefusal(status));
            const lost = refusals.filter((entry) => !this.settled(entry)).length;
            const what = `${event.id} (${event.type}, household ${event.household}, ${event.state})`;
            if (event.state === 'delivered' && !entries.some(({ status, perhaps }) => isTaken(status) || isTaken(perhaps))) this.wrong('delivered, but nobody took it', what);
            if (event.household === 0) continue; // a test is one attempt, and its end is told to who asked
            if (!['delivered', 'superseded', 'failed'].includes(event.state)) this.wrong('not at its end', what);
            if (event.state === 'superseded') this.#checkSuperseded(event, entries, what);
            if (event.state === 'failed' && (refusals.length < 5 || event.refusals !== 5 || event.attempts < 5)) this.wrong('failed without five refusals', `${what}: ${refusals.length} came, ${event.refusals} counted`);
            if (refusals.length > 5 + lost || (event.state !== 'failed' && refusals.length >= 5 + lost)) this.wrong('more refusals than five', `${what}: ${refusals.length}, ${lost} of them perhaps unknown`);
        }
    }

    #checkSuperseded(event, entries, what) {
        if (entries.length > 0 || event.sequence !== null) this.wrong('passed over, but sent', what);
        const family = this.events.filter((other) => other.household === event.household && other.township === event.township && other.type.split('.')[0] === event.type.split('.')[0]);
        const before = family.findLast((other) => other.no < event.no && other.state !== 'superseded');
        const knows = before !== undefined && !ENDS.test(before.type);
        if (LOWERS.test(event.type) && knows) this.wrong('an end or a fall that was not told to who knew of it', what);
        else if (!LOWERS.test(event.type) && !family.some((other) => other.no > event.no)) this.wrong('passed over for nothing', what);
    }

    // --- attempts -----------------------------------------------------------------------------------------------------------------------

    checkAttempts() {
        const told = groups(this.log, ({ id }) => id);
        for (const event of this.events) {
            const lines = told.get(event.id) ?? [], entries = this.byId.get(event.id) ?? [];
            if (event.household === 0) continue;
            // over a kept connection that dies before a word of the answer, an attempt goes on over another
            const resent = entries.filter(({ nth, status }) => nth > 1 && status === null).length;
            if (entries.length - resent > event.attempts) this.wrong('more came than attempts were counted', `${event.id}: ${entries.length}, of them ${resent} perhaps twice; ${event.attempts} counted`);
            if (lines.some(({ attempt }, i) => attempt <= (lines[i - 1]?.attempt ?? 0))) this.wrong('attempts that do not grow', `${event.id}: ${lines.map(({ attempt }) => attempt)}`);
            if (['delivered', 'failed'].includes(event.state) && lines.at(-1)?.attempt !== event.attempts) this.wrong('attempts in the log and in the database', `${event.id}: ${lines.at(-1)?.attempt} and ${event.attempts}`);
            for (const [status, some] of groups(lines.filter(({ http }) => http > 0), ({ http }) => http)) {
                const came = entries.filter((entry) => entry.status === status || entry.perhaps === status).length;
                if (some.length > came) this.wrong('an answer that nobody gave', `${event.id}: HTTP ${status} ${some.length} times in the log, ${came} times given`);
            }
        }
    }

    /** Whoever took the events in the order in which they came knows what stands. */
    checkBooks() {
        const books = new Map();
        for (const { id } of this.ledger.filter((entry) => (isTaken(entry.status) || isTaken(entry.perhaps)) && this.eventOf.get(entry.id)?.household)) {
            const { township, household_no, event } = this.eventOf.get(id);
            books.set(`${household_no} ${township}`, JSON.parse(event).data.level);
        }
        const failed = new Set(this.events.filter(({ state }) => state === 'failed').map(({ household_no, township }) => `${household_no} ${township}`));
        for (const [no, { township, grade }] of this.homes)
            for (const other of this.orders.keys()) {
                const should = other === township ? LEVELS[grade] : 'none', key = `${no} ${other}`;
                if (!failed.has(key) && (books.get(key) ?? 'none') !== should) this.wrong('a township that knows something else', `${key}: ${books.get(key)}, should be ${should}`);
            }
    }

    judge() {
        this.checkRequests();
        this.checkOrder();
        this.checkNumbers();
        this.checkPauses();
        this.checkRests();
        this.checkTaken();
        this.checkEnds();
        this.checkAttempts();
        this.checkBooks();
        return this.faults;
    }
}
