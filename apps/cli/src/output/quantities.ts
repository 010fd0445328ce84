const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** A size in decimal units: `4.3 MB`. */
export function formatBytes(sizeBytes: number): string {
  let value = sizeBytes;
  let unit = 0;
  while (value >= 1000 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${BYTE_UNITS[unit] ?? ''}`;
}

/** Below this the headers of files show, not a saving. */
const NOTABLE_RATIO = 1.05;

/**
 * Bytes that travelled, and how many times smaller compression and partial exchange made them: `1.1 MB (3.9 times smaller)`.
 *
 * @param plainBytes What they would be as whole models; 0 when not known.
 */
export function formatTraffic(sizeBytes: number, plainBytes: number): string {
  const ratio = sizeBytes > 0 ? plainBytes / sizeBytes : 0;
  return ratio < NOTABLE_RATIO
    ? formatBytes(sizeBytes)
    : `${formatBytes(sizeBytes)} (${ratio.toFixed(1)} times smaller)`;
}

/** A time span: `0.4 s`, `38 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.round((whole % 3600) / 60)} min`;
}

/** A count with thin groups: `1 920`. */
export function formatCount(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** So many of something: `1 site`, `3 sites`. */
export function formatNumberOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A loss with as many digits as tell two rounds apart: `0.0412`. */
export function formatLoss(loss: number | null): string {
  return loss === null ? '–' : loss.toPrecision(3);
}

/** A moment for a person: `2026-11-22 19:00:00 UTC`. */
export function formatMoment(at: string): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** How far a residual is off, of which the digits of rounding tell nothing: `1.2 %`, `less than 0.01 %`. */
export function formatResidual(residual: number): string {
  const percent = 100 * residual;
  return percent < 0.01 ? 'less than 0.01 %' : `${percent.toPrecision(2)} %`;
}

/** A share as per cent: `83 %`, `0.5 %`. */
export function formatShare(share: number | null): string {
  if (share === null) return 'not measured';
  const percent = 100 * share;
  return `${percent > 0 && percent < 1 ? percent.toFixed(1) : Math.round(percent)} %`;
}
