/**
 * Labels for `count` synthetic images in the proportions of `labels` (largest remainders, Hamilton's method), in ascending
 * order.
 *
 * @param labels Class indices of real images; at least one.
 */
export function proportionalLabels(labels: Int32Array, count: number): Int32Array {
  if (labels.length === 0) throw new RangeError('proportions need at least one label');
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const shares = [...counts].map(([label, images]) => {
    const exact = (images * count) / labels.length;
    return { label, whole: Math.floor(exact), remainder: exact - Math.floor(exact) };
  });
  const left = count - shares.reduce((sum, { whole }) => sum + whole, 0);
  shares.sort((a, b) => b.remainder - a.remainder || a.label - b.label);
  const quotas = shares.map(({ label, whole }, place) => ({ label, images: whole + (place < left ? 1 : 0) }));
  quotas.sort((a, b) => a.label - b.label);
  return Int32Array.from(quotas.flatMap(({ label, images }) => new Array<number>(images).fill(label)));
}
