import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { useMendedCpu } from '../mended-cpu.js';
import { KERNEL_TABLE } from '@tributary/kernels';
import { record } from '@tributary/tensor';
import { outputShape, signatureOf, stepOf } from './agreement.spec-support.js';
import { AGREEMENT_CASES, RANDOM_CASES } from './cases.spec-support.js';

const TIMEOUT_MS = 60_000;

/** Compared with one gradient after the other in `per-example/`. */
const SEEN_ELSEWHERE = ['TributaryExampleFilterNorms', 'TributaryWeightedFilterGradient'];

describe('the cases of agreement', () => {
  beforeAll(useMendedCpu);

  it(
    'run every kernel of the table',
    () => {
      const spies = KERNEL_TABLE.map((kernel) => ({ name: kernel.name, spy: jest.spyOn(kernel, 'record') }));
      for (const test of [...AGREEMENT_CASES, ...RANDOM_CASES])
        record(stepOf(test), signatureOf(test, outputShape(test)));
      const unseen = spies.filter(({ spy }) => spy.mock.calls.length === 0).map(({ name }) => name);
      jest.restoreAllMocks();
      expect(unseen).toEqual(SEEN_ELSEWHERE);
    },
    TIMEOUT_MS,
  );
});
