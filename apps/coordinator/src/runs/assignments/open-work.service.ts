import { Injectable } from '@nestjs/common';
import type { AssignmentOffer, OpenWork, RunState } from '@tributary/protocol';
import { VersionsService, type Version } from '../../models/versions.service.js';
import { Clock, after } from '../../platform/clock/clock.js';
import { Database } from '../../platform/database/database.js';
import { Together } from '../../platform/together/together.js';
import { AssignmentRepository, type Assignment } from './assignment.repository.js';
import { offerOf, type OfferFacts } from './offers.js';
import { RecipeAnswerRepository } from '../proposal/recipe-answer.repository.js';
import { RoundRepository } from '../rounds/round.repository.js';
import { RunRepository, type ConcerningRun } from '../run.repository.js';

const ENDED: RunState[] = ['completed', 'failed', 'cancelled'];
const ENDED_FOR_SECONDS = 7 * 24 * 3600;

/** The durable truth that hints point to: everything that a site may answer now. */
@Injectable()
export class OpenWorkService {
  private readonly asking: Together<string, OpenWork>;

  constructor(
    private readonly database: Database,
    private readonly runs: RunRepository,
    private readonly rounds: RoundRepository,
    private readonly assignments: AssignmentRepository,
    private readonly answers: RecipeAnswerRepository,
    private readonly versions: VersionsService,
    private readonly clock: Clock,
  ) {
    this.asking = new Together((siteIds) => this.ofAll(siteIds));
  }

  of(siteId: string): Promise<OpenWork> {
    return this.asking.ask(siteId);
  }

  private async ofAll(siteIds: readonly string[]): Promise<OpenWork[]> {
    const { db } = this.database;
    const since = after(this.clock.now(), -ENDED_FOR_SECONDS);
    const runs = await this.runs.concerning(db, siteIds, { states: ['approving', ...ENDED], since });
    const approving = runs.filter(({ state }) => state === 'approving');
    const ended = runs.filter(({ state }) => ENDED.includes(state));
    const answered = await this.answered(siteIds, approving);
    const offers = await this.offers(await this.assignments.openOf(db, siteIds));
    return siteIds.map((siteId) => ({
      proposals: approving
        .filter(({ id, siteIds: members }) => members.has(siteId) && !answered.has(`${siteId} ${id}`))
        .map(({ id, recipeSha256 }) => ({ runId: id, recipeSha256 })),
      assignments: offers.get(siteId) ?? [],
      endedRuns: ended.filter(({ siteIds: members }) => members.has(siteId)).map(({ id }) => id),
    }));
  }

  /** `site run` of each answer to one of these runs. */
  private async answered(siteIds: readonly string[], runs: readonly ConcerningRun[]): Promise<Set<string>> {
    if (runs.length === 0) return new Set();
    const runIds = runs.map(({ id }) => id);
    const answers = await this.answers.answeredBy(this.database.db, siteIds, runIds);
    return new Set(answers.map(({ siteId, runId }) => `${siteId} ${runId}`));
  }

  /** What the rounds of these assignments offer, by site. */
  private async offers(open: readonly Assignment[]): Promise<Map<string, AssignmentOffer[]>> {
    const rounds = await this.rounds.heads(this.database.db, [...new Set(open.map(({ roundId }) => roundId))]);
    const offers = new Map<string, AssignmentOffer[]>();
    for (const [runId, ofRun] of groupedBy(open, (assignment) => assignment.runId)) {
      const factsOf = await this.facts(runId, ofRun);
      for (const assignment of ofRun) {
        const round = rounds.get(assignment.roundId);
        const facts = factsOf(assignment);
        if (round === undefined || facts === null) continue;
        const { siteId } = assignment;
        offers.set(siteId, [...(offers.get(siteId) ?? []), offerOf({ ...facts, round }, assignment)]);
      }
    }
    return offers;
  }

  /** What offers of one run tell beside their round; what many of them share is read once. */
  private async facts(runId: string, assignments: readonly Assignment[]) {
    const { db } = this.database;
    const run = await this.runs.findReadable(db, runId);
    const versions = new Map<number, Version>();
    for (const n of new Set([0, ...assignments.map(({ baseVersion }) => baseVersion)])) {
      versions.set(n, await this.versions.get(db, runId, n));
    }
    const siteIds = assignments.map(({ siteId }) => siteId);
    const counted = await this.assignments.lastCounted(db, runId, siteIds);
    return ({ siteId, baseVersion }: Assignment): Omit<OfferFacts, 'round'> | null => {
      const [initial, latest] = [versions.get(0), versions.get(baseVersion)];
      if (run === null || initial === undefined || latest === undefined) return null;
      return { run, versions: { initial, latest }, countedRound: counted.get(siteId) ?? 0 };
    };
  }
}

function groupedBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
