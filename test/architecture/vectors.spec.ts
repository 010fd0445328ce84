import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const root = join(import.meta.dirname, '../..');
const file = join(root, 'test/vectors/diffusion-vectors.json');
const vectors = z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(file, 'utf8')));

/** What says how the numbers were made, and a number that its makers checked. */
const ABOUT = ['conventions', 'independent_check'];

/** Sections by the expressions with which a spec goes through all of their rows. */
const READERS: Readonly<Record<string, { readonly rows: number; readonly read: readonly string[] }>> = {
  betas: { rows: 5, read: ['referenceVectors.betas'] },
  ddpm_variance: { rows: 6, read: ['Object.entries(referenceVectors.ddpm_variance)'] },
  forward: { rows: 4, read: ['= referenceVectors.forward'] },
  trajectories: { rows: 40, read: ['Object.entries(referenceVectors.trajectories)'] },
  timestep_embedding: { rows: 24, read: ['it.each(referenceVectors.timestep_embedding)'] },
  ema: { rows: 4, read: ['it.each(referenceVectors.ema)'] },
  optimizers: {
    rows: 6,
    read: ['vectors.adamw)', 'vectors.adam)', 'vectors.adamw_amsgrad)', 'pytorch.sgd_momentum', 'clip_grad_norm_1.0'],
  },
  unet: { rows: 3, read: ['Object.entries(referenceVectors.unet)'] },
  sde: {
    rows: 8,
    read: ['sde.vp]', 'sde.subvp]', 'sde.ve]', 'it.each(likelihood.cases)', 'edm.sigmas', 'it.each(edm.precond)'],
  },
};

function specsBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.spec.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/[/\\](node_modules|dist)[/\\]/.test(path));
}

describe('reference numbers', () => {
  const specs = specsBelow(join(root, 'libs')).map((path) => readFileSync(path, 'utf8'));

  it('have no section that is not listed here', () => {
    expect(Object.keys(vectors).toSorted()).toEqual([...Object.keys(READERS), ...ABOUT].toSorted());
  });

  it.each(Object.entries(READERS))('of %s are all read by tests', (section, { rows, read }) => {
    const value = z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]).parse(vectors[section]);
    expect(Array.isArray(value) ? value.length : Object.keys(value).length).toBe(rows);
    for (const expression of read) expect(specs.filter((spec) => spec.includes(expression))).not.toHaveLength(0);
  });

  it('agreed between two makers', () => {
    const { independent_check: check } = z
      .object({ independent_check: z.record(z.string(), z.number()) })
      .parse(vectors);
    for (const difference of Object.values(check)) expect(difference).toBeLessThan(1e-10);
  });
});
