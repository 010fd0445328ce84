import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { consortiumForSuite } from '../support/consortium-suite.js';
import { tinyRecipe } from '../support/tiny-recipe.js';
import { eventually } from '../support/processes.js';

const consortium = consortiumForSuite();

/** Waits until `siteId` trains in round `n` or a later one. */
function training(runId: string, siteId: string, n: number): Promise<true> {
  return eventually(`${siteId} trains in round ${n}`, async () => {
    const view = await consortium().run(runId);
    const stage = view.assignments.find((assignment) => assignment.siteId === siteId)?.state;
    return view.currentRound !== null && view.currentRound.n >= n && (stage === 'accepted' || stage === 'training')
      ? true
      : undefined;
  });
}

describe('a run whose processes are killed', () => {
  let undisturbed = '';

  it('gives the same weights for the same seed, twice', async () => {
    const first = await consortium().completed(await consortium().createRun(tinyRecipe()));
    const second = await consortium().completed(await consortium().createRun(tinyRecipe()));
    undisturbed = first.weights.sha256;
    expect(second.weights.sha256).toBe(undisturbed);
    expect(second.ema.sha256).toBe(first.ema.sha256);
  }, 240_000);

  it('ends with the weights of an undisturbed run after SIGKILL of a trainer, an agent and the coordinator mid-round', async () => {
    const runId = await consortium().createRun(tinyRecipe());
    await training(runId, 'site-a', 2);
    const trainer = await eventually('site-a has a trainer', () => consortium().trainerOf('site-a'));
    process.kill(trainer, 'SIGKILL');
    await training(runId, 'site-b', 3);
    await consortium().kill('site-b');
    consortium().startAgent('site-b');
    await training(runId, 'site-c', 4);
    await consortium().kill('coordinator');
    await consortium().startCoordinator();

    const last = await consortium().completed(runId);
    expect(last.weights.sha256).toBe(undisturbed);
    const { events } = await consortium().events(runId);
    const published = events.filter((event) => event.kind === 'round.published').map((event) => event.round);
    expect(published.filter((round, index) => published.indexOf(round) !== index)).toEqual([]);
  }, 240_000);

  it('goes on without a site that never comes back, at the quorum and the deadline', async () => {
    const runId = await consortium().createRun(tinyRecipe({ rounds: { quorum: 2, deadlineSeconds: 6, count: 3 } }));
    await training(runId, 'site-c', 1);
    await consortium().kill('site-c');
    await consortium().completed(runId);
    consortium().startAgent('site-c');
    const { events } = await consortium().events(runId);
    expect(events.filter((event) => event.kind === 'round.published').length).toBeGreaterThanOrEqual(3);
  }, 240_000);

  it('logs no patient id, name or path of a site', () => {
    const logged = consortium().everythingLogged();
    expect(logged).not.toBe('');
    expect(logged).not.toContain(join(consortium().directory, 'hospital'));
    expect(logged).not.toMatch(/\.(dcm|nii|nii\.gz)\b/);
    for (const id of consortium().patientIds()) expect(logged).not.toContain(id);
    expect(logged).not.toMatch(/phantom\^/i);
  });
});
