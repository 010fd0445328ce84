import { describe, expect, it } from '@jest/globals';
import { brainMask, type GridSize } from './brain-mask.js';

const SIZE: GridSize = [16, 16, 16];
const at = (x: number, y: number, z: number): number => (z * 16 + y) * 16 + x;

/** Tissue where `inside` says so. */
function tissueWhere(inside: (x: number, y: number, z: number) => boolean): Float32Array {
  return Float32Array.from({ length: 16 ** 3 }, (_, voxel) =>
    inside(voxel % 16, Math.floor(voxel / 16) % 16, Math.floor(voxel / 256)) ? 0.9 : 0.1,
  );
}
const inCube = (...point: number[]): boolean => point.every((coordinate) => coordinate >= 5 && coordinate <= 10);

describe('brainMask', () => {
  it('fills a hole that nothing outside reaches', () => {
    const hollow = tissueWhere((x, y, z) => inCube(x, y, z) && !(x === 7 && y === 7 && z === 7));
    const mask = brainMask(hollow, SIZE, { closingSteps: 0 });
    expect(mask.reduce((sum, voxel) => sum + voxel, 0)).toBe(6 ** 3);
  });

  it('fills a hole of an axial plane that is open below', () => {
    const open = tissueWhere((x, y, z) => inCube(x, y, z) && !(x >= 7 && x <= 8 && y === 7 && z <= 8));
    const mask = brainMask(open, SIZE, { closingSteps: 0 });
    expect([mask[at(7, 7, 6)], mask[at(8, 7, 5)], mask[at(7, 7, 4)]]).toEqual([1, 1, 0]);
  });

  it('closes a narrow furrow and keeps the outline', () => {
    const furrowed = tissueWhere((x, y, z) => inCube(x, y, z) && !(x === 7 && y >= 8));
    expect(brainMask(furrowed, SIZE, { closingSteps: 0 })[at(7, 9, 7)]).toBe(0);
    const closed = brainMask(furrowed, SIZE, { closingSteps: 2 });
    expect(closed[at(7, 9, 7)]).toBe(1);
    expect([closed[at(4, 7, 7)], closed[at(11, 7, 7)], closed[at(7, 12, 7)]]).toEqual([0, 0, 0]);
  });
});
