/**
 * Runs jobs in order, at most `places` at once. After a failure no more are begun, and the failure is thrown when none runs any
 * more: what they share is free then.
 *
 * @param places An integer >= 1.
 */
export async function allAFewAtATime<T>(jobs: readonly (() => Promise<T>)[], places: number): Promise<T[]> {
  const queue = jobs.entries();
  const results: T[] = [];
  let hasFailed = false;
  const work = async (): Promise<void> => {
    for (const [index, job] of queue) {
      if (hasFailed) return;
      try {
        results[index] = await job();
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  for (const ended of await Promise.allSettled(Array.from({ length: places }, work))) {
    if (ended.status === 'rejected') throw ended.reason;
  }
  return results;
}
