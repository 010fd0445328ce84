/** Whole voxels of a volume, x fastest. */
export type GridSize = readonly [nx: number, ny: number, nz: number];

/**
 * The brain: where tissue is likelier than `threshold`, closed over `closingSteps` voxels (which fills the sulci) and
 * without holes in any axial plane (which fills the ventricles and the cisterns at the base).
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
  const [nx, ny, nz] = size;
  for (let z = 0; z < nz; z++) {
    const plane = mask.subarray(z * nx * ny, (z + 1) * nx * ny);
    plane.set(fillHoles(plane, nx));
  }
  return mask;
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

/** Everything that the corner of the plane cannot reach through edges is inside. */
function fillHoles(plane: Uint8Array, nx: number): Uint8Array {
  const ny = plane.length / nx;
  const inside = new Uint8Array(plane.length).fill(1);
  const pending = [0];
  inside[0] = 0;
  const visit = (pixel: number): void => {
    if (inside[pixel] === 1 && plane[pixel] === 0) {
      inside[pixel] = 0;
      pending.push(pixel);
    }
  };
  for (let pixel = pending.pop(); pixel !== undefined; pixel = pending.pop()) {
    const x = pixel % nx;
    const y = Math.floor(pixel / nx);
    if (x > 0) visit(pixel - 1);
    if (x < nx - 1) visit(pixel + 1);
    if (y > 0) visit(pixel - nx);
    if (y < ny - 1) visit(pixel + nx);
  }
  return inside;
}
