/** The four axial slabs, from the bottom up, 26 mm apart; `zMm` is MNI height. */
export const PHANTOM_SLABS = [
  { name: 'base', zMm: -18 },
  { name: 'ganglia', zMm: 8 },
  { name: 'ventricles', zMm: 34 },
  { name: 'vertex', zMm: 60 },
] as const;

/** Distance between two neighbouring slabs. */
export const SLAB_SPACING_MM = 26;

export type PhantomSlab = (typeof PHANTOM_SLABS)[number];
export type SlabName = PhantomSlab['name'];
export type PhantomClass = SlabName | `${SlabName}-lesion`;

/** What an image shows: one of four slabs, without or with a lesion. The order is the class index. */
export const PHANTOM_CLASSES: readonly PhantomClass[] = PHANTOM_SLABS.flatMap(({ name }): PhantomClass[] => [
  name,
  `${name}-lesion`,
]);
