export { readParameterFile, readableBytes, writeParameterFile } from './parameter-file.js';
export { openParameters, type ParameterSource, type ReadableBytes } from './parameter-source.js';
