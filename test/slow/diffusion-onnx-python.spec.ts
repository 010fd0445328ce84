import { describe, expect, it, jest } from '@jest/globals';
import {
  DENOISER_CASES,
  DENOISER_TOLERANCE,
  exportedDenoiser,
  largestDifference,
} from '@tributary/diffusion/exchange/exported-denoiser.spec-support';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPython, ONNX_RUNTIME, runPython } from './python-environment.js';

/** Each batch starts Python. */
jest.setTimeout(120_000);

const python = await findPython(ONNX_RUNTIME);
const withPython = python === undefined ? describe.skip : describe;
const SCRIPT = join(import.meta.dirname, 'diffusion-onnx-python.py');

withPython("the ONNX denoiser in Python's ONNX Runtime", () => {
  it.each(DENOISER_CASES.map((denoiser) => [denoiser.name, denoiser] as const))(
    'gives our forward pass %s, for any number of images',
    async (_, denoiser) => {
      const folder = await mkdtemp(join(tmpdir(), 'onnx-python-'));
      const file = join(folder, 'denoiser.onnx');
      for (const { inputs, expected } of await exportedDenoiser(denoiser, file)) {
        const output = await runPython(python, [SCRIPT, file], inputs);
        expect(largestDifference(output, expected)).toBeLessThan(DENOISER_TOLERANCE);
      }
      await rm(folder, { recursive: true });
    },
  );
});
