/** Sums over fewer images than this describe each of them, and are not sent. */
export const MINIMUM_GROUP_IMAGES = 8;

export interface SharedGroups {
  /** Positions of the images that count at all, ascending. */
  readonly positions: Int32Array;
  /** For each of them its class, or -1 when it counts only in the sum over all. */
  readonly groups: Int32Array;
}

/**
 * Chooses what of a site's real images may enter the sums that leave it. A class of fewer than `minimum` images gets no sum
 * of its own. Together such images stay in the sum over all, but only if they are `minimum` or more: otherwise their sum
 * would follow from the others by subtraction, and they are left out altogether.
 *
 * @param labels Class of each image.
 */
export function sharedGroups(labels: Int32Array, minimum = MINIMUM_GROUP_IMAGES): SharedGroups {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const isSmall = (label: number): boolean => (counts.get(label) ?? 0) < minimum;
  const smallImages = labels.filter(isSmall).length;
  const positions = Int32Array.from([...labels.keys()]).filter(
    (position) => smallImages >= minimum || !isSmall(labels[position] ?? -1),
  );
  const groups = positions.map((position) => {
    const label = labels[position] ?? -1;
    return isSmall(label) ? -1 : label;
  });
  return { positions, groups };
}
