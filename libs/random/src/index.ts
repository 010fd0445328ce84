export { philoxStream, randomPosition, randomStream, type RandomStream } from './random-stream.js';
