import type { IncomingMessage } from 'node:http';
import { Body, Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import {
  TributaryError,
  runIdSchema,
  runRequestSchema,
  type RecordedRecipe,
  type RoundView,
  type RunRequest,
  type RunView,
  type runEventsResponseSchema,
} from '@tributary/protocol';
import { z } from 'zod';
import { SitesService } from '../identity/sites.service.js';
import { Allow, Caller, type Principal } from '../platform/access/access.js';
import { LARGEST_INTEGER } from '../platform/database/largest-integer.js';
import { wholeNumber } from '../platform/requests/whole-number.js';
import { RunProposalsService } from './proposal/run-proposals.service.js';
import { RunViewsService } from './run-views.service.js';
import { RunsService } from './runs.service.js';

const MAX_WAIT_SECONDS = 25;
const pollSchema = z.strictObject({
  after: wholeNumber(0, LARGEST_INTEGER).default(0),
  waitSeconds: wholeNumber(0, MAX_WAIT_SECONDS).default(0),
});
const RUN_ID = { schema: runIdSchema };

@Controller('v1/runs')
export class RunsController {
  constructor(
    private readonly proposals: RunProposalsService,
    private readonly runs: RunsService,
    private readonly views: RunViewsService,
    private readonly sites: SitesService,
  ) {}

  /** Stores a recipe and asks the study's sites to approve it. */
  @Post()
  async create(@Body({ schema: runRequestSchema }) request: RunRequest, @Caller() caller: Principal): Promise<RunView> {
    return this.views.show(await this.proposals.propose(request, caller));
  }

  @Get()
  list(): Promise<RunView[]> {
    return this.views.list();
  }

  @Get(':id')
  show(@Param('id', RUN_ID) id: string): Promise<RunView> {
    return this.views.show(id);
  }

  /** What a site reads before it approves. */
  @Get(':id/recipe')
  @Allow('admin', 'researcher', 'site')
  async recipe(@Param('id', RUN_ID) id: string, @Caller() caller: Principal): Promise<RecordedRecipe> {
    const { studyId } = await this.runs.get(id);
    if (caller.role === 'site' && !(await this.sites.show(caller.id)).studies.includes(studyId)) {
      throw new TributaryError('NOT_FOUND', { detail: `run ${id}` });
    }
    return this.runs.recordedRecipe(id);
  }

  /** The round in flight is finished; no other is opened until the run is resumed. */
  @Post(':id/pause')
  @HttpCode(200)
  async pause(@Param('id', RUN_ID) id: string, @Caller() caller: Principal): Promise<RunView> {
    await this.runs.pause(id, caller);
    return this.views.show(id);
  }

  @Post(':id/resume')
  @HttpCode(200)
  async resume(@Param('id', RUN_ID) id: string, @Caller() caller: Principal): Promise<RunView> {
    await this.runs.resume(id, caller);
    return this.views.show(id);
  }

  @Post(':id/cancel')
  @HttpCode(200)
  async cancel(@Param('id', RUN_ID) id: string, @Caller() caller: Principal): Promise<RunView> {
    await this.runs.cancel(id, caller);
    return this.views.show(id);
  }

  @Get(':id/rounds')
  rounds(@Param('id', RUN_ID) id: string): Promise<RoundView[]> {
    return this.views.roundsOf(id);
  }

  /** Events behind `after`; waits for one when there is none yet. */
  @Get(':id/events')
  async events(
    @Param('id', RUN_ID) id: string,
    @Query({ schema: pollSchema }) poll: z.infer<typeof pollSchema>,
    @Req() request: IncomingMessage,
  ): Promise<z.infer<typeof runEventsResponseSchema>> {
    const gone = new AbortController();
    request.once('close', () => gone.abort());
    return this.views.events(id, { ...poll, signal: gone.signal });
  }
}
