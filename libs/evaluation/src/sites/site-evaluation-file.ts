import { TributaryError } from '@tributary/protocol';
import {
  decodeSafetensorsHeader,
  encodeSafetensorsHeader,
  type SafetensorsHeader,
  type TensorEntry,
} from '@tributary/protocol/safetensors';
import { z } from 'zod';
import type { FeatureMoments } from '../moments/feature-moments.js';
import { decodeMoments, encodeMoments, momentsHeaderSchema } from '../moments/moments-codec.js';
import { utilitySchema } from '../scores/utility.js';
import type { SiteEvaluation, SyntheticFeatures } from './site-evaluation.js';

const metadataSchema = z.strictObject({
  format: z.literal('tributary-evaluation-1'),
  heldOut: momentsHeaderSchema,
  train: momentsHeaderSchema,
  utility: utilitySchema.nullable(),
});
type Metadata = z.infer<typeof metadataSchema>;

type Tensor = TensorEntry & { readonly values: Float64Array | Float32Array | Int32Array };

/** Bytes of a safetensors file; the same evaluation gives the same bytes. The parts that are not tensors are one JSON in its metadata. */
export function encodeSiteEvaluation(evaluation: SiteEvaluation): Uint8Array {
  const heldOut = encodeMoments(evaluation.heldOut);
  const train = encodeMoments(evaluation.train);
  const metadata: Metadata = {
    format: 'tributary-evaluation-1',
    heldOut: heldOut.header,
    train: train.header,
    utility: evaluation.utility,
  };
  const tensors: Tensor[] = [
    ...syntheticTensors('after', evaluation.after),
    ...syntheticTensors('before', evaluation.before),
    { name: 'held-out.moments', dtype: 'F64', shape: [heldOut.values.length], values: heldOut.values },
    { name: 'train.moments', dtype: 'F64', shape: [train.values.length], values: train.values },
  ];
  const entries = tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  const header = encodeSafetensorsHeader(entries, { evaluation: JSON.stringify(metadata) });
  return Buffer.concat([header, ...tensors.map(littleEndianBytes)]);
}

/**
 * Reads what a site sent.
 * @throws TributaryError SAFETENSORS_INVALID for anything that {@link encodeSiteEvaluation} would not have written.
 */
export function decodeSiteEvaluation(bytes: Uint8Array): SiteEvaluation {
  const header = decodeSafetensorsHeader(bytes);
  if (header.headerBytes + header.dataBytes !== bytes.length)
    throw invalid('the file has another length than its header says');
  try {
    const metadata = metadataSchema.parse(JSON.parse(header.metadata['evaluation'] ?? 'null'));
    const reader = new TensorReader(header, bytes);
    const heldOut = decodeMoments(metadata.heldOut, reader.float64('held-out.moments'));
    return {
      heldOut,
      train: decodeMoments(metadata.train, reader.float64('train.moments')),
      before: reader.synthetic('before', heldOut),
      after: reader.synthetic('after', heldOut),
      utility: metadata.utility,
    };
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof RangeError || error instanceof SyntaxError)
      throw invalid(error.message);
    throw error;
  }
}

function syntheticTensors(name: 'before' | 'after', { features, labels }: SyntheticFeatures): Tensor[] {
  const count = labels.length;
  return [
    {
      name: `${name}.features`,
      dtype: 'F32',
      shape: [count, count === 0 ? 0 : features.length / count],
      values: features,
    },
    { name: `${name}.labels`, dtype: 'I32', shape: [count], values: labels },
  ];
}

function littleEndianBytes({ values }: Tensor): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.byteLength));
  const write = {
    8: (at: number, value: number) => view.setFloat64(at, value, true),
    4: (at: number, value: number) =>
      values instanceof Int32Array ? view.setInt32(at, value, true) : view.setFloat32(at, value, true),
  }[values.BYTES_PER_ELEMENT === 8 ? 8 : 4];
  values.forEach((value, at) => write(at * values.BYTES_PER_ELEMENT, value));
  return new Uint8Array(view.buffer);
}

class TensorReader {
  private readonly view: DataView;

  constructor(
    private readonly header: SafetensorsHeader,
    bytes: Uint8Array,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset + header.headerBytes, header.dataBytes);
  }

  float64(name: string): Float64Array {
    const { begin, length } = this.locate(name, 'F64');
    return Float64Array.from({ length }, (_, at) => this.view.getFloat64(begin + 8 * at, true));
  }

  synthetic(name: 'before' | 'after', { dimensions }: FeatureMoments): SyntheticFeatures {
    const rows = this.locate(`${name}.labels`, 'I32');
    const labels = Int32Array.from({ length: rows.length }, (_, at) => this.view.getInt32(rows.begin + 4 * at, true));
    const cells = this.locate(`${name}.features`, 'F32');
    const features = Float32Array.from({ length: cells.length }, (_, at) =>
      this.view.getFloat32(cells.begin + 4 * at, true),
    );
    if (features.length !== labels.length * dimensions)
      throw new RangeError(`${name}: not ${dimensions} features for each label`);
    if (!features.every(Number.isFinite)) throw new RangeError(`${name}: a feature is not finite`);
    if (labels.some((label) => label < 0)) throw new RangeError(`${name}: a label is negative`);
    return { features, labels };
  }

  private locate(name: string, dtype: TensorEntry['dtype']): { begin: number; length: number } {
    const found = this.header.entries.find((entry) => entry.name === name);
    if (found?.dtype !== dtype) throw new RangeError(`${name} of type ${dtype} is missing`);
    return { begin: found.begin, length: (found.end - found.begin) / (dtype === 'F64' ? 8 : 4) };
  }
}

function invalid(detail: string): TributaryError {
  return new TributaryError('SAFETENSORS_INVALID', { fault: 'bad-entry', detail });
}
