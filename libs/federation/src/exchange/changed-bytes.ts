import { manifestLocations, type ParameterEntry } from '@tributary/protocol/manifest';
import { encodeSafetensorsHeader } from '@tributary/protocol/safetensors';
import type { Range } from '../vectors/range.js';
import { sharedParameters, type Exchange } from './partial-exchange.js';

/** Fetching fewer bytes than these in vain costs less than another request. */
const WORTHWHILE_GAP_BYTES = 64 * 1024;

/**
 * Bytes `[begin, end)` of a model's safetensors file in which two files of one run may differ, ascending and disjoint: two versions,
 * two averages, one of each, or two of the strategy's vectors that sites are sent. They are those of the parameters that any site
 * sends in any round. All others stay as the run began, as `aggregateRound` moves nothing where no site contributes, and the
 * header, which the manifest alone decides, too.
 *
 * @param gapBytes Stretches that stay and are no longer than this count as changed, also at either end of the file.
 */
export function changedBytes(
  manifest: readonly ParameterEntry[],
  exchange: Exchange,
  gapBytes = WORTHWHILE_GAP_BYTES,
): Range[] {
  const locations = manifestLocations(manifest);
  const headerBytes = encodeSafetensorsHeader(locations).length;
  const fileBytes = headerBytes + (locations.at(-1)?.end ?? 0);
  const shared = new Set(sharedParameters(manifest, exchange));
  const changed = locations
    .filter(({ name }) => shared.has(name))
    .map(({ begin, end }) => ({ begin: headerBytes + begin, end: headerBytes + end }));
  return withoutGaps(changed, fileBytes, gapBytes);
}

/** Joins what a gap of at most `gapBytes` parts, the file's ends being ranges without a length. */
function withoutGaps(ranges: readonly Range[], fileBytes: number, gapBytes: number): Range[] {
  const ends = { first: { begin: 0, end: 0 }, last: { begin: fileBytes, end: fileBytes } };
  const joined: Range[] = [];
  for (const range of [ends.first, ...ranges, ends.last]) {
    const before = joined.at(-1);
    if (before && range.begin - before.end <= gapBytes) joined.splice(-1, 1, { begin: before.begin, end: range.end });
    else joined.push(range);
  }
  return joined.filter(({ begin, end }) => begin < end);
}
