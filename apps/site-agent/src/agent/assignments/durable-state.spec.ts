import { appendFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { assignmentId, type AssignmentOffer } from '@tributary/protocol';
import { AssignmentStore } from './assignment-store.js';
import { Ledger, type LedgerEntry } from './ledger.js';

const runId = 'run-12345678';
const hash = 'ab'.repeat(32);

function offer(round: number): AssignmentOffer {
  return {
    kind: 'train',
    assignmentId: assignmentId({ runId, round, attempt: 0, siteId: 'site-a' }),
    runId,
    recipeSha256: hash,
    round,
    attempt: 0,
    countedRound: 0,
    deadlineAt: '2026-11-22T12:00:00.000Z',
    sites: ['site-a'],
    weights: { sha256: hash, sizeBytes: 10 },
  };
}

describe('what an agent keeps', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'state-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  describe('AssignmentStore', () => {
    it('finds in a new process what was saved in the one before', async () => {
      await new AssignmentStore(folder).save({ offer: offer(1), state: 'accepted' });
      const record = await new AssignmentStore(folder).find(offer(1));
      expect(record).toMatchObject({ state: 'accepted', offer: offer(1) });
      expect(await new AssignmentStore(folder).find(offer(2))).toBeUndefined();
    });

    it('keeps the last whole state when a process died while it wrote the next', async () => {
      const store = new AssignmentStore(folder);
      await store.save({ offer: offer(1), state: 'accepted' });
      await writeFile(join(store.folder(offer(1)), 'state.json.99.1.tmp'), '{"offer":');
      expect(await new AssignmentStore(folder).find(offer(1))).toMatchObject({ state: 'accepted' });
    });

    it('lists rounds in their order, also beyond nine', async () => {
      const store = new AssignmentStore(folder);
      for (const round of [2, 10, 1]) await store.save({ offer: offer(round), state: 'received' });
      expect((await store.list(runId)).map((record) => record.offer.round)).toEqual([1, 2, 10]);
    });

    it('prunes settled assignments but the last few, and none that is in work', async () => {
      const store = new AssignmentStore(folder);
      await store.save({ offer: offer(1), state: 'accepted' });
      for (const round of [2, 3, 4, 5, 6]) await store.save({ offer: offer(round), state: 'received' });
      await store.prune(runId, 2);
      expect((await readdir(join(folder, runId))).sort()).toEqual([1, 5, 6].map((round) => offer(round).assignmentId));
      expect(await store.find(offer(3))).toBeUndefined();
    });
  });

  it('removes at the end of a run what only its trainer needed', async () => {
    const store = new AssignmentStore(folder);
    await store.save({ offer: offer(1), state: 'received' });
    for (const name of ['run.json', 'own-model.safetensors', 'site-1.safetensors', '.site-2.safetensors.77.partial']) {
      await writeFile(join(folder, runId, name), '');
    }
    await store.clear(runId);
    const kept = [offer(1).assignmentId, 'own-model.safetensors', 'run.json'];
    expect((await readdir(join(folder, runId))).sort()).toEqual(kept.sort());
    await store.clear('run-00000000');
  });

  describe('Ledger', () => {
    const entry = (round: number): LedgerEntry => ({
      at: '2026-11-22T10:00:00.000Z',
      runId,
      assignmentId: offer(round).assignmentId,
      round,
      kind: 'train',
      images: 76,
      steps: 8,
      sha256: hash,
      sizeBytes: 1000,
    });

    it('notes a result once, however often its upload is resumed', async () => {
      const path = join(folder, 'ledger.ndjson');
      await new Ledger(path).record(entry(1));
      await new Ledger(path).record(entry(1));
      await new Ledger(path).record(entry(2));
      expect(await new Ledger(path).entries()).toEqual([entry(1), entry(2)]);
    });

    it('loses nothing to a line that a crash tore', async () => {
      const path = join(folder, 'ledger.ndjson');
      await new Ledger(path).record(entry(1));
      await appendFile(path, JSON.stringify(entry(2)).slice(0, 40));
      const ledger = new Ledger(path);
      await ledger.record(entry(2));
      await ledger.record(entry(3));
      expect(await new Ledger(path).entries()).toEqual([entry(1), entry(2), entry(3)]);
    });

    it('is empty before anything was sent', async () => {
      expect(await new Ledger(join(folder, 'none')).entries()).toEqual([]);
    });
  });
});
