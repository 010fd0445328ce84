import { setTimeout as sleep } from 'node:timers/promises';
import type { RecipeInput } from '@tributary/protocol';
import { Consortium } from '../../support/consortium.js';
import { tinyRecipe } from '../../support/tiny-recipe.js';
import { eventually } from '../../support/processes.js';

const SITE = 'site-a';
const ROUNDS = 7;
const KILLED_ROUND = 4;
const WITHIN_MS = 600_000;

export type OneVictim = 'coordinator' | 'agent';

export interface OneKillOptions {
  /** An empty folder. */
  readonly directory: string;
  readonly victim: OneVictim;
  /** Between the kill and the new start. */
  readonly downMs: number;
}

export interface OneKillResult {
  /** Median of the rounds without the kill. */
  readonly roundSeconds: number;
  readonly killedRoundSeconds: number;
  /** From the kill until the coordinator answered again, or the site trained again. */
  readonly restartSeconds: number;
  /** As those of an undisturbed run. */
  readonly isEqual: boolean;
}

/** One kill -9 in the middle of a round: how long that round takes then, beside the others. */
export async function killOnce({ directory, victim, downMs }: OneKillOptions): Promise<OneKillResult> {
  const consortium = await Consortium.create(directory);
  try {
    await consortium.open();
    const undisturbed = await consortium.completed(await consortium.createRun(recipe()), WITHIN_MS);
    const runId = await consortium.createRun(recipe());
    await progress(consortium, runId, 0);
    const restartSeconds = await restart(consortium, { runId, victim, downMs });
    const { weights } = await consortium.completed(runId, WITHIN_MS);
    const { events } = await consortium.events(runId);
    const seconds = new Map(
      events.filter(({ kind }) => kind === 'round.published').map(({ round, detail }) => [round, detail['seconds']]),
    );
    const others = [...seconds].filter(([round]) => round !== KILLED_ROUND).map(([, value]) => Number(value));
    return {
      roundSeconds: others.sort((a, b) => a - b)[Math.floor(others.length / 2)] ?? NaN,
      killedRoundSeconds: Number(seconds.get(KILLED_ROUND)),
      restartSeconds,
      isEqual: weights.sha256 === undisturbed.weights.sha256,
    };
  } finally {
    await consortium.close();
  }
}

/** @returns Seconds until what was killed was at work again. */
async function restart(
  consortium: Consortium,
  { runId, victim, downMs }: { runId: string; victim: OneVictim; downMs: number },
): Promise<number> {
  const killedMs = Date.now();
  await consortium.kill(victim === 'agent' ? SITE : victim);
  await sleep(downMs);
  if (victim === 'coordinator') await consortium.startCoordinator();
  else {
    consortium.startAgent(SITE);
    await progress(consortium, runId, killedMs);
  }
  return (Date.now() - killedMs) / 1000;
}

/** Waits until the site has told of training steps in the round that the kill is for, after a time. */
async function progress(consortium: Consortium, runId: string, afterMs: number): Promise<void> {
  await eventually(
    `${SITE} trains`,
    async () => {
      const { currentRound, assignments } = await consortium.run(runId);
      const own = assignments.find(({ siteId }) => siteId === SITE);
      const isTraining = own?.stage === 'training' && (own.done ?? 0) > 0 && Date.parse(own.updatedAt) > afterMs;
      return currentRound?.n === KILLED_ROUND && isTraining ? true : undefined;
    },
    WITHIN_MS,
  );
}

/** Rounds of some seconds, with a checkpoint now and then. */
function recipe(): RecipeInput {
  return tinyRecipe({ rounds: { count: ROUNDS, localSteps: 300, quorum: 3, deadlineSeconds: 900 } });
}
