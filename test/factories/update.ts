import { createHash } from 'node:crypto';
import { accumulateMoments, encodeSiteEvaluation, type SiteEvaluation } from '@tributary/evaluation';
import type { AssignmentReport } from '@tributary/protocol';
import { decodeSafetensorsHeader } from '@tributary/protocol/safetensors';
import { randomStream } from '@tributary/random';
import { CLASSES } from './recipe.js';

/** A file and what its site says about it. */
export interface BuiltResult {
  readonly bytes: Buffer;
  readonly sha256: string;
  readonly report: AssignmentReport;
}

const ENGINE = { name: 'reference', device: 'cpu', threads: 1 };
const DIMENSIONS = 6;

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** An update of the same tensors as the global weights: small numbers that depend on `path` alone. */
export function buildUpdate(globalWeights: Buffer, ...path: (string | number)[]): BuiltResult {
  const { headerBytes, dataBytes } = decodeSafetensorsHeader(globalWeights);
  const random = randomStream(3, 'update', ...path);
  const values = Float32Array.from({ length: dataBytes / 4 }, () => 0.01 * random.normal());
  return ofBytes(Buffer.concat([globalWeights.subarray(0, headerBytes), new Uint8Array(values.buffer)]));
}

export function ofBytes(bytes: Buffer, images = 40): BuiltResult {
  const report = {
    kind: 'train',
    images,
    steps: 1,
    loss: 0.5,
    trainSeconds: 0.1,
    imagesPerSecond: 20,
    engine: ENGINE,
  } as const;
  return { bytes, sha256: sha256Of(bytes), report };
}

/** What a site with a few dozen images of each class would send for the scores. */
export function buildEvaluation(siteId: string): BuiltResult {
  const random = randomStream(4, 'evaluation', siteId);
  const perClass = 24;
  const labels = Int32Array.from({ length: perClass * CLASSES.length }, (_, index) => index % CLASSES.length);
  const features = () =>
    Float32Array.from({ length: labels.length * DIMENSIONS }, (_, index) => {
      const label = labels[Math.floor(index / DIMENSIONS)] ?? 0;
      return random.normal() + 3 * label;
    });
  const moments = () =>
    accumulateMoments(features(), { dimensions: DIMENSIONS, order: 3, groups: labels, extractor: 'test' });
  const evaluation: SiteEvaluation = {
    heldOut: moments(),
    train: moments(),
    before: { features: features().map((value) => value + 5), labels },
    after: { features: features(), labels },
    utility: null,
  };
  const bytes = Buffer.from(encodeSiteEvaluation(evaluation));
  const report = {
    kind: 'evaluate',
    heldOutImages: 96,
    syntheticImages: 96,
    evaluateSeconds: 0.1,
    engine: ENGINE,
  } as const;
  return { bytes, sha256: sha256Of(bytes), report };
}
