import { Controller, Get, Header } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { AggregationService } from '../aggregation/aggregation.service.js';
import { BlobStore } from '../platform/blobs/blob-store.js';
import { Database } from '../platform/database/database.js';
import { JobQueue } from '../platform/jobs/job-queue.js';
import { Metrics } from '../platform/metrics/metrics.js';
import { AssignmentRepository } from './assignment.repository.js';

@ApiTags('health')
@Controller('metrics')
export class MetricsController {
  constructor(
    private readonly metrics: Metrics,
    private readonly database: Database,
    private readonly assignments: AssignmentRepository,
    blobs: BlobStore,
    jobs: JobQueue,
    aggregation: AggregationService,
  ) {
    const depth = (): Promise<number> => Promise.resolve(aggregation.queueDepth);
    metrics.observe('tributary_aggregation_queue', 'Rounds that wait for their aggregation or are in it', depth);
    metrics.observe('tributary_blobs_free_bytes', 'Bytes free where the blobs lie', () => blobs.freeBytes());
    metrics.observe('tributary_jobs', 'Jobs that wait or run', () => jobs.depth());
  }

  /** Prometheus text format; with an admin's key. */
  @Get()
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  async scrape(): Promise<string> {
    this.metrics.setSiteStages(await this.assignments.openByStage(this.database.db));
    return this.metrics.registry.metrics();
  }
}
