import { beforeAll, describe, expect, it } from '@jest/globals';
import { openEngine } from '@tributary/engines';
import type { Engine } from '@tributary/tensor';
import { Rank } from '@tensorflow/tfjs-core';
import { referenceVectors, worstDeviation } from '../reference-vectors.spec-support.js';
import { sinusoids } from './condition-embedding.js';
import { tensorOf } from './tensor-of.js';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ name: 'reference' });
});

describe('sinusoidal embedding', () => {
  it.each(referenceVectors.timestep_embedding)(
    'of time $t in $dim dimensions (flip $flip_sin_to_cos, shift $downscale_freq_shift, scale $scale) is that of diffusers',
    async ({ t, dim, flip_sin_to_cos, downscale_freq_shift, scale, out }) => {
      const options = { width: dim, flipSinToCos: flip_sin_to_cos, frequencyShift: downscale_freq_shift };
      const program = await engine.compile(
        (inputs) => ({ outputs: { embedding: sinusoids(tensorOf(inputs, 'time', Rank.R1), options) } }),
        { inputs: { time: { shape: [1] } } },
      );
      const { embedding = [] } = await program.run({ time: Float32Array.of(t * scale) });
      // float32 angles up to 999,000 are right to 3 hundredths; up to 999, to 3e-5.
      expect(worstDeviation(embedding, out)).toBeLessThan(scale > 1 ? 0.05 : 5e-5);
      await program.dispose();
    },
  );
});
