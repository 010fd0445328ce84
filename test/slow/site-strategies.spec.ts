import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { RecipeInput } from '@tributary/protocol';
import { consortiumForSuite } from '../support/consortium-suite.js';
import { tinyRecipe } from '../support/tiny-recipe.js';
import { eventually } from '../support/processes.js';

const consortium = consortiumForSuite();

/** Everything at once that a strategy may keep at a site: control variates, own norms, what a code has lost. */
function recipe(): RecipeInput {
  return {
    ...tinyRecipe({ rounds: { count: 4 } }),
    strategy: { kind: 'scaffold' },
    federation: { exchange: 'usplit', localParameters: ['norms'], compression: { kind: 'int8' } },
  };
}

function ownModel(siteId: string, runId: string): string {
  return join(consortium().siteDir(siteId), 'runs', runId, 'own-model.safetensors');
}

async function reaches(runId: string, round: number): Promise<void> {
  await eventually(`round ${round}`, async () =>
    (await consortium().run(runId)).roundsDone >= round - 1 ? true : undefined,
  );
}

describe('a strategy with a part at the sites, over real processes', () => {
  let undisturbed = '';

  it('sends control variates and halves of the network in eight bits, and keeps norms at the sites', async () => {
    const runId = await consortium().createRun(recipe());
    undisturbed = (await consortium().completed(runId)).weights.sha256;
    const { events } = await consortium().events(runId);
    const rounds = events.filter(({ kind }) => kind === 'round.published');
    expect(rounds.length).toBe(4);
    for (const { detail } of rounds) {
      // Eight bits and a scale are 3.9 times smaller than float32, and a part of the network smaller still.
      expect(Number(detail['plainBytesUp']) / Number(detail['bytesUp'])).toBeGreaterThan(4);
    }
    const models = consortium().siteIds.map((siteId) => readFileSync(ownModel(siteId, runId)).toString('base64'));
    expect(new Set(models).size).toBe(consortium().siteIds.length);
  }, 240_000);

  it('ends with the same weights after SIGKILL of a trainer, an agent and the coordinator', async () => {
    const runId = await consortium().createRun(recipe());
    await reaches(runId, 2);
    process.kill(await eventually('site-a has a trainer', () => consortium().trainerOf('site-a')), 'SIGKILL');
    await reaches(runId, 3);
    await consortium().kill('site-b');
    consortium().startAgent('site-b');
    await consortium().kill('coordinator');
    await consortium().startCoordinator();
    expect((await consortium().completed(runId)).weights.sha256).toBe(undisturbed);
    expect(existsSync(ownModel('site-b', runId))).toBe(true);
  }, 240_000);
});

describe('FedSGD over real processes', () => {
  const fedsgd = (): RecipeInput => ({
    ...tinyRecipe({ rounds: { count: 5, localSteps: 1 } }),
    strategy: { kind: 'fedsgd' },
    federation: { compression: { kind: 'fp16' } },
  });

  it("goes on with the moments of the coordinator's AdamW after SIGKILL of the coordinator", async () => {
    const calm = await consortium().createRun(fedsgd());
    const undisturbed = (await consortium().completed(calm)).weights.sha256;
    const runId = await consortium().createRun(fedsgd());
    await reaches(runId, 3);
    await consortium().kill('coordinator');
    await consortium().startCoordinator();
    expect((await consortium().completed(runId)).weights.sha256).toBe(undisturbed);
  }, 240_000);
});
