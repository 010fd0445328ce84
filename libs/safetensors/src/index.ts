export { readParameterFile, writeParameterFile } from './parameter-file.js';
