import { openFileBytes } from '@tributary/federation/vectors/byte-source';
import { TributaryError } from '@tributary/protocol/errors';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openWeightsFile } from '../folder/weights-file.js';

const DOUBLE_BYTES = Float64Array.BYTES_PER_ELEMENT;
/** Numbers that are read at once. */
const WINDOW = 1 << 18;

/**
 * Σ weight · part in float64, in files of a folder: it goes on after a crash, with little memory.
 * `NAME-N.sum` holds the first N summands.
 */
export class RunningSum {
  private constructor(
    private readonly place: { readonly folder: string; readonly name: string },
    private summands: number,
  ) {}

  /** @param place.name Stands for all summands, their weights and their order. */
  static async open(place: { readonly folder: string; readonly name: string }): Promise<RunningSum> {
    const sums = (await readdir(place.folder)).flatMap((file) => {
      const [, name, count] = /^(.+)-(\d+)\.sum$/.exec(file) ?? [];
      return name === place.name ? [Number(count)] : [];
    });
    return new RunningSum(place, Math.max(0, ...sums));
  }

  /** Summands that are in it. */
  get count(): number {
    return this.summands;
  }

  /** Adds weight · the file's numbers. @throws TributaryError MODEL_VERIFY_FAILED for a file of another length. */
  async add(weightsPath: string, weight: number): Promise<void> {
    const next = this.path(this.summands + 1);
    const part = await openWeightsFile(weightsPath);
    const before = this.summands === 0 ? undefined : await openFileBytes(this.path(this.summands));
    const file = await open(`${next}.part`, 'w');
    try {
      let position = 0;
      for await (const piece of part.pieces()) {
        const sum = new Float64Array(piece.length);
        await before?.read(position, new Uint8Array(sum.buffer));
        for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + weight * (piece[i] ?? 0);
        await file.writeFile(new Uint8Array(sum.buffer));
        position += sum.byteLength;
      }
      if (before !== undefined && before.sizeBytes !== position)
        throw new TributaryError('MODEL_VERIFY_FAILED', { detail: 'the averages are not of one network' });
      await file.datasync();
    } finally {
      await Promise.all([file.close(), part.close(), before?.close()]);
    }
    await rename(`${next}.part`, next);
    await rm(this.path(this.summands), { force: true });
    this.summands += 1;
  }

  /** The sum in float32, piece after piece. */
  async *values(): AsyncGenerator<Float32Array> {
    const bytes = await openFileBytes(this.path(this.summands));
    try {
      for (let position = 0; position < bytes.sizeBytes; position += WINDOW * DOUBLE_BYTES) {
        const sum = new Float64Array(Math.min(WINDOW, (bytes.sizeBytes - position) / DOUBLE_BYTES));
        await bytes.read(position, new Uint8Array(sum.buffer));
        yield Float32Array.from(sum);
      }
    } finally {
      await bytes.close();
    }
  }

  private path(count: number): string {
    return join(this.place.folder, `${this.place.name}-${count}.sum`);
  }
}
