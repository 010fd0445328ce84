import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TributaryError, recordRecipe, toProblem, type Recipe } from '@tributary/protocol';
import { strategySchema } from '@tributary/protocol/strategy';
import { buildRecipe } from '../../../../../test/factories/recipe.js';
import { AuditRepository } from '../../audit/audit.repository.js';
import { AuditService } from '../../audit/audit.service.js';
import { FolderBlobStore } from '../../platform/blobs/folder-blob-store.js';
import { SystemClock } from '../../platform/clock/clock.js';
import { Database } from '../../platform/database/database.js';
import { openPGlite } from '../../platform/database/pglite-backend.js';
import { SiteHints } from '../../platform/hints/site-hints.js';
import { Metrics } from '../../platform/metrics/metrics.js';
import { BlobReferences } from '../../storage/blob-references.service.js';
import { AssignmentAnswersService } from './assignment-answers.service.js';
import { AssignmentRepository } from './assignment.repository.js';
import { AssignmentsService, type CheckedUpload } from './assignments.service.js';
import { RoundRepository } from '../rounds/round.repository.js';
import { RoundsService } from '../rounds/rounds.service.js';
import { RunChanges } from '../run-change.js';
import { RunEventRepository } from '../run-event.repository.js';
import { RunNotices } from '../run-notices.js';
import { RunRepository } from '../run.repository.js';

const RECIPE = buildRecipe({ count: 2, quorum: 3 });
const SITES = ['site-a', 'site-b', 'site-c', 'site-d'];
const folder = mkdtempSync(join(tmpdir(), 'tributary-answers-'));
const database = new Database(await openPGlite(join(folder, 'database')));
const blobs = await FolderBlobStore.open(join(folder, 'blobs'));
const clock = new SystemClock();
const rows = new AssignmentRepository();
const audit = new AuditService(database, new AuditRepository(), clock);
let notices: RunNotices;
let service: AssignmentsService;
let runId = '';
let made = 0;

