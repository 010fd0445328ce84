import { join } from 'node:path';
import {
  codecOf,
  compressedHeader,
  compressWithFeedback,
  packParameters,
  unpackParameters,
  type UpdateLayout,
  type WindowCodec,
} from '@tributary/federation';
import { RESULT_FILE, type RunFile } from '@tributary/protocol';
import type { ParameterEntry } from '@tributary/protocol/manifest';
import { concatenated } from '@tributary/layers/parameters/concatenated';
import { randomStream } from '@tributary/random';
import { writeParameterFile } from '@tributary/safetensors';
import { writeResult, type WrittenResult } from './task-result.js';

export interface UpdateToWrite {
  readonly folder: string;
  readonly round: number;
  readonly run: RunFile;
  readonly layout: UpdateLayout;
  /** Of the whole model. */
  readonly manifest: readonly ParameterEntry[];
  /** In the order of the layout's vectors, each of the whole model. */
  readonly vectors: readonly Float32Array[];
  /** What earlier codes lost, one vector after the other, each of the whole model; absent before the first. */
  readonly residual: Float32Array | undefined;
}

export interface WrittenUpdate {
  readonly written: WrittenResult;
  /** What the codes have lost now; absent without compression. */
  readonly residual?: Float32Array;
}

/** Writes what travels of an update as the recipe has it: all parameters or some, plain or compressed. */
export async function writeUpdate(update: UpdateToWrite): Promise<WrittenUpdate> {
  const { folder, layout, vectors } = update;
  const codec = codecOf(layout.compression);
  if (codec !== undefined) return writeCompressed(update, codec);
  const flat = concatenated(vectors.map((vector) => packParameters(vector, update.manifest, layout.parameters)));
  return { written: await writeParameterFile(join(folder, RESULT_FILE), { manifest: [...layout.manifest], flat }) };
}

/** Stochastic rounding is drawn from the run's seed, so the same update gives the same bytes. */
async function writeCompressed(update: UpdateToWrite, codec: WindowCodec): Promise<Required<WrittenUpdate>> {
  const { folder, round, run, layout, manifest, vectors } = update;
  const { parameters } = layout;
  const residual =
    update.residual?.slice() ?? new Float32Array(vectors.reduce((sum, vector) => sum + vector.length, 0));
  const residuals = vectors.map(({ length }, place) => residual.subarray(place * length, (place + 1) * length));
  const pack = (parts: readonly Float32Array[]): Float32Array =>
    concatenated(parts.map((vector) => packParameters(vector, manifest, parameters)));
  const random = randomStream(run.recipe.seed, run.siteId, round, 'compression');
  const flat = pack(vectors);
  const coded = compressWithFeedback(codec, { update: flat, residual: pack(residuals) }, () => random.uniform());
  const packedLength = flat.length / vectors.length;
  residuals.forEach((target, place) => {
    const lost = coded.residual.subarray(place * packedLength, (place + 1) * packedLength);
    unpackParameters(lost, target, { manifest, parameters });
  });
  const bytes = Buffer.concat([compressedHeader(codec, flat.length), coded.bytes]);
  return { written: await writeResult(folder, bytes), residual };
}
