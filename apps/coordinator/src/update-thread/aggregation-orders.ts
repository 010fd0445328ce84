import type { AggregationResult, HashFile, OpenBytes } from '@tributary/federation';
import { aggregateRound } from '@tributary/federation/aggregation/aggregate-round';
import type { AggregationOrder } from './update-orders.js';

/** The thread's side of aggregations. */
export class AggregationOrders {
  private readonly stops = new Map<number, AbortController>();

  constructor(
    private readonly opener: Promise<OpenBytes>,
    private readonly hashFile: HashFile,
  ) {}

  async obey(order: AggregationOrder): Promise<AggregationResult | undefined> {
    const { job } = order;
    if (order.type === 'stop') {
      this.stops.get(job)?.abort(new Error('the aggregation was stopped'));
      return undefined;
    }
    const stop = new AbortController();
    this.stops.set(job, stop);
    try {
      return await aggregateRound(order.request, {
        signal: stop.signal,
        open: await this.opener,
        hashFile: this.hashFile,
      });
    } finally {
      this.stops.delete(job);
    }
  }
}
