/** An update that waits to be aggregated in an asynchronous run. */
export interface BufferedUpdate {
  /** The assignment's id: a repeated delivery is recognised by it. */
  readonly updateId: string;
  readonly siteId: string;
  /** Model version that the site trained from. */
  readonly baseVersion: number;
}

/** Plain data: it is stored as it is, so a run goes on where it was after a restart. */
export interface UpdateBuffer {
  /** Model version that sites are offered now. */
  readonly version: number;
  readonly waiting: readonly BufferedUpdate[];
}

export interface BufferRules {
  /** K: updates that make a new model version; integer >= 1. */
  readonly capacity: number;
  /** Updates that are more versions behind are refused; absent: none is. */
  readonly maxStaleness?: number;
}

/** An update in a full buffer, with the versions that it is behind. */
export interface StaleUpdate extends BufferedUpdate {
  readonly staleness: number;
}

/** What became of an update. `aggregate` is there when the buffer is full: these make the next version, in this order. */
export type BufferOutcome =
  | { readonly kind: 'buffered'; readonly buffer: UpdateBuffer; readonly aggregate?: readonly StaleUpdate[] }
  | { readonly kind: 'duplicate' | 'too-stale'; readonly buffer: UpdateBuffer };

/** An empty buffer in front of the run's first model version. */
export function emptyBuffer(version = 0): UpdateBuffer {
  return { version, waiting: [] };
}

/**
 * FedBuff's server: takes one update; every K-th closes the buffer and makes the next version. No site waits for another.
 * Pure: the caller stores the returned buffer in the transaction that records the update. Nguyen et al. 2022, algorithm 1.
 *
 * Deliveries may repeat: the same id while it waits is a duplicate (ids of closed buffers are the caller's records).
 *
 * @throws RangeError for an update of a version that does not exist yet.
 */
export function receiveUpdate(
  buffer: UpdateBuffer,
  update: BufferedUpdate,
  { capacity, maxStaleness = Infinity }: BufferRules,
): BufferOutcome {
  const { version, waiting } = buffer;
  if (update.baseVersion > version) throw new RangeError('an update cannot come from a future version');
  if (waiting.some(({ updateId }) => updateId === update.updateId)) return { kind: 'duplicate', buffer };
  if (version - update.baseVersion > maxStaleness) return { kind: 'too-stale', buffer };
  const filled = [...waiting, update];
  if (filled.length < capacity) return { kind: 'buffered', buffer: { version, waiting: filled } };
  return { kind: 'buffered', buffer: emptyBuffer(version + 1), aggregate: withStaleness(filled, version) };
}

/** Ascending by update id, so that the sum does not depend on the order of arrival. */
function withStaleness(updates: readonly BufferedUpdate[], version: number): StaleUpdate[] {
  return updates
    .map((update) => ({ ...update, staleness: version - update.baseVersion }))
    .sort((a, b) => (a.updateId < b.updateId ? -1 : 1));
}
