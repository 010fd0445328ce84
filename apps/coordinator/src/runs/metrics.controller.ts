import { Controller, Get, Header } from '@nestjs/common';
import { AggregationService } from '../aggregation/aggregation.service.js';
import { BlobStore } from '../platform/blobs/blob-store.js';
import { Database } from '../platform/database/database.js';
import { JobQueue } from '../platform/jobs/job-queue.js';
import { Metrics } from '../platform/metrics/metrics.js';
import { SitesService } from '../identity/sites.service.js';
import { AssignmentRepository } from './assignments/assignment.repository.js';
import { RunRepository } from './run.repository.js';

@Controller('metrics')
export class MetricsController {
  constructor(
    private readonly metrics: Metrics,
    private readonly database: Database,
    private readonly assignments: AssignmentRepository,
    private readonly runs: RunRepository,
    private readonly sites: SitesService,
    blobs: BlobStore,
    jobs: JobQueue,
    aggregation: AggregationService,
  ) {
    this.observeRows();
    const depth = (): Promise<number> => Promise.resolve(aggregation.queueDepth);
    metrics.observe('tributary_aggregation_queue', 'Rounds that wait for their aggregation or are in it', depth);
    metrics.observe('tributary_blobs_free_bytes', 'Bytes free where the blobs lie', () => blobs.freeBytes());
    metrics.observe('tributary_jobs', 'Jobs that wait or run', () => jobs.depth());
  }

  /** Prometheus text format; with an admin's key. */
  @Get()
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  scrape(): Promise<string> {
    return this.metrics.registry.metrics();
  }

  private observeRows(): void {
    const { metrics, database } = this;
    const stages = { name: 'tributary_sites', help: 'Open assignments by stage' };
    metrics.observeBy('stage', stages, () => this.assignments.openByStage(database.db));
    const states = { name: 'tributary_runs', help: 'Runs by state' };
    metrics.observeBy('state', states, () => this.runs.countByState(database.db));
    metrics.observe('tributary_sites_connected', 'Sites whose control connection is up', () =>
      this.sites.countConnected(),
    );
  }
}
