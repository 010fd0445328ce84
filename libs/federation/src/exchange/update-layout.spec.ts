import { describe, expect, it } from '@jest/globals';
import { recipeSchema, type RecipeInput } from '@tributary/protocol/recipe';
import { updateLayout, type UpdateLayout } from './update-layout.js';

const manifest = [
  { name: 'class_embedding.weight', shape: [7, 4] },
  { name: 'conv_in.weight', shape: [4] },
  { name: 'conv_out.weight', shape: [4] },
  { name: 'up_blocks.0.resnets.0.norm1.weight', shape: [4] },
];

function layoutOf(changes: Partial<RecipeInput>, place: { siteId?: string; round?: number } = {}): UpdateLayout {
  const recipe = recipeSchema.parse({
    name: 'layout',
    seed: 1,
    image: { sizePx: 8, channels: 1 },
    classes: ['healthy', 'lesion'],
    data: { intensity: { method: 'percentile' } },
    conditioning: {},
    network: { kind: 'unet2d', blockOutChannels: [8], attention: [false] },
    process: { kind: 'edm' },
    objective: { prediction: 'edm' },
    optimiser: { kind: 'adamw', learningRate: 1e-3 },
    rounds: { count: 2, localSteps: 1, batchSize: 2, quorum: 1 },
    strategy: { kind: 'fedavg' },
    evaluation: { sampler: 'heun' },
    ...changes,
  });
  return updateLayout({ recipe, manifest, sites: ['a', 'b', 'c'], siteId: 'b', round: 1, ...place });
}

const names = ({ manifest: held }: UpdateLayout): string[] => held.map(({ name }) => name);

describe('the layout of an update', () => {
  it('is the whole model by default, with the embedding rows of the site and of "no condition"', () => {
    const layout = layoutOf({});
    expect(layout.manifest).toEqual(manifest);
    expect(layout.ownedRows).toEqual([
      {
        parameter: 'class_embedding.weight',
        rows: [
          { begin: 2, end: 4 },
          { begin: 6, end: 7 },
        ],
      },
    ]);
    expect(layout.compression).toEqual({ kind: 'none' });
  });

  it('leaves out what never leaves the site', () => {
    const layout = layoutOf({ federation: { localParameters: ['norms', 'class-embedding'] } });
    expect(names(layout)).toEqual(['conv_in.weight', 'conv_out.weight']);
    expect(layout.ownedRows).toEqual([]);
  });

  it('holds two vectors of each travelling parameter with SCAFFOLD', () => {
    const federation = { exchange: 'udec', localParameters: ['norms'] } as const;
    expect(names(layoutOf({ strategy: { kind: 'scaffold' }, federation }))).toEqual([
      'control/conv_out.weight',
      'update/conv_out.weight',
    ]);
  });

  it('changes with the round and the site where parts take turns', () => {
    const federation = { exchange: 'usplit' } as const;
    const first = names(layoutOf({ federation }));
    expect(names(layoutOf({ federation }, { siteId: 'a', round: 2 }))).toEqual(first);
    expect([...first, ...names(layoutOf({ federation }, { round: 2 }))].toSorted()).toEqual(
      manifest.map(({ name }) => name),
    );
  });

  it('gives all sites a say in all rows where rows are not owned', () => {
    expect(layoutOf({ strategy: { kind: 'fedavg', ownedRows: false } }).ownedRows).toEqual([]);
    expect(layoutOf({ conditioning: { site: false } }).ownedRows).toEqual([]);
  });

  it('is refused for a site of another run', () => {
    expect(() => layoutOf({}, { siteId: 'elsewhere' })).toThrow(RangeError);
  });
});
