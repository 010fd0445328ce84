import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTrainer } from '@tributary/diffusion';
import { recipeSchema } from '@tributary/protocol/recipe';
import { openEngine } from '@tributary/engines';
import { randomStream } from '@tributary/random';
import type { Engine } from '@tributary/tensor';
import { tensorflowFolder } from '@tributary/engines/tensorflow/installation';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { trainerEngine } from '../../apps/cli/src/demo/trainer-engine.js';
import { installTensorflow } from '../../apps/cli/src/engines/install-tensorflow/install-tensorflow.js';
import { installationPlan } from '../../apps/cli/src/engines/install-tensorflow/installation-plan.js';
import { runTool } from '../../apps/cli/src/engines/install-tensorflow/tool.js';
import { describeAgreement } from '@tributary/engines/agreement/agreement-suite.spec-support';
import { thisPlatform } from '../../apps/cli/src/engines/install-tensorflow/host-tools.js';
import { Consortium } from '../support/consortium.js';
import { tinyRecipe } from '../support/tiny-recipe.js';

const MINUTE_MS = 60_000;
const MEBIBYTE = 2 ** 20;
const THREADS = 2;

const recipe = recipeSchema.parse({
  name: 'small',
  seed: 1,
  image: { sizePx: 16, channels: 1 },
  classes: ['any'],
  data: { intensity: { method: 'percentile' } },
  conditioning: { site: false, dropout: 0 },
  network: { kind: 'unet2d', blockOutChannels: [16, 32], attention: [false, true], attentionHeadDim: 8, normGroups: 4 },
  process: { kind: 'edm' },
  objective: { prediction: 'edm' },
  optimiser: { kind: 'adamw', learningRate: 1e-3, schedule: 'constant' },
  rounds: { count: 1, localSteps: 1, batchSize: 4, quorum: 1 },
  strategy: { kind: 'fedavg' },
  evaluation: { sampler: 'ddim', steps: 4 },
});

/** Installs the engine into the cache of the tests; the reason where this machine cannot. */
async function installed(): Promise<string | undefined> {
  process.env['TRIBUTARY_ENGINES_DIR'] = path.resolve(
    import.meta.dirname,
    '../../node_modules/.cache/tributary-engines',
  );
  try {
    await installTensorflow(
      { folder: tensorflowFolder(), plan: installationPlan({ isCuda: false }) },
      {
        run: runTool,
        env: process.env,
        platform: thisPlatform(),
        signal: AbortSignal.timeout(10 * MINUTE_MS),
        note: () => undefined,
      },
    );
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function openTrainer(engine: Engine) {
  const trainer = await createTrainer({ engine, recipe, classRows: 0, emaDecay: 0.99 });
  trainer.setWeights(trainer.initialWeights(1));
  const random = randomStream(1, 'tensorflow');
  const images = new Float32Array(4 * 16 * 16);
  random.fillNormal(images);
  const classRows = new Int32Array(4);
  let globalStep = 0;
  const step = () => trainer.step({ images, classRows, random, globalStep: globalStep++ });
  return { step, weights: () => trainer.weights(), dispose: () => trainer.dispose() };
}

const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

const reason = await installed();

if (reason !== undefined) {
  process.stderr.write(`skipped: the tensorflow engine cannot be installed here: ${reason}\n`);
  describe('the tensorflow engine', () => {
    it.skip(`cannot be installed here: ${reason}`, () => undefined);
  });
} else {
  describeAgreement('the recorded graph in TensorFlow', () => openEngine({ name: 'tensorflow', threads: THREADS }));

  describe('training in TensorFlow', () => {
    let tensorflow: Engine;

    beforeAll(async () => {
      tensorflow = await openEngine({ name: 'tensorflow', threads: THREADS });
    }, MINUTE_MS);

    afterAll(async () => {
      await tensorflow.dispose();
    });

    it(
      'takes the same 20 steps as ONNX Runtime, to 1e-4, as one graph and operation by operation',
      async () => {
        const onnx = await openEngine({ name: 'onnx', threads: THREADS });
        const eager = await openEngine({ name: 'tensorflow', threads: THREADS, isEager: true });
        const [expected, ...others] = await Promise.all([onnx, tensorflow, eager].map(openTrainer));
        for (let i = 0; i < 20; i++) {
          const loss = (await expected?.step())?.loss ?? Number.NaN;
          for (const trainer of others) expect(Math.abs((await trainer.step()).loss / loss - 1)).toBeLessThan(1e-4);
        }
        const weights = (await expected?.weights()) ?? new Float32Array();
        for (const trainer of others) {
          const difference = (await trainer.weights()).map((weight, i) => weight - (weights[i] ?? Number.NaN));
          expect(norm(difference) / norm(weights)).toBeLessThan(1e-4);
        }
        for (const trainer of [expected, ...others]) await trainer?.dispose();
      },
      10 * MINUTE_MS,
    );

    it(
      'holds its memory over 300 steps: resident set within 3 % and 8 MiB of that after 100',
      async () => {
        const trainer = await openTrainer(tensorflow);
        const residentAfter = async (steps: number) => {
          for (let i = 0; i < steps; i++) await trainer.step();
          globalThis.gc?.();
          return process.memoryUsage.rss();
        };
        const early = await residentAfter(100);
        expect(await residentAfter(200)).toBeLessThan(1.03 * early + 8 * MEBIBYTE);
        await trainer.dispose();
      },
      10 * MINUTE_MS,
    );

    it(
      'trains at a site beside sites of ONNX Runtime, and the reports say so',
      async () => {
        const directory = await mkdtemp(path.join(tmpdir(), 'tributary-tensorflow-'));
        const consortium = await Consortium.create(directory, {
          engines: { 'site-b': 'tensorflow', 'site-c': 'onnx' },
        });
        try {
          await consortium.open();
          const run = await consortium.createRun(tinyRecipe({ rounds: { count: 2, localSteps: 3 } }));
          await consortium.completed(run, 5 * MINUTE_MS);
          expect((await trainerEngine(consortium.siteDir('site-b'))).name).toBe('tensorflow');
          expect((await trainerEngine(consortium.siteDir('site-c'))).name).toBe('onnx');
        } finally {
          await consortium.close();
          await rm(directory, { recursive: true, force: true });
        }
      },
      10 * MINUTE_MS,
    );

    it('refuses other numbers of threads in this process, naming both', async () => {
      await expect(openEngine({ name: 'tensorflow', threads: THREADS + 1 })).rejects.toThrow(/2 thread.*3 need/);
    });

    it('names the line that reads a value while recording', async () => {
      const compiling = tensorflow.compile(
        ({ x }) => {
          x?.dataSync();
          return { outputs: {} };
        },
        { inputs: { x: { shape: [1] } } },
      );
      await expect(compiling).rejects.toThrow(/a value was read while recording.*tensor-tensorflow\.spec/);
    });
  });
}
