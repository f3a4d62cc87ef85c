// SPDX-License-Identifier: PostgreSQL
// Small counties written by hand in a test: the register and feeds in the exchange format.
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CANARY } from './privacy.mjs';

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/** A valid resident ID: birth YYYY-MM-DD and a sequence number 0–999. */
export function residentId(birth, sequence) {
    const digits = '610922' + birth.replaceAll('-', '') + String(sequence).padStart(3, '0');
    const sum = WEIGHTS.reduce((total, weight, i) => total + weight * Number(digits[i]), 0);
    return digits + '10X98765432'[sum % 11];
}

const quote = (value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

/** CSV text of rows (objects) under the given columns; what a row lacks is empty. */
export function csv(columns, rows) {
    const line = (values) => values.map((value) => quote(String(value ?? ''))).join(',') + '\n';
    return line(columns) + rows.map((row) => line(columns.map((column) => row[column]))).join('');
}

const HOUSEHOLD = ['household_no', 'township_code', 'village_code', 'area', 'address'];
const PERSON = ['household_no', 'id_number', 'name', 'kinship', 'labour'];
const FACT = ['household_no', 'id_number', 'code', 'value', 'from', 'to', 'ref', 'as_of'];
const FEED = ['id_number', 'household_no', 'name', 'code', 'value', 'from', 'to', 'ref'];

/** A register that is filled row by row; every adding method returns the register. */
export class Register {
    households = [];
    persons = [];
    facts = [];

    household(household_no, { township = '610922103', village = township + '001', area = 'rural', address = CANARY.address } = {}) {
        this.households.push({ household_no, township_code: township, village_code: village, area, address });
        return this;
    }

    person(household_no, id_number, { name = CANARY.name, kinship = '02', labour = '' } = {}) {
        this.persons.push({ household_no, id_number, name, kinship, labour });
        return this;
    }

    fact(row) {
        this.facts.push(row);
        return this;
    }

    /** One household of one adult whose income of the year before `on` is declared. */
    single(household_no, id_number, yuan, { on = '2021-06-30', ...options } = {}) {
        const year = Number(on.slice(0, 4));
        return this.household(household_no, options)
            .person(household_no, id_number, options)
            .fact({ household_no, code: 'income.declared', from: `${year - 3}-01-01` })
            .fact({ id_number, code: 'income.wage', value: yuan, from: on, to: on });
    }

    write(directory) {
        mkdirSync(directory, { recursive: true });
        writeFileSync(join(directory, 'household.csv'), csv(HOUSEHOLD, this.households));
        writeFileSync(join(directory, 'person.csv'), csv(PERSON, this.persons));
        writeFileSync(join(directory, 'fact.csv'), csv(FACT, this.facts));
        return directory;
    }
}

/** The manifest that belongs to a file's bytes; `changes` spoil or refine it. */
export function manifest(feed, batch, bytes, rows, changes = {}) {
    return {
        feed,
        batch,
        period_from: '2021-06-01',
        period_to: '2021-06-30',
        mode: 'full',
        rows,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        sent_at: '2021-06-30T18:00:00+08:00',
        ...changes,
    };
}

/** Drops a feed file and, last, its manifest, as a partner does. */
export function dropFeed(directory, feed, batch, rows, changes = {}) {
    const text = csv(FEED, rows);
    return dropBytes(directory, feed, batch, Buffer.from(text), rows.length, changes);
}

export function dropBytes(directory, feed, batch, bytes, rows, changes = {}) {
    const folder = join(directory, feed);
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `${batch}.csv`);
    writeFileSync(path, bytes);
    if (changes === null) return path;
    writeFileSync(`${path}.manifest.json.part`, JSON.stringify(manifest(feed, batch, bytes, rows, changes)));
    renameSync(`${path}.manifest.json.part`, `${path}.manifest.json`);
    return path;
}
