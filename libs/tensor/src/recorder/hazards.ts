import type { backend_util } from '@tensorflow/tfjs-core';
import { RecordingError } from './recording-error.js';

/** tfjs operations that draw random numbers when they run; recorded, they would give the same numbers for ever. */
const RANDOM_OPERATIONS = /\b(random\w*_|rand_|truncatedNormal_|dropout_|multinomial_)/;

/** What a recording backend must refuse when tfjs asks it for values, or hands it values, that a graph cannot have. */
export class Hazards {
  #failures: RecordingError[] = [];

  /** Runs `record`; throws what could not be thrown while it ran. */
  during<T>(record: () => T): T {
    this.#failures = [];
    const result = record();
    const [failure] = this.#failures;
    if (failure) throw failure;
    return result;
  }

  /** Called where values become a constant. */
  checkConstant(): void {
    const random = RANDOM_OPERATIONS.exec(new Error().stack ?? '')?.[1];
    if (random === undefined) return;
    const name = random.replace('_', '');
    throw new RecordingError(
      `tf.${name} while recording would be frozen into the graph; pass random numbers as an input`,
    );
  }

  refuseMove(): never {
    throw new RecordingError('a tensor made before the recording was used in it; pass it as an input or as state');
  }

  refuseRead(): never {
    throw new RecordingError(
      'a value was read while recording (dataSync, arraySync or print); values exist only when the program runs',
    );
  }

  /** Asynchronous reads cannot throw to the step function, so the recording fails when it ends. */
  noteRead(): Promise<backend_util.TypedArray> {
    this.#failures.push(
      new RecordingError(
        'a value was read while recording (data, array or print); values exist only when the program runs',
      ),
    );
    return Promise.resolve(new Float32Array(0));
  }
}
