import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomStream } from '@tributary/random';
import { acquireSlice, FIELD_OF_VIEW_MM } from './acquisition.js';
import { loadAtlas, type BrainAtlas } from './atlas.js';
import { PHANTOM_CLASSES, PHANTOM_SLABS, type PhantomSlab } from './classes.js';
import { createLesion, lesionCoverage } from './lesion.js';
import { createPhantomPatient, type PhantomPatient } from './patient.js';
import { PHANTOM_SCANNERS } from './scanners.js';

// Warping heads takes its time on a busy machine.
jest.setTimeout(60_000);

let atlas: BrainAtlas;
beforeAll(async () => {
  atlas = await loadAtlas();
});

const SIZE = 32;
const patient = (seed: number, ...lesionSlabs: PhantomSlab['name'][]): PhantomPatient =>
  createPhantomPatient(atlas, (...path) => randomStream(seed, ...path), { lesionSlabs });
const [base, ganglia, ventricles, vertex] = PHANTOM_SLABS;
const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, v) => sum + v, 0) / values.length;
const shareAbove = (image: Float32Array, level: number): number =>
  image.filter((value) => value > level).length / image.length;

describe('phantom patients', () => {
  it('are the same for the same stream, and visibly another for another', () => {
    const slice = (seed: number): Float32Array =>
      acquireSlice(patient(seed), PHANTOM_SCANNERS.T1w, ganglia, { sizePx: SIZE });
    expect(slice(1)).toEqual(slice(1));
    const [one, two] = [slice(1), slice(2)];
    // Mean absolute difference well above that of the noise (0.02 · 2/√π ≈ 0.02 over the brain).
    expect(mean(one.map((value, index) => Math.abs(value - (two[index] ?? 0))))).toBeGreaterThan(0.05);
  });

  it('fill a plausible share of each slab: much in the middle, little at the vertex', () => {
    for (let seed = 0; seed < 2; seed++) {
      const share = (slab: PhantomSlab): number =>
        shareAbove(acquireSlice(patient(seed), PHANTOM_SCANNERS.T1w, slab, { sizePx: SIZE }), 0.3);
      expect(share(ganglia)).toBeGreaterThan(0.25);
      expect(share(vertex)).toBeLessThan(share(ventricles));
      expect(share(vertex)).toBeGreaterThan(0.03);
      expect(share(base)).toBeLessThan(0.6);
    }
  });

  it('show a bright lesion under T1c, a dark one under T1w, and are otherwise unchanged', () => {
    for (const [scanner, sign] of [
      [PHANTOM_SCANNERS.T1c, 1],
      [PHANTOM_SCANNERS.T1w, -1],
    ] as const) {
      const healthy = acquireSlice(patient(3), scanner, ventricles, { sizePx: SIZE });
      const ill = acquireSlice(patient(3, 'ventricles'), scanner, ventricles, { sizePx: SIZE });
      const change = ill.map((value, index) => sign * (value - (healthy[index] ?? 0)));
      const changedMm2 = change.filter((value) => value > 0.1).length * (FIELD_OF_VIEW_MM / SIZE) ** 2;
      // Between the disc of 6 mm radius and that of 15 mm with dents outwards.
      expect(changedMm2).toBeGreaterThan(0.5 * Math.PI * 6 ** 2);
      expect(changedMm2).toBeLessThan(1.6 * Math.PI * 15 ** 2);
      expect(acquireSlice(patient(3, 'ventricles'), scanner, base, { sizePx: SIZE })).toEqual(
        acquireSlice(patient(3), scanner, base, { sizePx: SIZE }),
      );
    }
  });

  it('show every lesion that their class names, at 32 pixels too', () => {
    for (const [seed, slab] of PHANTOM_SLABS.entries()) {
      const healthy = acquireSlice(patient(seed), PHANTOM_SCANNERS.T1c, slab, { sizePx: 32 });
      const ill = acquireSlice(patient(seed, slab.name), PHANTOM_SCANNERS.T1c, slab, { sizePx: 32 });
      expect(Math.max(...ill.map((value, index) => value - (healthy[index] ?? 0)))).toBeGreaterThan(0.2);
    }
  });
});

describe('acquireSlice', () => {
  it('has Rayleigh noise where there is no signal: mean σ·√(π/2)', () => {
    const image = acquireSlice(patient(5), PHANTOM_SCANNERS.T2w, ganglia, { sizePx: SIZE });
    const corner = Array.from(image).filter((_, pixel) => {
      const [x, y] = [pixel % SIZE, Math.floor(pixel / SIZE)];
      return Math.min(x, SIZE - 1 - x) < 5 && Math.min(y, SIZE - 1 - y) < 5;
    });
    const sigma = 0.06 * (3 / (FIELD_OF_VIEW_MM / SIZE));
    expect(mean(corner)).toBeGreaterThan(0.9 * sigma * Math.sqrt(Math.PI / 2));
    expect(mean(corner)).toBeLessThan(1.1 * sigma * Math.sqrt(Math.PI / 2));
  });

  it('orders tissues as each scanner does: white over grey under T1w, fluid over both under T2w', () => {
    const at = (image: Float32Array, xMm: number, yMm: number): number => {
      const column = Math.floor((FIELD_OF_VIEW_MM / 2 - xMm) / (FIELD_OF_VIEW_MM / SIZE));
      const row = Math.floor((FIELD_OF_VIEW_MM / 2 - 18 - yMm) / (FIELD_OF_VIEW_MM / SIZE));
      return image[row * SIZE + column] ?? NaN;
    };
    const over = (scanner: keyof typeof PHANTOM_SCANNERS, xMm: number, yMm: number): number =>
      mean(
        Array.from({ length: 3 }, (_, seed) =>
          at(acquireSlice(patient(seed), PHANTOM_SCANNERS[scanner], ganglia, { sizePx: SIZE }), xMm, yMm),
        ),
      );
    const [white, caudate] = [over('T1w', 26, -32), over('T1w', 12, 12)];
    expect(white).toBeGreaterThan(caudate);
    expect(over('T2w', 5, 8)).toBeGreaterThan(over('T2w', 26, -32));
  });

  it('refuses images of no size', () => {
    expect(() => acquireSlice(patient(1), PHANTOM_SCANNERS.T1w, base, { sizePx: 7.5 })).toThrow(RangeError);
  });
});

describe('lesionCoverage', () => {
  it('is 1 at the centre, 0 beyond two radii, and of 6 to 15 mm', () => {
    for (let seed = 0; seed < 50; seed++) {
      const lesion = createLesion([10, -20, 36], randomStream(seed, 'lesion'));
      expect(lesion.radiusMm).toBeGreaterThanOrEqual(6);
      expect(lesion.radiusMm).toBeLessThanOrEqual(15);
      expect(lesionCoverage(lesion, 10, -20, 36)).toBe(1);
      expect(lesionCoverage(lesion, 10 + 2.01 * lesion.radiusMm, -20, 36)).toBe(0);
    }
  });
});

describe('PHANTOM_CLASSES', () => {
  it('are four slabs without and with a lesion', () => {
    expect(PHANTOM_CLASSES).toEqual([
      'base',
      'base-lesion',
      'ganglia',
      'ganglia-lesion',
      'ventricles',
      'ventricles-lesion',
      'vertex',
      'vertex-lesion',
    ]);
  });
});