beforeEach(async () => {
  runId = `run-0000000${++made}`;
  notices = new RunNotices();
  const [runs, rounds] = [new RunRepository(), new RoundRepository()];
  const changes = new RunChanges(database, runs, new RunEventRepository(), notices, clock);
  const roundChanges = new RoundsService(rounds, rows, new SiteHints(), audit, new Metrics());
  const references = new BlobReferences(blobs);
  const answers = new AssignmentAnswersService(rows, rounds, roundChanges, changes, references, audit);
  service = new AssignmentsService(database, rows, rounds, runs, answers);
  await openRound();
});
afterAll(async () => {
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

function columnsOf(recipe: Recipe) {
  return { recipe: { ...recipe }, recipeSha256: recordRecipe(recipe).recipeSha256 };
}

/** A running run with one round that is offered to all sites, of which three have to answer. */
async function openRound(): Promise<void> {
  const { db } = database;
  const study = { id: `study-${made}`, title: 'Brains', modality: 'MR', classes: RECIPE.classes };
  await db.study.create({ data: { ...study, scarceClasses: [], imageSizePx: 16, imageChannels: 1 } });
  const run = { id: runId, studyId: study.id, name: 'crowd', sites: SITES };
  const [now, deadlineAt] = [new Date(), new Date(Date.now() + 60_000)];
  await db.run.create({
    data: {
      ...run,
      ...columnsOf(RECIPE),
      state: 'running',
      manifest: [{ name: 'w', shape: [1] }],
      approvalDeadlineAt: now,
      startedAt: now,
    },
  });
  const roundId = `${runId}-r1-a0`;
  await db.round.create({ data: { id: roundId, runId, n: 1, attempt: 0, kind: 'train', deadlineAt } });
  const part = { runId, roundId, baseVersion: 0, deadlineAt, stageSince: now };
  await rows.create(
    db,
    SITES.map((siteId) => ({ ...part, id: idOf(siteId), siteId })),
  );
}

function idOf(siteId: string): string {
  return `${runId}-r1-a0-${siteId}`;
}

/** An update whose file is a blob, unless `isLost`. */
async function updateOf(siteId: string, content: string, isLost = false): Promise<CheckedUpload> {
  const sha256 = createHash('sha256').update(content).digest('hex');
  if (!isLost) {
    writeFileSync(blobs.stagingPath(content), content);
    await blobs.adopt(blobs.stagingPath(content), sha256);
  }
  const engine = { name: 'onnx', device: 'cpu', threads: 1 };
  const report = {
    kind: 'train',
    images: 7,
    steps: 1,
    loss: 0.1,
    trainSeconds: 1,
    imagesPerSecond: 1,
    engine,
  } as const;
  return { assignmentId: idOf(siteId), siteId, sha256, sizeBytes: content.length, report };
}

/** What each was told: `done`, or the code of its refusal. */
async function told(answers: readonly Promise<void>[]): Promise<string[]> {
  const settled = await Promise.allSettled(answers);
  return settled.map((each) => {
    if (each.status === 'fulfilled') return 'done';
    return each.reason instanceof TributaryError ? each.reason.code : String(each.reason);
  });
}

async function states(): Promise<Record<string, string>> {
  const found = await rows.findAll(database.db, SITES.map(idOf));
  return Object.fromEntries([...found.values()].map(({ siteId, state }) => [siteId, state]));
}

function accept(siteId: string, assignmentId = idOf(siteId)): Promise<void> {
  return service.answer(siteId, { assignmentId, decision: 'accept' });
}

describe('what sites say of their assignments at the same time', () => {
  it('is one transaction, and each site gets its own result or refusal', async () => {
    let commits = 0;
    notices.on('changed', () => (commits += 1));
    const answers = [
      accept('site-a'),
      accept('site-b', idOf('site-a')),
      accept('site-b'),
      accept('site-x', idOf('site-x')),
      service.answer('site-c', { assignmentId: idOf('site-c'), decision: 'decline', code: 'POLICY_DECLINED' }),
      accept('site-c'),
    ];
    const expected = ['done', 'ASSIGNMENT_NOT_YOURS', 'done', 'NOT_FOUND', 'done', 'done'];
    expect(await told(answers)).toEqual(expected);
    expect(commits).toBe(1);
    const state = { 'site-a': 'accepted', 'site-b': 'accepted', 'site-c': 'declined', 'site-d': 'offered' };
    expect(await states()).toEqual(state);
    const events = await database.db.runEvent.findMany({ where: { runId }, orderBy: { seq: 'asc' } });
    expect(events.map(({ seq, siteId, round }) => [seq, siteId, round])).toEqual([
      [1, 'site-a', 1],
      [2, 'site-b', 1],
      [3, 'site-c', 1],
    ]);
    expect(await database.db.round.findMany({ where: { runId }, select: { state: true } })).toEqual([
      { state: 'collecting' },
    ]);
  });

  it('counts what is good, whatever else came with it, and the first of two', async () => {
    const good = await updateOf('site-a', `good ${made}`);
    const other = await updateOf('site-a', `other ${made}`);
    const lost = await updateOf('site-b', `lost ${made}`, true);
    const answers = [good, other, good, lost].map((upload) => service.receive(upload));
    expect(await told(answers)).toEqual(['done', 'UPDATE_CONFLICT', 'done', 'ROUND_STALE_TRANSITION']);
    const kept = await rows.findAll(database.db, [idOf('site-a'), idOf('site-b')]);
    const { sha256, sizeBytes, report } = good;
    const counted = { state: 'received', updateSha256: sha256, bytes: sizeBytes, images: 7, loss: 0.1, report };
    expect(kept.get(idOf('site-a'))).toMatchObject(counted);
    expect(kept.get(idOf('site-b'))).toMatchObject({ state: 'offered', updateSha256: null });
  });

  it('closes the round with the last that is awaited', async () => {
    const woken: boolean[] = [];
    notices.on('changed', (_, wakesDriver) => woken.push(wakesDriver));
    const uploads = await Promise.all(SITES.slice(0, 3).map((siteId) => updateOf(siteId, `${siteId} ${made}`)));
    await Promise.all(uploads.map((upload) => service.receive(upload)));
    expect(woken).toEqual([false]);
    const problem = toProblem(new TributaryError('INTERNAL'));
    await service.fail('site-d', { assignmentId: idOf('site-d'), problem });
    expect(woken).toEqual([false, true]);
    expect((await database.db.round.findFirst({ where: { runId } }))?.state).toBe('aggregating');
    expect(await told([accept('site-d'), service.receive(await updateOf('site-d', `late ${made}`))])).toEqual([
      'done',
      'ASSIGNMENT_CLOSED',
    ]);
  });

  it('fills the buffer of an asynchronous run with as many updates as it holds, and the next one with the rest', async () => {
    const strategy = strategySchema.parse({ kind: 'fedbuff', bufferSize: 2 });
    await database.db.run.update({ where: { id: runId }, data: columnsOf({ ...RECIPE, strategy }) });
    const uploads = await Promise.all(SITES.slice(0, 3).map((siteId) => updateOf(siteId, `${siteId} ${made}`)));
    await Promise.all(uploads.map((upload) => service.receive(upload)));
    const rounds = await database.db.round.findMany({
      where: { runId },
      orderBy: { n: 'asc' },
      select: { state: true, assignments: { where: { state: 'received' }, select: { siteId: true } } },
    });
    expect(rounds).toEqual([
      { state: 'aggregating', assignments: [{ siteId: 'site-a' }, { siteId: 'site-b' }] },
      { state: 'offered', assignments: [{ siteId: 'site-c' }] },
    ]);
  });

  it('puts every refused update into the audit log, in their order, and the chain holds', async () => {
    const before = (await audit.verify()).entries;
    const notFinite = new TributaryError('UPDATE_NOT_FINITE');
    await Promise.all(SITES.map((siteId) => service.refuse(siteId, idOf(siteId), notFinite)));
    expect(await audit.verify()).toMatchObject({ ok: true, entries: before + SITES.length });
    const entries = await audit.list(before, SITES.length);
    expect(entries.map(({ actor, action }) => [actor, action])).toEqual(
      SITES.map((siteId) => [siteId, 'update.refused']),
    );
    expect(Object.values(await states())).toEqual(SITES.map(() => 'failed'));
  });
});

describe('how far sites are', () => {
  const at = new Date('2026-03-01T12:00:00Z');
  const later = new Date('2026-03-01T12:00:05Z');
  const training = (siteId: string) =>
    ({ assignmentId: idOf(siteId), siteId, stage: 'training', done: 1, total: 4 }) as const;
  const progressOf = async (siteId: string) => (await rows.findAll(database.db, [idOf(siteId)])).get(idOf(siteId));

  it('is kept of those that work, in one statement, with the beginning of their stage', async () => {
    await Promise.all([accept('site-a'), accept('site-b')]);
    const state = 'training';
    const said = SITES.map((siteId) => ({ ...training(siteId), state, at, loss: 0.5, imagesPerSecond: 8 }) as const);
    await rows.progressAll(database.db, said);
    const kept = { stage: 'training', state, done: 1, total: 4, loss: 0.5, imagesPerSecond: 8, stageSince: at };
    expect(await progressOf('site-a')).toMatchObject(kept);
    expect(await progressOf('site-b')).toMatchObject(kept);
    expect(await progressOf('site-c')).toMatchObject({ state: 'offered', stage: null, done: null });
    await rows.progressAll(database.db, [
      { ...training('site-a'), done: 3, state, at: later },
      { ...training('site-b'), stage: 'uploading', state: 'uploading', at: later },
    ]);
    expect(await progressOf('site-a')).toMatchObject({ ...kept, done: 3, updatedAt: later });
    const uploading = { stage: 'uploading', state: 'uploading', stageSince: later, imagesPerSecond: null, loss: 0.5 };
    expect(await progressOf('site-b')).toMatchObject(uploading);
  });

  it('is not taken from a site that it is not of', async () => {
    await accept('site-a');
    await rows.progressAll(database.db, [{ ...training('site-a'), siteId: 'site-b', state: 'training', at }]);
    expect(await progressOf('site-a')).toMatchObject({ state: 'accepted', stage: null });
  });
});
