/**
 * Reads item after item, always one ahead of the consumer, so that storage and arithmetic overlap.
 * Ends only when no read is under way, whether the consumer finished, broke off or threw.
 *
 * @param read Called with 0, 1, … count - 1; the next call comes while item n is being consumed.
 */
export async function* readAhead<Item>(count: number, read: (index: number) => Promise<Item>): AsyncGenerator<Item> {
  let pending = startRead(read, 0);
  try {
    for (let index = 0; index < count; index++) {
      const item = await pending;
      if (index + 1 < count) pending = startRead(read, index + 1);
      yield item;
    }
  } finally {
    await Promise.allSettled([pending]);
  }
}

/** A failed read is reported when its item is asked for; until then it must not count as unhandled. */
function startRead<Item>(read: (index: number) => Promise<Item>, index: number): Promise<Item> {
  const reading = read(index);
  reading.catch(() => undefined);
  return reading;
}
