import { describe, expect, it, jest } from '@jest/globals';
import {
  DENOISER_CASES,
  DENOISER_TOLERANCE,
  exportedDenoiser,
  largestDifference,
} from '@tributary/diffusion/exchange/exported-denoiser.spec-support';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { openChromium } from '../support/chromium.js';

jest.setTimeout(120_000);

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};
const RUNTIME = dirname(fileURLToPath(import.meta.resolve('onnxruntime-web')));
const PAGE = `<!doctype html><script type="module">
  import * as ort from '/ort.wasm.min.mjs';
  ort.env.wasm.numThreads = 1;
  window.denoise = async (inputs) => {
    const session = await ort.InferenceSession.create('/denoiser.onnx');
    const feeds = Object.entries(inputs).map(([name, { type, values, shape }]) => [name, new ort.Tensor(type, values, shape)]);
    const { out_sample: output } = await session.run(Object.fromEntries(feeds));
    return { dims: output.dims, values: [...output.data] };
  };
</script>`;
const answerSchema = z.object({ dims: z.array(z.int()), values: z.array(z.number()) });

/** The page, the denoiser, and ONNX Runtime as its package holds it. */
async function serve(denoiser: string): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer((request, response) => {
    const name = basename(request.url ?? '');
    const content = name === 'page.html' ? Promise.resolve(PAGE) : readFile(fileOf(name));
    content.then(
      (body) => response.setHeader('content-type', TYPES[extname(name)] ?? 'application/octet-stream').end(body),
      () => response.writeHead(404).end(),
    );
  });
  const fileOf = (name: string): string => (name === 'denoiser.onnx' ? denoiser : join(RUNTIME, name));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = z.object({ port: z.int() }).parse(server.address());
  return { server, url: `http://127.0.0.1:${address.port}/page.html` };
}

describe('the ONNX denoiser in a browser', () => {
  it.each(DENOISER_CASES.map((denoiser) => [denoiser.name, denoiser] as const))(
    'gives our forward pass %s, for any number of images',
    async (_, denoiser) => {
      const folder = await mkdtemp(join(tmpdir(), 'onnx-browser-'));
      const file = join(folder, 'denoiser.onnx');
      const batches = await exportedDenoiser(denoiser, file);
      const { server, url } = await serve(file);
      const browser = await openChromium();
      try {
        const page = await browser.newPage();
        await page.goto(url);
        for (const { inputs, expected } of batches) {
          const answer = answerSchema.parse(await page.evaluate(`denoise(${JSON.stringify(inputs)})`));
          expect(answer.dims).toEqual(inputs['sample']?.shape);
          expect(largestDifference(answer.values, expected)).toBeLessThan(DENOISER_TOLERANCE);
        }
      } finally {
        await browser.close();
        server.close();
        await rm(folder, { recursive: true });
      }
    },
  );
});
