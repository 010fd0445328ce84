import { describe, expect, it, jest } from '@jest/globals';
import { randomStream } from '@tributary/random';
import fc from 'fast-check';
import { splitByPatient } from './split-by-patient.js';

// Many generated cases take their time on a busy machine.
jest.setTimeout(60_000);

/** Patients with four common images each; patient p has the rare class `rare[p]` (0 none) in one of them. */
const hospital = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 8, maxLength: 40 }).map((rare) => ({
  rare,
  patientIndex: Int32Array.from(rare.flatMap((_, patient) => [patient, patient, patient, patient])),
  classIndex: Int32Array.from(rare.flatMap((kind) => [0, 1, 2, kind === 0 ? 3 : 3 + kind])),
}));
const split = (dataset: { patientIndex: Int32Array; classIndex: Int32Array }, seed: number, heldOutFraction = 0.25) =>
  splitByPatient(dataset, { heldOutFraction, random: randomStream(seed, 'split') });

describe('splitByPatient', () => {
  it('puts every image on one side, and each patient on one side only', () => {
    fc.assert(
      fc.property(hospital, fc.nat(1000), (dataset, seed) => {
        const { train, heldOut } = split(dataset, seed);
        expect([...train, ...heldOut].sort((a, b) => a - b)).toEqual([...dataset.classIndex.keys()]);
        const patients = (images: Int32Array): Set<number> =>
          new Set([...images].map((i) => dataset.patientIndex[i] ?? -1));
        expect([...patients(train)].filter((patient) => patients(heldOut).has(patient))).toEqual([]);
        expect(Math.min(train.length, heldOut.length)).toBeGreaterThan(0);
      }),
    );
  });

  it('gives both sides every class that two patients have', () => {
    fc.assert(
      fc.property(hospital, fc.nat(1000), (dataset, seed) => {
        const { train, heldOut } = split(dataset, seed);
        const classes = (images: Int32Array): Set<number> =>
          new Set([...images].map((i) => dataset.classIndex[i] ?? -1));
        [1, 2, 3].forEach((kind) => {
          const patients = dataset.rare.filter((rare) => rare === kind).length;
          if (patients >= 2)
            expect([classes(train).has(3 + kind), classes(heldOut).has(3 + kind)]).toEqual([true, true]);
          if (patients === 1) expect(classes(train).has(3 + kind)).toBe(true);
        });
      }),
    );
  });

  it('is the same for the same stream and another for another', () => {
    const patientIndex = Int32Array.from({ length: 60 }, (_, image) => image % 30);
    const dataset = { patientIndex, classIndex: new Int32Array(60) };
    expect(split(dataset, 4)).toEqual(split(dataset, 4));
    expect(split(dataset, 5)).not.toEqual(split(dataset, 4));
    expect(split(dataset, 4).heldOut).toHaveLength(16);
  });

  it('splits even two patients, and refuses one', () => {
    const two = { patientIndex: Int32Array.of(0, 1), classIndex: Int32Array.of(0, 1) };
    expect(split(two, 1)).toMatchObject({ train: { length: 1 }, heldOut: { length: 1 } });
    const one = { patientIndex: Int32Array.of(0, 0), classIndex: Int32Array.of(0, 1) };
    expect(() => split(one, 1)).toThrow(expect.objectContaining({ code: 'DATA_ALL_IN_ONE_SPLIT' }));
    expect(() => split(two, 1, 1)).toThrow(RangeError);
  });
});
