export { readParameterFile, readableBytes, writeParameterFile, type ParameterValues } from './parameter-file.js';
export { openParameters, type ParameterSource, type ReadableBytes } from './parameter-source.js';
