export type { RandomSource, RandomStream } from './random-source.js';
export { scopeRandom } from './random-source.js';
export { loadAtlas, type BrainAtlas } from './phantom/atlas.js';
export {
  PHANTOM_CLASSES,
  PHANTOM_SLABS,
  type PhantomClass,
  type PhantomSlab,
  type SlabName,
} from './phantom/classes.js';
export { PHANTOM_SCANNERS, type PhantomScanner } from './phantom/scanners.js';
export { createPhantomPatient, type PhantomPatient } from './phantom/patient.js';
export { acquireSlice } from './phantom/acquisition.js';
export {
  writePhantomSite,
  type PhantomSite,
  type PhantomSiteSummary,
  type WritePhantomSiteOptions,
} from './phantom/site.js';
export { encodePng, type Picture } from './picture/png.js';
export { imageGrid, type ImageGridOptions } from './picture/image-grid.js';
