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
export type { PhantomSite } from './phantom/phantom-site.js';
export { writePhantomSite, type PhantomSiteSummary, type WritePhantomSiteOptions } from './phantom/site.js';
export { encodePng, type Picture } from './picture/png.js';
export { pictureShape, readPicture, type PictureShape, type ReadPictureOptions } from './picture/read-picture.js';
export { imageGrid, type ImageGridOptions } from './picture/image-grid.js';
export { fromUnitRange, type IntensityRecipe, type IntensityWindow } from './intensity/intensity-window.js';
export { PROBLEM_KINDS, type ProblemKind } from './folder/image-problem.js';
export type { SiteDataset } from './dataset/site-dataset.js';
export { readImageFolder, type ReadImageFolderOptions } from './dataset/read-image-folder.js';
export { splitByPatient, type PatientSplit } from './dataset/split-by-patient.js';
export { inspectFolder, type FolderReport, type InspectFolderOptions } from './dataset/inspect-folder.js';
