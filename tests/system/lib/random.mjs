// SPDX-License-Identifier: PostgreSQL
// Chance from a seed, for tests that make up a history: the same seed makes the same one.

/** mulberry32 */
export function randomOf(seed) {
    let state = seed * 0x9e3779b9;
    const next = () => {
        state = (state + 0x6d2b79f5) | 0;
        let t = Math.imul(state ^ (state >>> 15), 1 | state);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
    const upTo = (n) => Math.floor(next() * n);
    const shuffled = (list) => list.map((one) => [next(), one]).sort(([a], [b]) => a - b).map(([, one]) => one);
    return { next, upTo, shuffled, chance: (percent) => next() * 100 < percent, pick: (list) => list[upTo(list.length)] };
}

/** A moment that such a history lets pass between two things; what is waited for is waited for by wait.mjs. */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
