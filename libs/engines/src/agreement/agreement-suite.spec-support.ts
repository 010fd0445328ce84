import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { useMendedCpu } from '../mended-cpu.js';
import { openEngine } from '../open-engine.js';
import type { Engine } from '@tributary/tensor';
import { type AgreementCase, outputShape, relativeDifference, runOn } from './agreement.spec-support.js';
import { AGREEMENT_CASES } from './cases.spec-support.js';

/** float32: sums of up to some thousand products in another order. */
const TOLERANCE = 2e-5;

/** The reference is slow, and slower where other work runs beside it. */
const TIMEOUT_MS = 30_000;

interface AgreementSuite {
  readonly cases?: readonly AgreementCase[];
  readonly tolerance?: number;
}

/** Cases (every covered kernel, when left out) and their gradients on an engine, against tfjs's own backend. */
export function describeAgreement(
  title: string,
  open: () => Promise<Engine>,
  { cases = AGREEMENT_CASES, tolerance = TOLERANCE }: AgreementSuite = {},
): void {
  describe(title, () => {
    let engine: Engine;
    let reference: Engine;

    beforeAll(async () => {
      await useMendedCpu();
      engine = await open();
      reference = await openEngine({ name: 'reference' });
    });

    afterAll(async () => {
      await engine.dispose();
      await reference.dispose();
    });

    it.each(cases.map((test) => [test.name, test] as const))(
      'agrees on %s',
      async (_, test) => {
        const shape = outputShape(test);
        const expected = await runOn(reference, test, shape);
        const actual = await runOn(engine, test, shape);
        expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
        for (const [name, values] of Object.entries(expected)) {
          expect({ name, isClose: relativeDifference(actual[name] ?? [], values) < tolerance }).toEqual({
            name,
            isClose: true,
          });
        }
      },
      TIMEOUT_MS,
    );
  });
}
