// SPDX-License-Identifier: PostgreSQL
// Waiting on a condition with a deadline: the only way a test waits. The deadline ends a test that waits in vain and is no
// property of what is waited for: shorter ones fail on a machine that is busy, and say nothing.
export const DEADLINE_MS = 60000;

export async function until(condition, what, deadline_ms = DEADLINE_MS) {
    const end = Date.now() + deadline_ms;
    for (;;) {
        const value = await condition();
        if (value) return value;
        if (Date.now() > end) throw new Error(`waited ${deadline_ms} ms in vain for ${typeof what === 'function' ? what() : what}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

/** Thrown where a bound of time was not kept: by the product, or by a machine that stood still meanwhile. */
export class Late extends Error {}

export function inTime(held, what) {
    if (!held) throw new Late(what);
}

/**
 * For what is bounded in time: `act(scale)` is done with all its times multiplied by 1, 2, 4, 8 (those that are its own to choose), until one is not Late. What the
 * product does too late by its own measure is so at every scale; what a busy machine holds up for a second is not. `again` clears
 * up in between.
 */
export async function unhurried(act, again = async () => {}) {
    for (let scale = 1; ; scale *= 2)
        try {
            return await act(scale);
        } catch (problem) {
            if (!(problem instanceof Late) || scale === 8) throw problem;
            await again();
        }
}
