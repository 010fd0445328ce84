import * as tf from '@tensorflow/tfjs-core';
import { elementwiseGradients } from './elementwise.js';
import { linearAlgebraGradients } from './linear-algebra.js';
import { reductionGradients } from './reduction.js';
import { shapeGradients } from './shape.js';

/**
 * Tells tfjs the gradients of its kernels. tfjs-core's own come in files that Node cannot import (extensionless ES modules);
 * these cover the kernels of `kernel-table.ts`, for every backend. Idempotent.
 */
export function registerGradients(): void {
  for (const config of [...elementwiseGradients, ...shapeGradients, ...reductionGradients, ...linearAlgebraGradients]) {
    tf.registerGradient(config);
  }
}
