import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { loadAtlas, sampleAtlas, type BrainAtlas } from './atlas.js';

// Warping heads takes its time on a busy machine.
jest.setTimeout(60_000);

let atlas: BrainAtlas;
beforeAll(async () => {
  atlas = await loadAtlas();
});

function tissueAt(x: number, y: number, z: number): { grey: number; white: number; fluid: number } {
  const out = new Float64Array(3);
  sampleAtlas(atlas, [x, y, z], out);
  const [grey = 0, white = 0, fluid = 0] = out;
  return { grey, white, fluid };
}

describe('loadAtlas', () => {
  it('spans the 197 x 233 x 189 mm of the template in MNI space', () => {
    expect(atlas).toMatchObject({ size: [98, 116, 94], originMm: [-98, -134, -72] });
    const last = atlas.size.map(
      (voxels, axis) => (atlas.originMm[axis] ?? 0) + (voxels - 1) * (atlas.spacingMm[axis] ?? 0),
    );
    [98, 98, 116].forEach((edge, axis) => expect(last[axis]).toBeCloseTo(edge, 3));
  });

  it('has the tissue that anatomy has at well-known MNI coordinates', () => {
    expect(tissueAt(26, -14, 34).white).toBeGreaterThan(0.8); // corona radiata
    expect(tissueAt(0, 18, 16).white + tissueAt(0, -38, 14).white).toBeGreaterThan(0.5); // corpus callosum, genu and splenium
    expect(tissueAt(-12, 10, 10).grey).toBeGreaterThan(0.5); // head of the caudate nucleus
    expect(tissueAt(-24, -22, 26).fluid).toBeLessThan(0.1);
    expect(tissueAt(5, 8, 8).fluid).toBeGreaterThan(0.5); // frontal horn of the lateral ventricle
    expect(tissueAt(0, 0, 110)).toEqual({ grey: 0, white: 0, fluid: 0 }); // above the head
  });

  it('holds probabilities that sum to 1 inside and vanish outside', () => {
    let most = 0;
    let inside = 0;
    for (let voxel = 0; voxel < atlas.tissue.length; voxel += 3) {
      const [grey = 0, white = 0, fluid = 0] = [atlas.tissue[voxel], atlas.tissue[voxel + 1], atlas.tissue[voxel + 2]];
      const total = grey + white + fluid;
      most = Math.max(most, total);
      if (Math.abs(total - 1) < 1e-3) inside++;
    }
    expect(most).toBeLessThan(1.02);
    // A brain with its fluid is about 1.4 to 2 litres; a voxel is 8 mm³.
    expect((inside * 8) / 1e6).toBeGreaterThan(1.4);
    expect((inside * 8) / 1e6).toBeLessThan(2.2);
  });

  it('is the symmetric template: right and left differ little', () => {
    const differences = Array.from({ length: 30 }, (_, x) =>
      Array.from(
        { length: 70 },
        (__, y) => tissueAt(2 * x + 2, 2 * y - 104, 20).white - tissueAt(-2 * x - 2, 2 * y - 104, 20).white,
      ),
    ).flat();
    expect(differences.reduce((sum, difference) => sum + Math.abs(difference), 0) / differences.length).toBeLessThan(
      0.005,
    );
  });

  it('interpolates linearly between voxels', () => {
    const step = atlas.spacingMm[0];
    const x = atlas.originMm[0] + 75 * step;
    const [left, right] = [tissueAt(x, -14, 30).grey, tissueAt(x + step, -14, 30).grey];
    expect(left).not.toBeCloseTo(right, 2);
    expect(tissueAt(x + 0.25 * step, -14, 30).grey).toBeCloseTo(0.75 * left + 0.25 * right, 6);
  });
});
