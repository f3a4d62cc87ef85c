// SPDX-License-Identifier: PostgreSQL
// Waiting on a condition with a deadline: the only way a test waits.
export async function until(condition, what, deadline_ms = 60000) {
    const end = Date.now() + deadline_ms;
    for (;;) {
        const value = await condition();
        if (value) return value;
        if (Date.now() > end) throw new Error(`waited ${deadline_ms} ms in vain for ${typeof what === 'function' ? what() : what}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}
