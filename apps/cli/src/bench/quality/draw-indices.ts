import { shuffle } from '@tributary/imaging/random-source';
import type { RandomStream } from '@tributary/random';

/** `wanted` random indices below `count`, each as often as the others: whole shuffled rounds, then a part of one. */
export function drawIndices(count: number, wanted: number, random: RandomStream): Int32Array {
  const indices = Array.from({ length: count }, (_, index) => index);
  const drawn: number[] = [];
  while (drawn.length < wanted) drawn.push(...shuffle(indices, random));
  return Int32Array.from(drawn.slice(0, wanted));
}
