import * as tf from '@tensorflow/tfjs-core';

/** The recorder's name among tfjs's backends. */
export const RECORDER = 'tributary-recorder';

/** Whether tfjs operations are being recorded now (and not run). */
export function isRecording(): boolean {
  return tf.engine().backendName === RECORDER;
}

/** Whether a backend (the one in use, when left out) has a kernel of this name, as recorders have the layers' own. */
export function hasKernel(name: string, backendName = tf.engine().backendName): boolean {
  return tf.getKernelsForBackend(backendName).some(({ kernelName }) => kernelName === name);
}
