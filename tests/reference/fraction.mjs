// SPDX-License-Identifier: PostgreSQL
// Exact fractions of BigInt: { n, d } with d > 0, not reduced; and intervals of them, { low, high }.
export const fraction = (n, d = 1n) => (d < 0n ? { n: -n, d: -d } : { n, d });
export const ZERO = fraction(0n);
export const add = (a, b) => (a.d === b.d ? fraction(a.n + b.n, a.d) : fraction(a.n * b.d + b.n * a.d, a.d * b.d));
export const subtract = (a, b) => add(a, fraction(-b.n, b.d));
export const multiply = (a, b) => fraction(a.n * b.n, a.d * b.d);
export const divide = (a, b) => fraction(a.n * b.d, a.d * b.n);
/** Negative, zero or positive as a is below, at or above b. */
export const order = (a, b) => { const difference = a.n * b.d - b.n * a.d; return difference < 0n ? -1 : difference > 0n ? 1 : 0; };
export const least = (values) => values.reduce((best, value) => (order(value, best) < 0 ? value : best));
export const greatest = (values) => values.reduce((best, value) => (order(value, best) > 0 ? value : best));

export const exactly = (value) => ({ low: value, high: value });
export const plus = (a, b) => ({ low: add(a.low, b.low), high: add(a.high, b.high) });
export const minus = (a, b) => ({ low: subtract(a.low, b.high), high: subtract(a.high, b.low) });
const corners = (operation, a, b) => {
  const all = [operation(a.low, b.low), operation(a.low, b.high), operation(a.high, b.low), operation(a.high, b.high)];
  return { low: least(all), high: greatest(all) };
};
export const times = (a, b) => corners(multiply, a, b);
/** b is positive: policies that could divide by anything else do not pass the check. */
export const over = (a, b) => corners(divide, a, b);
export const hull = (a, b) => ({ low: least([a.low, b.low]), high: greatest([a.high, b.high]) });
export const larger = (a, b) => ({ low: greatest([a.low, b.low]), high: greatest([a.high, b.high]) });
export const smaller = (a, b) => ({ low: least([a.low, b.low]), high: least([a.high, b.high]) });
