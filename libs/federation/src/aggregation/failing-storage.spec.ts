import { readdirSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, it, jest } from '@jest/globals';
import { TributaryError } from '@tributary/protocol/errors';
import { FloatFileSink } from '../vectors/float-file-sink.js';
import { VectorFolder } from '../vectors/vector-files.spec-support.js';
import { aggregateRound } from './aggregate-round.js';

const folder = new VectorFolder();
afterAll(() => folder.remove());
afterEach(() => void jest.restoreAllMocks());

describe('aggregateRound on storage that fails', () => {
  it('reports a disk that is full after some windows, and leaves nothing behind', async () => {
    const manifest = [{ name: 'w', shape: [50_000] }];
    const values = Float32Array.from({ length: 50_000 }, (_, i) => Math.cos(i));
    const update = { siteId: 's1', images: 1, path: folder.write('update', manifest, values) };
    const globalPath = folder.write('global', manifest, values);
    const before = readdirSync(folder.path);
    let writes = 0;
    jest.spyOn(FloatFileSink.prototype, 'write').mockImplementation(() => {
      writes++;
      return writes === 3 ? Promise.reject(new TributaryError('DISK_FULL')) : Promise.resolve();
    });
    const aggregating = aggregateRound({
      strategy: { kind: 'fedavg' },
      siteCount: 1,
      manifest,
      updates: [update],
      globalPath,
      out: { weightsPath: folder.file('next') },
      windowBytes: 1,
    });
    await expect(aggregating).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(writes).toBeLessThanOrEqual(4);
    expect(readdirSync(folder.path)).toEqual(before);
  });
});
