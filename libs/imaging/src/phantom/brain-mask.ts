/** Whole voxels of a volume, x fastest. */
export type GridSize = readonly [nx: number, ny: number, nz: number];

/**
 * The brain: where tissue is likelier than `threshold`, closed over `closingSteps` voxels (which fills the sulci) and
 * without holes (which fills the ventricles).
 *
 * @param tissue Probability of grey or white matter, 0 to 1, x fastest.
 * @returns 1 inside, 0 outside.
 */
export function brainMask(
  tissue: Float32Array,
  size: GridSize,
  { threshold = 0.2, closingSteps = 4 }: { threshold?: number; closingSteps?: number } = {},
): Uint8Array {
  let mask = Uint8Array.from(tissue, (probability) => (probability > threshold ? 1 : 0));
  for (let step = 0; step < closingSteps; step++) mask = spread(mask, size, 1);
  for (let step = 0; step < closingSteps; step++) mask = spread(mask, size, 0);
  return fillHoles(mask, size);
}

/** Lets `value` take every voxel that touches it by a face: 1 dilates, 0 erodes. */
function spread(mask: Uint8Array, [nx, ny, nz]: GridSize, value: 0 | 1): Uint8Array<ArrayBuffer> {
  const result = Uint8Array.from(mask);
  const [rowStep, planeStep] = [nx, nx * ny];
  for (let z = 1; z < nz - 1; z++) {
    for (let y = 1; y < ny - 1; y++) {
      const row = z * planeStep + y * rowStep;
      for (let voxel = row + 1; voxel < row + nx - 1; voxel++) {
        const touched =
          mask[voxel - 1] === value ||
          mask[voxel + 1] === value ||
          mask[voxel - rowStep] === value ||
          mask[voxel + rowStep] === value ||
          mask[voxel - planeStep] === value ||
          mask[voxel + planeStep] === value;
        if (touched) result[voxel] = value;
      }
    }
  }
  return result;
}

/** Everything that the outside cannot reach through faces is inside. */
function fillHoles(mask: Uint8Array, [nx, ny, nz]: GridSize): Uint8Array {
  const inside = new Uint8Array(mask.length).fill(1);
  const pending = [0];
  inside[0] = 0;
  const visit = (voxel: number): void => {
    if (inside[voxel] === 1 && mask[voxel] === 0) {
      inside[voxel] = 0;
      pending.push(voxel);
    }
  };
  for (let voxel = pending.pop(); voxel !== undefined; voxel = pending.pop()) {
    const x = voxel % nx;
    const y = Math.floor(voxel / nx) % ny;
    const z = Math.floor(voxel / (nx * ny));
    if (x > 0) visit(voxel - 1);
    if (x < nx - 1) visit(voxel + 1);
    if (y > 0) visit(voxel - nx);
    if (y < ny - 1) visit(voxel + nx);
    if (z > 0) visit(voxel - nx * ny);
    if (z < nz - 1) visit(voxel + nx * ny);
  }
  return inside;
}
