import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { softwareGpu } from './software-gpu.js';

const MINUTE_MS = 60_000;
/** float32: sums of up to some thousand products in another order. */
const TOLERANCE = 2e-5;
/** What WGSL promises of `acos` and `asin`: an absolute error of at most 6.77e-5. */
const ARC_TOLERANCE = 7e-5;
const ARCS = ['acos', 'asin'];
const LOSS_TOLERANCE = 1e-5;
const OUTPUT_BYTES = 2 ** 24;

const root = join(import.meta.dirname, '../..');
const hooks = join(root, 'apps/site-agent/test-support/run-typescript.mjs');
const program = join(import.meta.dirname, 'webgpu-agreement.ts');

const lossesSchema = z.object({ cpu: z.array(z.number()), webgpu: z.array(z.number()) });
const caseSchema = z.object({
  case: z.string(),
  difference: z.number().optional(),
  refusal: z.string().optional(),
  failure: z.string().optional(),
});

const gpu = await softwareGpu();

if (typeof gpu === 'string') {
  describe.skip(`WebGPU, skipped: ${gpu}`, () => {
    it('agrees with the processor', () => undefined);
  });
} else {
  describe('WebGPU on a GPU in software', () => {
    let lines: unknown[];

    beforeAll(async () => {
      const words = ['--conditions=source', '--import', hooks, program];
      const options = { cwd: root, env: { ...process.env, ...gpu }, maxBuffer: OUTPUT_BYTES };
      const { stdout } = await promisify(execFile)(process.execPath, words, options);
      lines = stdout
        .trim()
        .split('\n')
        .map((line): unknown => JSON.parse(line));
    }, 20 * MINUTE_MS);

    it('trains as the processor does: the losses of four steps to 1e-5, with the state on the device', () => {
      const { losses } = z.object({ losses: lossesSchema }).parse(lines[0]);
      expect(losses.webgpu).toHaveLength(4);
      losses.webgpu.forEach((loss, i) =>
        expect(Math.abs(loss / (losses.cpu[i] ?? 0) - 1)).toBeLessThan(LOSS_TOLERANCE),
      );
      expect(new Set(losses.webgpu).size).toBe(4);
    });

    it('refuses float16 with the reason on this device, which has no shader-f16', () => {
      const { float16 } = z.object({ float16: z.string() }).parse(lines[0]);
      expect(float16).toMatch(/^webgpu has no float16 here: .*requires f16.*; use float32$/);
    });

    it('agrees with the processor on every kernel and gradient, or refuses it by name while recording', () => {
      const cases = z.array(caseSchema).parse(lines.slice(1));
      const wrong = cases.filter(({ case: name, difference = Infinity, refusal }) => {
        const tolerance = ARCS.includes(name) ? ARC_TOLERANCE : TOLERANCE;
        return refusal === undefined ? !(difference < tolerance) : !refusal.includes('cannot be recorded for a GPU');
      });
      expect(wrong).toEqual([]);
      expect(cases.filter(({ difference }) => difference !== undefined).length).toBeGreaterThan(100);
    });
  });
}
