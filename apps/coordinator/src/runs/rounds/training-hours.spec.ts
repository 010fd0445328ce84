import { describe, expect, it } from '@jest/globals';
import type { TrainingHours } from '@tributary/protocol';
import fc from 'fast-check';
import { isWithinHours, nextOpening } from './training-hours.js';

const NIGHT = { from: '20:00', until: '06:00', timeZone: 'Europe/Berlin' };

describe('training hours', () => {
  it.each([
    ['2026-07-01T17:59:00Z', false],
    ['2026-07-01T18:00:00Z', true],
    ['2026-07-02T03:59:59Z', true],
    ['2026-07-02T04:00:00Z', false],
    ['2026-12-01T18:30:00Z', false],
    ['2026-12-01T19:00:00Z', true],
  ])('from 20:00 to 06:00 in Berlin, which is UTC+2 in summer and UTC+1 in winter: %s is %p', (at, within) => {
    expect(isWithinHours(NIGHT, new Date(at))).toBe(within);
  });

  it('are all day long for a site without hours', () => {
    const noon = new Date('2026-07-01T10:00:00Z');
    expect(isWithinHours(null, noon)).toBe(true);
    expect(nextOpening(null, noon)).toEqual(noon);
  });

  it.each([
    ['2026-07-01T10:00:30Z', '2026-07-01T18:00:00.000Z'],
    ['2026-12-01T10:00:00Z', '2026-12-01T19:00:00.000Z'],
    // The clocks go back at 01:00 UTC: that day in Berlin has 25 hours.
    ['2026-10-25T05:30:00Z', '2026-10-25T19:00:00.000Z'],
  ])('open again after %s at %s', (at, opening) => {
    expect(nextOpening(NIGHT, new Date(at)).toISOString()).toBe(opening);
  });

  it('open at 02:30 local time on the day after the clocks went back, and an hour later in UTC than before', () => {
    const hours = { from: '02:30', until: '04:00', timeZone: 'Europe/Berlin' };
    expect(nextOpening(hours, new Date('2026-10-24T10:00:00Z')).toISOString()).toMatch(/^2026-10-25T0[01]:30/);
    expect(nextOpening(hours, new Date('2026-10-25T10:00:00Z')).toISOString()).toBe('2026-10-26T01:30:00.000Z');
  });

  it.each([
    ['02:30', '04:00', 'clocks that are put forward past the opening show 03:00', '2026-03-29T01:00:00.000Z'],
    ['02:10', '02:50', 'hours that are skipped open on the next day', '2026-03-30T00:10:00.000Z'],
  ])('from %s to %s on the day when the clocks go forward: %s', (from, until, _, opening) => {
    const hours = { from, until, timeZone: 'Europe/Berlin' };
    expect(nextOpening(hours, new Date('2026-03-29T00:45:00Z')).toISOString()).toBe(opening);
  });

  it('open once more when the clocks are put back into them', () => {
    const hours = { from: '22:00', until: '02:30', timeZone: 'Europe/Berlin' };
    expect(nextOpening(hours, new Date('2026-10-25T00:45:00Z')).toISOString()).toBe('2026-10-25T01:00:00.000Z');
  });

  it('open at the first minute that lies within them, also where the clocks change', () => {
    const time = fc.integer({ min: 0, max: 1439 }).map((minutes) => {
      return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
    });
    const span = fc.oneof(
      fc.tuple(time, time),
      fc.constantFrom(['02:10', '02:50'], ['02:30', '04:00'], ['22:00', '02:30']),
    );
    const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe');
    const anytime = fc.date({ min: new Date('2026-01-01'), max: new Date('2027-12-31'), noInvalidDate: true });
    const nearChange = fc
      .tuple(fc.constantFrom(...CLOCK_CHANGES), fc.integer({ min: -36 * 3600, max: 3 * 3600 }))
      .map(([change, seconds]) => ({
        timeZone: change.timeZone,
        at: new Date(Date.parse(change.at) + seconds * 1000),
      }));
    const moment = fc.oneof(fc.record({ timeZone: zone, at: anytime }), nearChange);
    fc.assert(
      fc.property(span, moment, ([from = '', until = ''], { timeZone, at }) => {
        fc.pre(from !== until);
        const hours = { from, until, timeZone };
        const opening = nextOpening(hours, at);
        expect(opening).toEqual(firstMinuteWithin(hours, at));
        expect(isWithinHours(hours, opening)).toBe(true);
      }),
      { numRuns: 200, seed: 3 },
    );
  });
});

const CLOCK_CHANGES = [
  { timeZone: 'Europe/Berlin', at: '2026-03-29T01:00:00Z' },
  { timeZone: 'Europe/Berlin', at: '2026-10-25T01:00:00Z' },
  { timeZone: 'America/New_York', at: '2026-03-08T07:00:00Z' },
  { timeZone: 'America/New_York', at: '2026-11-01T06:00:00Z' },
  // By half an hour.
  { timeZone: 'Australia/Lord_Howe', at: '2026-04-04T15:00:00Z' },
  { timeZone: 'Australia/Lord_Howe', at: '2026-10-03T15:30:00Z' },
];

/** Looks at one minute after the other. */
function firstMinuteWithin(hours: TrainingHours, at: Date): Date {
  if (isWithinHours(hours, at)) return at;
  let moment = new Date(Math.ceil(at.getTime() / 60_000) * 60_000);
  while (!isWithinHours(hours, moment)) moment = new Date(moment.getTime() + 60_000);
  return moment;
}
