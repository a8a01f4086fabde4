/**
 * Whether suites run all that they have: the full market, every point at which the controller may die, long freezes. CI has no time for
 * it: `npm run test:long`.
 */
export const isLong = process.env.FEEDPLANE_LONG === '1'
