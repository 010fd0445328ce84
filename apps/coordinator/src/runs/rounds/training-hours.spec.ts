import { describe, expect, it } from '@jest/globals';
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

  it('open within a day and an hour, and not before', () => {
    const time = fc.integer({ min: 0, max: 1439 }).map((minutes) => {
      return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
    });
    const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe');
    const moment = fc.date({ min: new Date('2026-01-01'), max: new Date('2027-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(time, time, zone, moment, (from, until, timeZone, at) => {
        fc.pre(from !== until);
        const hours = { from, until, timeZone };
        const opening = nextOpening(hours, at);
        expect(opening.getTime()).toBeGreaterThanOrEqual(at.getTime());
        expect(opening.getTime() - at.getTime()).toBeLessThanOrEqual(25 * 3600 * 1000);
      }),
    );
  });
});
