/**
 * Reads item after item, always one ahead of the consumer, so that storage and arithmetic overlap.
 * Ends only when no read is under way, whether the consumer finished, broke off or threw.
 *
 * @param read Called with 0, 1, … count - 1; the next call comes while item n is being consumed.
 */
export async function* readAhead<Item>(count: number, read: (index: number) => Promise<Item>): AsyncGenerator<Item> {
  let pending = awaitedLater(read(0));
  try {
    for (let index = 0; index < count; index++) {
      const item = await pending;
      if (index + 1 < count) pending = awaitedLater(read(index + 1));
      yield item;
    }
  } finally {
    await Promise.allSettled([pending]);
  }
}

/** Work whose failure is reported where it is awaited; until then it must not count as an unhandled rejection. */
export function awaitedLater<Value>(work: Promise<Value>): Promise<Value> {
  work.catch(() => undefined);
  return work;
}
