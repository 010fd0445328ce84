import type { TrainingHours } from '@tributary/protocol';

const MINUTES_A_DAY = 24 * 60;
const MINUTE_MS = 60_000;

/** Whether a site may be asked to train now; `from` is in, `until` is out, and hours may pass midnight. */
export function isWithinHours(hours: TrainingHours | null, at: Date): boolean {
  if (hours === null) return true;
  const now = minuteOfDay(at, hours.timeZone);
  const [from, until] = [minutesOf(hours.from), minutesOf(hours.until)];
  return from < until ? from <= now && now < until : from <= now || now < until;
}

/**
 * When a site that may not be asked now may be asked next, to the minute; `at` itself when it may. On the day when the
 * clocks skip `from` it is up to an hour off: the caller looks again then.
 */
export function nextOpening(hours: TrainingHours | null, at: Date): Date {
  if (hours === null || isWithinHours(hours, at)) return at;
  const from = minutesOf(hours.from);
  const startOfMinute = at.getTime() - (at.getTime() % MINUTE_MS);
  const waitMinutes = modulo(from - minuteOfDay(at, hours.timeZone), MINUTES_A_DAY);
  const guess = new Date(startOfMinute + waitMinutes * MINUTE_MS);
  const missed =
    modulo(minuteOfDay(guess, hours.timeZone) - from + MINUTES_A_DAY / 2, MINUTES_A_DAY) - MINUTES_A_DAY / 2;
  const corrected = new Date(guess.getTime() - missed * MINUTE_MS);
  return corrected > at && isWithinHours(hours, corrected) ? corrected : guess;
}

/** Minutes since midnight on the wall clock of a time zone. */
function minuteOfDay(at: Date, timeZone: string): number {
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  return minutesOf(clock.format(at));
}

function minutesOf(clockTime: string): number {
  const [hours = 0, minutes = 0] = clockTime.split(':').map(Number);
  return hours * 60 + minutes;
}

function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}
