import { readFile } from 'node:fs/promises';
import { brainMask, type GridSize } from './brain-mask.js';
import { readNiftiVolume } from '../nifti/nifti-volume.js';

/** Tissue probabilities of an average head in MNI space (millimetres; x to the right, y to the front, z to the top). */
export interface BrainAtlas {
  readonly size: GridSize;
  readonly spacingMm: readonly [number, number, number];
  /** Centre of voxel (0, 0, 0). */
  readonly originMm: readonly [number, number, number];
  /** Grey matter, white matter, cerebrospinal fluid of each voxel, `[nz, ny, nx, 3]`, 0 to 1. */
  readonly tissue: Float32Array;
}

/** Number of tissues in `BrainAtlas.tissue`. */
export const TISSUES = 3;

const DATA_FOLDER = new URL('../../data/', import.meta.url);

/**
 * The ICBM 152 nonlinear symmetric 2009a atlas at about 2 mm (Fonov et al. 2011, NeuroImage 54; terms in `data/NOTICE.md`).
 * The fluid is what of the brain mask is neither grey nor white matter.
 */
export async function loadAtlas(): Promise<BrainAtlas> {
  const [grey, white] = await Promise.all(
    ['icbm152_gm_2mm.nii.gz', 'icbm152_wm_2mm.nii.gz'].map(async (name) =>
      readNiftiVolume(await readFile(new URL(name, DATA_FOLDER))),
    ),
  );
  if (grey === undefined || white === undefined) throw new RangeError('the atlas is two volumes');
  const [nx, ny, nz] = grey.size;
  const size: GridSize = [nx, ny, nz];
  const [rowX, rowY, rowZ] = grey.affine;
  const solid = grey.values.map((value, voxel) => (value + (white.values[voxel] ?? 0)) / 255);
  const inside = brainMask(solid, size);
  const tissue = new Float32Array(solid.length * TISSUES);
  solid.forEach((probability, voxel) => {
    tissue[voxel * TISSUES] = (grey.values[voxel] ?? 0) / 255;
    tissue[voxel * TISSUES + 1] = (white.values[voxel] ?? 0) / 255;
    tissue[voxel * TISSUES + 2] = inside[voxel] === 1 ? Math.max(0, 1 - probability) : 0;
  });
  return { size, spacingMm: grey.spacingMm, originMm: [rowX[3], rowY[3], rowZ[3]], tissue };
}

/**
 * Trilinear interpolation of the tissues at a point in MNI millimetres; 0 outside of the atlas.
 *
 * @param out Gets grey matter, white matter, fluid.
 */
export function sampleAtlas(atlas: BrainAtlas, point: readonly [number, number, number], out: Float64Array): void {
  const [nx, ny, nz] = atlas.size;
  const x = (point[0] - atlas.originMm[0]) / atlas.spacingMm[0];
  const y = (point[1] - atlas.originMm[1]) / atlas.spacingMm[1];
  const z = (point[2] - atlas.originMm[2]) / atlas.spacingMm[2];
  out.fill(0);
  if (!(x >= 0 && y >= 0 && z >= 0 && x < nx - 1 && y < ny - 1 && z < nz - 1)) return;
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  const z0 = Math.floor(z);
  const rowStep = nx * TISSUES;
  const planeStep = ny * rowStep;
  const first = z0 * planeStep + y0 * rowStep + x0 * TISSUES;
  for (let dz = 0; dz < 2; dz++) {
    const weightZ = dz === 0 ? 1 - (z - z0) : z - z0;
    for (let dy = 0; dy < 2; dy++) {
      const weightYZ = weightZ * (dy === 0 ? 1 - (y - y0) : y - y0);
      const left = first + dz * planeStep + dy * rowStep;
      for (let kind = 0; kind < TISSUES; kind++) {
        const low = atlas.tissue[left + kind] ?? 0;
        const high = atlas.tissue[left + TISSUES + kind] ?? 0;
        out[kind] = (out[kind] ?? 0) + weightYZ * (low + (x - x0) * (high - low));
      }
    }
  }
}
