import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { loadAtlas, PHANTOM_CLASSES, writePhantomSite } from '@tributary/imaging';
import { randomStream } from '@tributary/random';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { runProgram } from '../support/processes.js';
import { signedModel, writePulledModel } from '../support/signed-model.js';
import { failureSchema, generatorRecipe, GENERATOR_SIZE_PX } from '../support/small-generator.js';

const TRIBUTARY = 'apps/cli/bin/tributary.mjs';

jest.setTimeout(120_000);

describe('tributary evaluate', () => {
  let directory: string;

  const at = (...names: string[]): string => join(directory, ...names);
  const tributary = async (...args: string[]): Promise<{ code: number | null; result: unknown }> => {
    const { code, stdout } = await runProgram(TRIBUTARY, ['--format', 'json', ...args], {
      logFile: at('commands.log'),
    });
    return { code, result: JSON.parse(stdout) };
  };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'evaluate-command-'));
    await writePulledModel(await signedModel(generatorRecipe('plain'), directory), at('model'));
    await writePhantomSite({
      directory: at('data'),
      site: { name: 'site-a', scanner: 'T1w', format: 'dicom', lesionRate: 0.3 },
      patients: 12,
      imageSizePx: GENERATOR_SIZE_PX,
      atlas: await loadAtlas(),
      random: (...path) => randomStream(5, ...path),
    });
  });
  afterAll(() => rm(directory, { recursive: true }));

  it('scores a model with every promised field', async () => {
    const args = ['--model', at('model'), '--data', at('data'), '--count', '16', '--sampler', 'ddim', '--steps', '4'];
    const likelihoodArgs = ['--likelihood', '--likelihood-tolerance', '0.01', '--likelihood-images', '6'];
    const scored = await tributary('evaluate', ...args, ...likelihoodArgs, '--trace-samples', '2');
    expect(scored.code).toBe(0);
    const number = z.number();
    const summary = z.strictObject({ min: number, median: number, max: number });
    const spread = z.object({ mean: number });
    const bits = z.object({ mean: number, standardError: number.min(0).nullable(), images: z.int().positive() });
    const schema = z.strictObject({
      version: z.string(),
      scores: z.strictObject({
        fd: number.min(0),
        kid: number,
        realFd: number.min(0),
        diversity: number.positive(),
        nearestTrain: z.strictObject({
          synthetic: summary,
          heldOut: summary,
          copying: number.min(0).max(1),
          closest: z.array(z.strictObject({ seed: z.int(), class: z.string(), distance: number })).length(5),
        }),
        utility: z.looseObject({ realOnly: spread, withSynthetic: spread, syntheticOnly: spread }).nullable(),
        likelihood: bits.extend({
          byClass: z.partialRecord(z.enum(PHANTOM_CLASSES), bits),
          traceSamples: z.literal(2),
          tolerance: z.literal(0.01),
        }),
      }),
      realImages: z.literal(48),
      trainImages: z.int(),
      heldOutImages: z.int().positive(),
      syntheticImages: z.int().min(16),
    });
    const document = schema.parse(scored.result);
    expect(document.trainImages + document.heldOutImages).toBe(48);
    const { images, byClass } = document.scores.likelihood;
    expect(images).toBe(6);
    expect(Object.values(byClass).reduce((sum, ofClass) => sum + ofClass.images, 0)).toBe(6);
  });

  it.each([
    ['--class', 'tumor', 'USAGE_INVALID', '--class'],
    ['--site', 'nowhere', 'USAGE_INVALID', '--site'],
    ['--sampler', 'magic', 'SAMPLER_INCOMPATIBLE', 'ddim'],
  ])('refuses %s %s before any image is read', async (flag, value, expected, named) => {
    const refused = await tributary('evaluate', '--model', at('model'), '--data', at('no-folder'), flag, value);
    expect(failureSchema.parse(refused.result).error.code).toBe(expected);
    expect(JSON.stringify(refused.result)).toContain(named);
  });

  it('refuses a likelihood under a model without one before anything is made, and its flags without it', async () => {
    const recipe = generatorRecipe('discrete', { process: { kind: 'ddpm' }, objective: { prediction: 'epsilon' } });
    await writePulledModel(await signedModel(recipe, directory), at('discrete'));
    const refusals: [string[], string, string][] = [
      [['--model', at('discrete'), '--likelihood'], 'RECIPE_INCOMPATIBLE', 'edm, vp, sub-vp, ve'],
      [['--model', at('model'), '--trace-samples', '2'], 'USAGE_INVALID', '--likelihood'],
      [['--model', at('model'), '--likelihood', '--likelihood-tolerance', '2'], 'USAGE_INVALID', '0.1'],
    ];
    for (const [args, code, words] of refusals) {
      const { code: exitCode, result } = await tributary('evaluate', '--data', at('data'), ...args);
      expect([exitCode, failureSchema.parse(result).error.code]).toEqual([2, code]);
      expect(JSON.stringify(result)).toContain(words);
    }
  });
});
