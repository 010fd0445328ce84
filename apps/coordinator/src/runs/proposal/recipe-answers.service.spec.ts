import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TributaryError, recordRecipe, type RecipeAnswer } from '@tributary/protocol';
import { buildRecipe } from '../../../../../test/factories/recipe.js';
import { AuditRepository } from '../../audit/audit.repository.js';
import { AuditService } from '../../audit/audit.service.js';
import { SiteRepository } from '../../identity/site.repository.js';
import { SitesService } from '../../identity/sites.service.js';
import { SystemClock } from '../../platform/clock/clock.js';
import { Database } from '../../platform/database/database.js';
import { openPGlite } from '../../platform/database/pglite-backend.js';
import { SiteHints } from '../../platform/hints/site-hints.js';
import { RecipeAnswerRepository } from './recipe-answer.repository.js';
import { RecipeAnswersService } from './recipe-answers.service.js';
import { RunChanges } from '../run-change.js';
import { RunEventRepository } from '../run-event.repository.js';
import { RunNotices } from '../run-notices.js';
import { RunRepository } from '../run.repository.js';

const RUN_ID = 'run-00000001';
const recipe = buildRecipe();
const recorded = recordRecipe(recipe);
const HASH = recorded.recipeSha256;
const folder = mkdtempSync(join(tmpdir(), 'tributary-recipe-answers-'));
const database = new Database(await openPGlite(join(folder, 'database')));
const clock = new SystemClock();
const audit = new AuditService(database, new AuditRepository(), clock);
const rows = new RecipeAnswerRepository();
const sites = new SitesService(database, new SiteRepository(), audit, new SiteHints(), clock, { id: 'here' });
const runs = new RunRepository();
const changes = new RunChanges(database, runs, new RunEventRepository(), new RunNotices(), clock);
const service = new RecipeAnswersService(rows, sites, changes, audit);

beforeAll(async () => {
  const { db } = database;
  const study = { id: 'study', title: 'Brains', modality: 'MR', classes: recipe.classes };
  await db.study.create({ data: { ...study, scarceClasses: [], imageSizePx: 16, imageChannels: 1 } });
  for (const id of ['site-a', 'site-b', 'site-c']) {
    await db.site.create({ data: { id, publicKey: id, fingerprint: id, state: 'approved' } });
    await db.membership.create({ data: { studyId: study.id, siteId: id } });
  }
  const run = { id: RUN_ID, studyId: study.id, name: recipe.name, approvalDeadlineAt: clock.now() };
  await runs.create(db, run, recorded);
  await changes.change(RUN_ID, (change) => Promise.resolve(change.move('propose')));
});
afterAll(async () => {
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Answers at the same time; what each was told: `done`, or the code of its refusal. */
async function answer(...said: [siteId: string, patch: Partial<RecipeAnswer>][]): Promise<string[]> {
  const approval = { runId: RUN_ID, recipeSha256: HASH, decision: 'approve' } as const;
  const settled = await Promise.allSettled(
    said.map(([siteId, patch]) => service.answer(siteId, { ...approval, ...patch })),
  );
  return settled.map((each) => {
    if (each.status === 'fulfilled') return 'done';
    return each.reason instanceof TributaryError ? each.reason.code : String(each.reason);
  });
}

async function kept(): Promise<[string, boolean][]> {
  const answers = await rows.list(database.db, RUN_ID);
  return answers.map(({ siteId, approved }): [string, boolean] => [siteId, approved]).sort();
}

describe('what sites say to a recipe at the same time', () => {
  it('is kept of members that mean this recipe, and refused to the others alone', async () => {
    const told = await answer(
      ['site-a', {}],
      ['site-x', {}],
      ['site-b', { recipeSha256: 'b'.repeat(64) }],
      ['site-c', { decision: 'decline', reason: 'no' }],
    );
    expect(told).toEqual(['done', 'NOT_FOUND', 'RECIPE_NOT_APPROVED', 'done']);
    expect(await kept()).toEqual([
      ['site-a', true],
      ['site-c', false],
    ]);
  });

  it('is told and audited once, whenever it changes: the last word of a site counts', async () => {
    const before = (await audit.verify()).entries;
    const told = await answer(['site-a', {}], ['site-c', {}], ['site-b', { decision: 'decline' }], ['site-b', {}]);
    expect(told).toEqual(['done', 'done', 'done', 'done']);
    expect(await kept()).toEqual([
      ['site-a', true],
      ['site-b', true],
      ['site-c', true],
    ]);
    const entries = await audit.list(before, 10);
    expect(entries.map(({ actor, action }) => [actor, action]).sort()).toEqual([
      ['site-b', 'recipe.approved'],
      ['site-c', 'recipe.approved'],
    ]);
    expect((await audit.verify()).ok).toBe(true);
  });
});
