// Prints the SHA-256 of a small network's weights and moments after a few steps: node … training-fingerprint.ts THREADS LAYOUT
import { createHash } from 'node:crypto';
import { createTrainer } from '@tributary/diffusion';
import { recipeSchema } from '@tributary/protocol/recipe';
import { openEngine } from '@tributary/engines';
import { randomStream } from '@tributary/random';

const STEPS = 6;
const BATCH = 2;
const SIZE_PX = 16;

const recipe = recipeSchema.parse({
  name: 'tiny',
  seed: 1,
  image: { sizePx: SIZE_PX, channels: 1 },
  classes: ['any'],
  data: { intensity: { method: 'percentile' } },
  conditioning: { site: false, dropout: 0 },
  // Whole blocks of channels, so that the blocked layout is used.
  network: { kind: 'unet2d', blockOutChannels: [16, 32], attention: [false, true], attentionHeadDim: 8, normGroups: 4 },
  process: { kind: 'edm' },
  objective: { prediction: 'edm' },
  optimiser: { kind: 'adamw', learningRate: 1e-3, schedule: 'constant' },
  rounds: { count: 1, localSteps: 1, batchSize: BATCH, quorum: 1 },
  strategy: { kind: 'fedavg' },
  evaluation: { sampler: 'ddim', steps: 4 },
});

const [threads, layout] = process.argv.slice(2);
const engine = await openEngine({
  name: 'onnx',
  threads: Number(threads),
  layout: layout === 'blocked' ? 'blocked' : 'plain',
});
const trainer = await createTrainer({ engine, recipe, classRows: 0 });
trainer.setWeights(trainer.initialWeights(1));
const random = randomStream(1, 'fingerprint');
const images = new Float32Array(BATCH * SIZE_PX ** 2);
random.fillNormal(images);
for (let globalStep = 0; globalStep < STEPS; globalStep++) {
  await trainer.step({ images, classRows: new Int32Array(BATCH), random, globalStep });
}
const { vectors } = await trainer.optimiserState();
const hash = createHash('sha256');
for (const vector of [await trainer.weights(), ...Object.values(vectors)]) hash.update(new Uint8Array(vector.buffer));
process.stdout.write(hash.digest('hex'));
