// SPDX-License-Identifier: PostgreSQL
// Nothing about persons goes into logs, metrics, pages, error texts, process titles or the server's log. A watch knows
// the persons of an instance (canaries, and everybody in the files that it was given) and reads all that the instance
// said. instance.mjs keeps one for every instance of every test; a leak fails the test.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { decode, parseCsv } from '../../reference/county.mjs';

/** Persons who stand in every register that tests write, in its defaults; nobody else is called so. */
export const CANARY = { name: '欧阳灏灏', address: '守望村金丝雀巷七十七号', phone: '13987654321', secret: 'kanarienvogel-geheimnis' };

const INDEX = '10X98765432';
/** The number as the database keeps it: 17 digits × 11 + the place of the check character. */
export const packed = (id) => String(BigInt(id.slice(0, 17)) * 11n + BigInt(INDEX.indexOf(id[17].toUpperCase())));
/** The old form of 15 digits. */
const legacy = (id) => id.slice(0, 6) + id.slice(8, 17);

/** Of a canary at most the first four and the last four characters may be shown: ten in a row are too many. The area alone is no secret. */
const windows = (id) => Array.from({ length: 7 }, (_, i) => id.slice(2 + i, 12 + i));
/** Of others, whose number is one among thousands: day of birth and order together. */
const core = (id) => id.slice(6, 17);

let gbk = null;
/** GB18030 bytes of text made of two-byte characters. */
export function gb18030(text) {
    if (!gbk) {
        gbk = new Map();
        const decoder = new TextDecoder('gb18030');
        for (let first = 0x81; first <= 0xfe; first++)
            for (let second = 0x40; second <= 0xfe; second++) if (second !== 0x7f) gbk.set(decoder.decode(Uint8Array.of(first, second)), [first, second]);
    }
    const bytes = [...text].map((char) => (char.charCodeAt(0) < 0x80 ? [char.charCodeAt(0)] : gbk.get(char)));
    return bytes.includes(undefined) ? null : Buffer.from(bytes.flat());
}

const ID = /(?<![0-9])\d{17}[\dXx](?![0-9])/g;
export const isId = (id) => {
    const sum = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2].reduce((total, weight, i) => total + weight * Number(id[i]), 0);
    return INDEX[sum % 11] === id[17].toUpperCase();
};

/** Ten digits in a row are one in ten thousand millions: with more persons than this, chance would find some. */
const FEW = 100;

export class Watch {
    numbers = new Map(); // run of digits → what it is
    names = new Set();
    texts = new Map(); // any text → what it is
    #longest = 0;

    constructor() {
        this.name(CANARY.name);
        for (const kind of ['address', 'phone', 'secret']) this.text(CANARY[kind], kind);
    }

    name(name) {
        const clean = name.trim();
        if (!/^[\p{Script=Han}·]{2,}$/u.test(clean)) return this;
        this.names.add(clean);
        this.#longest = Math.max(this.#longest, clean.length);
        return this;
    }

    text(text, kind) {
        const clean = text.trim();
        if (clean.length >= 5) this.texts.set(clean, kind);
        return this;
    }

    /** canary: an ID that may not be recognised even in part. */
    id(id, { canary = false } = {}) {
        const upper = id.toUpperCase();
        this.numbers.set(upper.slice(0, 17), 'identity number').set(packed(upper), 'packed identity number').set(legacy(upper), 'old identity number');
        this.numbers.set(core(upper), 'birth and order of an identity number');
        if (canary) for (const window of windows(upper)) this.numbers.set(window, 'too many digits of an identity number');
        return this;
    }

    secret(secret) {
        return this.text(secret, 'secret').text(secret.replace(/^whsec_/, ''), 'secret');
    }

    /** Everybody in a CSV file: its valid IDs, names, addresses. */
    file(path) {
        const bytes = readFileSync(path);
        let text;
        try {
            text = decode(bytes);
        } catch {
            text = bytes.toString('latin1');
        }
        const ids = [...text.matchAll(ID)].map(([id]) => id).filter(isId);
        for (const id of ids) this.id(id, { canary: ids.length <= FEW });
        let rows = [];
        try {
            rows = parseCsv(text);
        } catch {
            return this; // a file that is no CSV, as tests drop them
        }
        for (const row of rows)
            for (const [column, value] of Object.entries(row)) {
                if (['name', '姓名'].includes(column.trim())) this.name(value ?? '');
                if (column === 'address' && value.length >= 5) this.text(value, 'address');
            }
        return this;
    }

    folder(path) {
        if (!existsSync(path)) return this;
        for (const entry of readdirSync(path, { withFileTypes: true })) {
            const inner = join(path, entry.name);
            if (entry.isDirectory()) this.folder(inner);
            else if (entry.isFile() && entry.name.endsWith('.csv') && statSync(inner).size < 4e6) this.file(inner);
        }
        return this;
    }

    /** What of these bytes should not be there: [{ where, kind, line }]. */
    leaks(where, content) {
        const bytes = Buffer.isBuffer(content) ? content : Buffer.from(content ?? '');
        const found = [];
        const lines = bytes.toString('utf8').split('\n');
        for (const line of lines) {
            const kind = this.#kind(line);
            if (kind) found.push({ where, kind, line: line.slice(0, 300) });
        }
        for (const name of [CANARY.name, CANARY.address]) if (bytes.includes(gb18030(name))) found.push({ where, kind: 'GB18030 bytes', line: name });
        return found;
    }

    #kind(line) {
        for (const [run] of line.matchAll(/\d{10,}/g)) {
            for (const length of [10, 11, 15, 17, 18, 19])
                for (let at = 0; at + length <= run.length; at++) {
                    const kind = this.numbers.get(run.slice(at, at + length));
                    if (kind) return kind;
                }
        }
        for (const [run] of line.matchAll(/[\p{Script=Han}·]{2,}/gu))
            for (let at = 0; at < run.length; at++)
                for (let length = 2; length <= this.#longest && at + length <= run.length; length++) if (this.names.has(run.slice(at, at + length))) return 'name';
        for (const [text, kind] of this.texts) if (line.includes(text)) return kind;
        return null;
    }
}
