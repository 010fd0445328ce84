import { avgPool2d, avgPool3d, upsampleNearest2d, upsampleNearest3d } from '@tributary/layers';
import type { Tensors } from '@tributary/tensor';
import { pad, type Tensor, type Tensor4D, type Tensor5D } from '@tensorflow/tfjs-core';

/** Images [batch, height, width, channels] or volumes [batch, depth, height, width, channels]. */
export type Images = Tensor4D | Tensor5D;

/** @throws RangeError when the tensor has neither rank. */
export function asImages(x: Tensor): Images {
  if (isImages(x) || isVolumes(x)) return x;
  throw new RangeError(`images have rank 4 and volumes rank 5, got ${x.rank}`);
}

/** The images `name`. @throws RangeError when there are none. */
export function imagesOf(tensors: Tensors, name: string): Images {
  const value = tensors[name];
  if (!value) throw new RangeError(`there is no tensor ${name}`);
  return asImages(value);
}

/** Whether `x` is `[batch, depth, height, width, channels]`. */
export function isVolumes(x: Tensor): x is Tensor5D {
  return x.rank === 5;
}

function isImages(x: Tensor): x is Tensor4D {
  return x.rank === 4;
}

/** Every pixel or voxel twice in each direction. */
export function enlarged(x: Images): Images {
  return isVolumes(x) ? upsampleNearest3d(x, 2) : upsampleNearest2d(x, 2);
}

/** Means of 2 x 2 pixels or 2 x 2 x 2 voxels. */
export function reduced(x: Images): Images {
  return isVolumes(x) ? avgPool3d(x, 2) : avgPool2d(x, 2);
}

/** Zeros before the first and after the last pixel or voxel of each direction. */
export function padded(x: Images, before: number, after: number): Images {
  const sides: [number, number][] = x.shape.slice(1, -1).map(() => [before, after]);
  return asImages(pad(x, [[0, 0], ...sides, [0, 0]]));
}
