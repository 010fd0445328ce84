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
 * The first minute from which a site may be asked; `at` itself when it may be now. Hours that the clocks skip on a day do not open then.
 */
export function nextOpening(hours: TrainingHours | null, at: Date): Date {
  if (hours === null || isWithinHours(hours, at)) return at;
  const { from, timeZone } = hours;
  const offsetOf = (moment: Date): number => withinADay(minuteOfDay(moment, timeZone) - minutesSinceEpoch(moment));
  const shut = new Date(at.getTime() - (at.getTime() % MINUTE_MS));
  const waitMinutes = withinADay(minutesOf(from) - minuteOfDay(shut, timeZone));
  const opening = plusMinutes(shut, waitMinutes);
  if (offsetOf(opening) === offsetOf(shut)) return opening;
  // The clocks change meanwhile: what they are set to may be within the hours, else these are waited for anew.
  const change = firstMinute(shut, waitMinutes, (moment) => offsetOf(moment) !== offsetOf(shut));
  return nextOpening(hours, change);
}

/** The first of the minutes after `begin`, up to `count` of them, for which `holds`, which holds for the last and for all after the first. */
function firstMinute(begin: Date, count: number, holds: (moment: Date) => boolean): Date {
  let [without, within] = [0, count];
  while (within - without > 1) {
    const middle = Math.floor((without + within) / 2);
    if (holds(plusMinutes(begin, middle))) within = middle;
    else without = middle;
  }
  return plusMinutes(begin, within);
}

/** Minutes since midnight on the wall clock of a time zone. */
function minuteOfDay(at: Date, timeZone: string): number {
  const clock =
    clocks.get(timeZone) ??
    new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  clocks.set(timeZone, clock);
  return minutesOf(clock.format(at));
}

/** By time zone: a clock takes far longer to make than to read. */
const clocks = new Map<string, Intl.DateTimeFormat>();

function minutesSinceEpoch(at: Date): number {
  return Math.floor(at.getTime() / MINUTE_MS);
}

function plusMinutes(at: Date, minutes: number): Date {
  return new Date(at.getTime() + minutes * MINUTE_MS);
}

function minutesOf(clockTime: string): number {
  const [hours = 0, minutes = 0] = clockTime.split(':').map(Number);
  return hours * 60 + minutes;
}

/** A number of minutes as one of a day. */
function withinADay(minutes: number): number {
  return ((minutes % MINUTES_A_DAY) + MINUTES_A_DAY) % MINUTES_A_DAY;
}
