import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordRecipe } from '@tributary/protocol';
import { buildRecipe } from '../../../../test/factories/recipe.js';
import { SystemClock } from '../platform/clock/clock.js';
import { Database, type Db } from '../platform/database/database.js';
import { openPGlite } from '../platform/database/pglite-backend.js';
import { RunChanges } from './run-change.js';
import { RunEventRepository } from './run-event.repository.js';
import { RunNotices } from './run-notices.js';
import { RunRepository } from './run.repository.js';

const folder = mkdtempSync(join(tmpdir(), 'tributary-run-change-'));
const database = new Database(await openPGlite(join(folder, 'database')));
const events = new RunEventRepository();
let runs: RunRepository;
let changes: RunChanges;
let notices: RunNotices;
let runId = '';
let made = 0;

beforeEach(async () => {
  runId = `run-0000000${++made}`;
  runs = new RunRepository();
  notices = new RunNotices();
  changes = new RunChanges(database, runs, events, notices, new SystemClock());
  const recipe = buildRecipe();
  const study = { id: `study-${made}`, title: 'Brains', modality: 'MR', classes: recipe.classes };
  await database.db.study.create({ data: { ...study, scarceClasses: [], imageSizePx: 16, imageChannels: 1 } });
  await create(database.db, runId);
});
afterAll(async () => {
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

function create(db: Db, id: string): Promise<void> {
  const recipe = buildRecipe();
  const run = { id, studyId: `study-${made}`, name: recipe.name, approvalDeadlineAt: new Date() };
  return runs.create(db, run, recordRecipe(recipe));
}

/** One event that tells who made it. */
function say(name: string): Promise<string> {
  return changes.change(runId, (change) => {
    change.record({ kind: 'recipe.answered', detail: { name } });
    return Promise.resolve(name);
  });
}

async function told(): Promise<[number, unknown][]> {
  return (await events.list(database.db, runId, 0)).map(({ seq, detail }) => [seq, detail['name']]);
}

describe('changes of one run that come together', () => {
  it('are all made, one after the other, each with its own answer', async () => {
    const names = Array.from({ length: 100 }, (_, index) => `site-${index}`);
    expect(await Promise.all(names.map(say))).toEqual(names);
    const events = await told();
    expect(events.map(([seq]) => seq)).toEqual(names.map((_, index) => index + 1));
    expect(new Set(events.map(([, name]) => name))).toEqual(new Set(names));
  });

  it('do not fail with one of them, which alone leaves nothing', async () => {
    const broken = changes.change(runId, async (change) => {
      change.record({ kind: 'recipe.answered', detail: { name: 'broken' } });
      await change.db.run.update({ where: { id: runId }, data: { name: 'broken' } });
      throw new RangeError('no');
    });
    const [first, , last] = await Promise.allSettled([say('first'), broken, say('last')]);
    expect([first, last].map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    await expect(broken).rejects.toThrow('no');
    expect(await told()).toEqual([
      [1, 'first'],
      [2, 'last'],
    ]);
    expect((await runs.find(database.db, runId))?.name).toBe('tiny');
  });

  it('are made with the run that is written before them, or neither is', async () => {
    const newId = `run-1000000${made}`;
    const first = (fails: boolean) =>
      changes.change(
        newId,
        (change) => (fails ? Promise.reject(new RangeError('no')) : Promise.resolve(change.move('propose'))),
        (db) => create(db, newId),
      );
    await expect(first(true)).rejects.toThrow('no');
    expect(await runs.find(database.db, newId)).toBeNull();
    await first(false);
    expect((await runs.find(database.db, newId))?.state).toBe('approving');
  });

  it('wake the driver, unless there is nothing to do about them', async () => {
    const woken: boolean[] = [];
    notices.on('changed', (_, wakesDriver) => woken.push(wakesDriver));
    await changes.change(runId, (change) => {
      change.wakesDriver = false;
      change.record({ kind: 'recipe.answered', detail: {} });
      return Promise.resolve();
    });
    await say('loud');
    expect(woken).toEqual([false, true]);
  });
});
