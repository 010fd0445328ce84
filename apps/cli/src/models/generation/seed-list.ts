import { TributaryError } from '@tributary/protocol/errors';

const MAX_SEED = 0xffff_ffff;
const MAX_IMAGES = 1_000_000;

/**
 * Reads `0-63`, `1,5,9` or a mixture.
 *
 * @throws TributaryError USAGE_INVALID for anything else, a seed beyond 2^32 - 1 or more than a million seeds.
 */
export function parseSeeds(text: string): number[] {
  const seeds = text.split(',').flatMap((part) => {
    const match = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(part.trim());
    const first = Number(match?.[1] ?? Number.NaN);
    const last = Number(match?.[2] ?? first);
    if (!(first <= last) || last > MAX_SEED || last - first >= MAX_IMAGES) throw invalidSeeds();
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
  if (seeds.length > MAX_IMAGES) throw invalidSeeds();
  return seeds;
}

function invalidSeeds(): TributaryError {
  const fields = [{ path: '--seeds', expected: 'seeds from 0 to 4294967295 such as 0-63 or 1,5,9, at most a million' }];
  return new TributaryError('USAGE_INVALID', { detail: '--seeds', fields });
}
