import * as tf from '@tensorflow/tfjs-core';

/** The recorder's name among tfjs's backends. */
export const RECORDER = 'tributary-recorder';

/** Whether tfjs operations are being recorded now (and not run). */
export function isRecording(): boolean {
  return tf.engine().backendName === RECORDER;
}
