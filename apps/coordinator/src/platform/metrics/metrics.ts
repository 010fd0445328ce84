import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

const AGGREGATION_RATES = [1, 3, 10, 30, 100, 300, 1000, 3000, 10_000];
const ROUND_SECONDS = [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000, 10_000];

/** Of a metric. */
interface Named {
  readonly name: string;
  readonly help: string;
}

/** What the coordinator counts, in Prometheus' form; event-loop lag is among the defaults. */
@Injectable()
export class Metrics {
  readonly registry = new Registry();
  readonly roundSeconds = new Histogram({
    name: 'tributary_round_seconds',
    help: 'Seconds of published rounds by stage: collect, aggregate',
    labelNames: ['stage'],
    buckets: ROUND_SECONDS,
    registers: [this.registry],
  });
  readonly roundsEnded = new Counter({
    name: 'tributary_rounds_total',
    help: 'Rounds by how they ended: published, abandoned',
    labelNames: ['outcome'],
    registers: [this.registry],
  });
  readonly updateBytes = new Counter({
    name: 'tributary_update_bytes_total',
    help: 'Bytes of updates received and counted',
    registers: [this.registry],
  });
  readonly prunedBytes = new Counter({
    name: 'tributary_pruned_bytes_total',
    help: 'Bytes of files removed by the retention rules',
    registers: [this.registry],
  });
  readonly updatesRefused = new Counter({
    name: 'tributary_updates_refused_total',
    help: 'Updates refused by error code',
    labelNames: ['code'],
    registers: [this.registry],
  });
  readonly aggregationRate = new Histogram({
    name: 'tributary_aggregation_megabytes_per_second',
    help: 'Megabytes of updates aggregated a second, a round',
    buckets: AGGREGATION_RATES,
    registers: [this.registry],
  });
  readonly aggregatedBytes = new Counter({
    name: 'tributary_aggregated_bytes_total',
    help: 'Bytes of updates that were read to aggregate rounds',
    registers: [this.registry],
  });
  readonly downloadBytes = new Counter({
    name: 'tributary_download_bytes_total',
    help: 'Bytes of model versions sent to sites and researchers',
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: 'tributary_' });
  }

  /** A value that is looked up at every scrape. */
  observe(name: string, help: string, read: () => Promise<number>): void {
    const gauge: Gauge = new Gauge({ name, help, registers: [this.registry], collect: () => update() });
    const update = async (): Promise<void> => gauge.set(await read());
  }

  /** Values by a label, such as the number of runs by state, that are looked up at every scrape. */
  observeBy(label: string, { name, help }: Named, read: () => Promise<ReadonlyMap<string, number>>): void {
    const registers = [this.registry];
    const gauge: Gauge = new Gauge({ name, help, labelNames: [label], registers, collect: () => update() });
    const update = async (): Promise<void> => {
      const values = await read();
      gauge.reset();
      for (const [value, count] of values) gauge.set({ [label]: value }, count);
    };
  }

  /** A round was aggregated: bytes of updates read, over all passes. */
  aggregated(bytesRead: number, seconds: number): void {
    this.aggregatedBytes.inc(bytesRead);
    this.aggregationRate.observe(bytesRead / 1e6 / Math.max(seconds, 1e-3));
  }
}
