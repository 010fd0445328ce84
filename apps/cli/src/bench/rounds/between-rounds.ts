import type { RunEvent } from '@tributary/protocol/http';
import { jsonOrUndefined } from '@tributary/protocol/json-or-undefined';
import { z } from 'zod';

const momentSchema = z.iso.datetime().transform((at) => Date.parse(at));
/** The line that an agent logs when the coordinator has its update. */
const receivedLineSchema = z.object({
  round: z.int(),
  moments: z.object({
    offeredAt: momentSchema,
    decidedAt: momentSchema,
    downloadedAt: momentSchema,
    firstStepAt: momentSchema,
    lastStepAt: momentSchema,
    writtenAt: momentSchema,
  }),
});

/** One site's part in one round, in milliseconds of the machine's clock. */
export type SiteMoments = z.infer<typeof receivedLineSchema>['moments'] & { readonly round: number };

/** What the coordinator notes of one round, in milliseconds of the machine's clock. */
export interface RoundMoments {
  readonly round: number;
  readonly lastAnswerAt: number;
  readonly aggregatingAt: number;
  readonly aggregatedAt: number;
}

/** What lies between the training of one round and that of the next, in milliseconds, in the order in which it happens. */
export interface BetweenRounds {
  /** The last site to train writes its update. */
  readonly writeMs: number;
  /** Its ledger, the upload, its verification. */
  readonly sendMs: number;
  /** The answer is counted, the round is closed, its aggregation begins. */
  readonly closeMs: number;
  readonly aggregateMs: number;
  /** Publication and the next offer, until the first site has it. */
  readonly offerMs: number;
  /** The site's policy and its durable decision. */
  readonly decideMs: number;
  readonly downloadMs: number;
  /** The trainer reads task and weights. */
  readonly beginMs: number;
  /** From the last answer of the one round to the first training step of the next. */
  readonly fixedCostMs: number;
  /** From the last training step of the one round to the first of the next. */
  readonly betweenStepsMs: number;
}

/** The moments in an agent's log; lines of other kinds, or of work that an earlier process began, tell none. */
export function siteMomentsIn(log: string): SiteMoments[] {
  return log.split('\n').flatMap((line) => {
    const parsed = receivedLineSchema.safeParse(jsonOrUndefined(line));
    return parsed.success ? [{ round: parsed.data.round, ...parsed.data.moments }] : [];
  });
}

/** The moments in a run's events. */
export function roundMomentsIn(events: readonly RunEvent[]): RoundMoments[] {
  return events.flatMap(({ kind, round, at, detail: { aggregateMs } }) => {
    if (kind !== 'round.published' || round === null || typeof aggregateMs !== 'number') return [];
    const answers = events.filter((event) => event.round === round && event.detail['state'] === 'received');
    const aggregatedAt = Date.parse(at);
    const lastAnswerAt = Math.max(...answers.map((answer) => Date.parse(answer.at)));
    return [{ round, lastAnswerAt, aggregatingAt: aggregatedAt - aggregateMs, aggregatedAt }];
  });
}

/** Every gap between two rounds that both tell. */
export function gapsBetween(rounds: readonly RoundMoments[], sites: readonly SiteMoments[]): BetweenRounds[] {
  return rounds.flatMap((round) => {
    const last = sites.filter((site) => site.round === round.round).sort((a, b) => b.lastStepAt - a.lastStepAt)[0];
    const first = sites.filter((site) => site.round === round.round + 1).sort(byFirstStep)[0];
    return last === undefined || first === undefined ? [] : [gap(round, last, first)];
  });
}

function gap(round: RoundMoments, last: SiteMoments, first: SiteMoments): BetweenRounds {
  return {
    writeMs: last.writtenAt - last.lastStepAt,
    sendMs: round.lastAnswerAt - last.writtenAt,
    closeMs: round.aggregatingAt - round.lastAnswerAt,
    aggregateMs: round.aggregatedAt - round.aggregatingAt,
    offerMs: first.offeredAt - round.aggregatedAt,
    decideMs: first.decidedAt - first.offeredAt,
    downloadMs: first.downloadedAt - first.decidedAt,
    beginMs: first.firstStepAt - first.downloadedAt,
    fixedCostMs: first.firstStepAt - round.lastAnswerAt,
    betweenStepsMs: first.firstStepAt - last.lastStepAt,
  };
}

function byFirstStep(a: SiteMoments, b: SiteMoments): number {
  return a.firstStepAt - b.firstStepAt;
}
