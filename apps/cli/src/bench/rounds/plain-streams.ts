import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const CHUNK_BYTES = 1024 * 1024;

export interface PlainStreamsOptions {
  readonly bytes: number;
  readonly sites: number;
  /** Files of that size that the round writes besides the updates. */
  readonly outputs: number;
  /** Where files may be made: sites + 3 times the bytes. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/**
 * What `cat` would take for the bytes of a round: the global weights are copied once a site, the copies are read, and the
 * outputs are written, all made durable. No network, no hash, no arithmetic.
 *
 * @returns Seconds.
 */
export async function plainStreamSeconds({
  bytes,
  sites,
  outputs: outputCount,
  directory,
  signal,
}: PlainStreamsOptions): Promise<number> {
  const folder = await mkdtemp(join(directory, 'tributary-bench-'));
  try {
    const source = join(folder, 'global');
    await writeNumbers(source, bytes);
    const updates = Array.from({ length: sites }, (_, site) => join(folder, `update-${site}`));
    const outputs = Array.from({ length: outputCount }, (_, output) => join(folder, `output-${output}`));
    const startedAtMs = performance.now();
    for (const update of updates) await copyDurably(source, update, signal);
    for (const update of updates)
      await pipeline(createReadStream(update, { highWaterMark: CHUNK_BYTES }), nowhere(), { signal });
    for (const output of outputs) await copyDurably(source, output, signal);
    return (performance.now() - startedAtMs) / 1000;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function copyDurably(from: string, to: string, signal: AbortSignal): Promise<void> {
  const reading = createReadStream(from, { highWaterMark: CHUNK_BYTES });
  await pipeline(reading, createWriteStream(to, { highWaterMark: CHUNK_BYTES, flush: true }), { signal });
}

async function writeNumbers(path: string, bytes: number): Promise<void> {
  const chunk = Buffer.from(Float32Array.from({ length: CHUNK_BYTES / 4 }, (_, i) => Math.sin(i)).buffer);
  const file = await open(path, 'w');
  try {
    for (let left = bytes; left > 0; left -= chunk.length) await file.write(chunk, 0, Math.min(left, chunk.length));
    await file.sync();
  } finally {
    await file.close();
  }
}

function nowhere(): Writable {
  return new Writable({ highWaterMark: CHUNK_BYTES, write: (_chunk, _encoding, done) => done() });
}
