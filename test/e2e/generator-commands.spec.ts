import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { lowResolution } from '@tributary/diffusion';
import { encodePng, readPicture } from '@tributary/imaging';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { runProgram } from '../support/processes.js';
import { failureSchema, generatorRecipe, GENERATOR_SIZE_PX } from '../support/small-generator.js';
import { RUN_ID, serveRelease, signedModel, writePulledModel, type SignedModel } from '../support/signed-model.js';

const TRIBUTARY = 'apps/cli/bin/tributary.mjs';

const samplesSchema = z.object({ samples: z.array(z.object({ file: z.string(), seed: z.int(), class: z.string() })) });

jest.setTimeout(120_000);

describe('the commands that use a generator', () => {
  let directory: string;
  let model: SignedModel;

  const at = (...names: string[]): string => join(directory, ...names);
  const tributary = async (...args: string[]): Promise<{ code: number | null; result: unknown }> => {
    const { code, stdout } = await runProgram(TRIBUTARY, ['--format', 'json', ...args], {
      logFile: at('commands.log'),
      environment: { XDG_CACHE_HOME: at('cache') },
    });
    return { code, result: JSON.parse(stdout) };
  };
  const generate = (...args: string[]) => tributary('generate', '--out', at('out'), ...args);
  const expectRefusal = async (args: string[], code: string, words: string): Promise<void> => {
    const { code: exitCode, result } = await generate(...args);
    const { error } = failureSchema.parse(result);
    expect({ exitCode, code: error.code }).toEqual({ exitCode: 2, code });
    expect(JSON.stringify(error)).toContain(words);
  };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'generator-commands-'));
    model = await signedModel(generatorRecipe('plain'), directory);
    await writePulledModel(model, at('model'));
    const conditioned = generatorRecipe('coarse', {
      conditioning: { site: false, image: { kind: 'low-resolution', factor: 4 } },
    });
    await writePulledModel(await signedModel(conditioned, directory), at('coarse'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  it('makes the same images from a release of the coordinator as from the pulled folder', async () => {
    const server = await serveRelease(model);
    const connection = ['--url', server.url, '--api-key', 'any'];
    const request = ['--seeds', '3-5', '--class', 'base'];
    try {
      const local = await generate('--model', at('model'), ...request);
      const before = await readFile(at('out', 'samples.npz'));
      const remote = await tributary(...connection, 'generate', '--model', RUN_ID, '--out', at('remote'), ...request);
      expect([local.code, remote.code]).toEqual([0, 0]);
      const again = await tributary(...connection, 'generate', '--model', RUN_ID, '--out', at('again'), ...request);
      expect({ code: again.code, begins: server.begins }).toEqual({ code: 0, begins: [0] });
      expect(samplesSchema.parse(remote.result).samples.map(({ seed }) => seed)).toEqual([3, 4, 5]);
      expect(await readFile(at('remote', 'samples.npz'))).toEqual(before);
      const version = await tributary(...connection, 'generate', '--model', `${RUN_ID}/2`, '--out', at('remote'));
      expect(version.code).toBe(2);
      expect(JSON.stringify(version.result)).toContain(`${RUN_ID}/3`);
    } finally {
      server.close();
    }
  });

  it('does not use a release whose weights are others than its lineage says', async () => {
    await rm(at('cache'), { recursive: true });
    const bytes = Buffer.from(model.bytes);
    bytes.writeFloatLE(123, bytes.length - 4);
    const server = await serveRelease({ ...model, bytes });
    try {
      const args = ['--url', server.url, '--api-key', 'any', 'generate', '--model', RUN_ID, '--out', at('never')];
      const { code, result } = await tributary(...args);
      expect([code, failureSchema.parse(result).error.code]).toEqual([1, 'MODEL_VERIFY_FAILED']);
    } finally {
      server.close();
    }
  });

  it('brings an image back that it has encoded as noise, and makes another of it for another class', async () => {
    const made = await generate('--model', at('model'), '--seeds', '1', '--class', 'base', '--steps', '20');
    const [sample] = samplesSchema.parse(made.result).samples;
    const file = at('encoded.png');
    await cp(at('out', sample?.file ?? ''), file);
    const inverted = ['--model', at('model'), '--from', file, '--invert', '--seeds', '8', '--steps', '80'];
    const pictureAfter = async (...args: string[]): Promise<Float32Array> => {
      const { code, result } = await generate(...inverted, ...args);
      expect(code).toBe(0);
      return pictureOf(at('out', samplesSchema.parse(result).samples[0]?.file ?? ''));
    };
    const original = await pictureOf(file);
    const same = distance(await pictureAfter('--class', 'base'), original);
    const other = distance(await pictureAfter('--from-class', 'base', '--class', 'vertex'), original);
    expect(same).toBeLessThan(0.05);
    expect(other).toBeGreaterThan(same);
    await expectRefusal([...inverted, '--from-class', 'knee'], 'USAGE_INVALID', '--from-class');
    expect(
      distance(
        original,
        original.map(() => 0),
      ),
    ).toBeGreaterThan(0.1);
  });

  it('samples with the settings that are given', async () => {
    const bytesWith = async (...args: string[]): Promise<Buffer> => {
      const { code } = await generate('--model', at('model'), '--seeds', '2', '--sampler', 'ddim', ...args);
      expect(code).toBe(0);
      return readFile(at('out', 'samples.npz'));
    };
    const plain = await bytesWith();
    expect(await bytesWith('--settings', 'eta=0')).toEqual(plain);
    expect(await bytesWith('--settings', 'eta=0.8')).not.toEqual(plain);
  });

  it('goes by the image of --condition', async () => {
    const [sample] = samplesSchema.parse((await generate('--model', at('model'), '--seeds', '1')).result).samples;
    const file = at('condition.png');
    await cp(at('out', sample?.file ?? ''), file);
    const { code } = await generate('--model', at('coarse'), '--condition', file, '--seeds', '0-1');
    expect(code).toBe(0);
    await expectRefusal(['--model', at('coarse'), '--seeds', '0'], 'USAGE_INVALID', '--condition');
    await expectRefusal(['--model', at('model'), '--condition', file], 'USAGE_INVALID', '--condition');
  });

  const picture = async (name: string, sizePx: number, channels: 1 | 3): Promise<string> => {
    const pixels = Uint8Array.from({ length: sizePx ** 2 * channels }, (_, i) => (17 * i) % 251);
    await writeFile(at(name), encodePng({ widthPx: sizePx, heightPx: sizePx, channels, pixels }));
    return at(name);
  };

  it('makes sharp versions of a small image, whose blocks have the means of its pixels', async () => {
    const file = await picture('small.png', 4, 1);
    const small = ['--model', at('model'), '--super-resolve', file];
    const { code, result } = await generate(...small, '--seeds', '0-1');
    expect(code).toBe(0);
    const { samples } = samplesSchema.parse(result);
    const [first, second] = await Promise.all(samples.map(async (sample) => pictureOf(at('out', sample.file))));
    for (const image of [first, second]) {
      const means = lowResolution(image ?? new Float32Array(), { sizePx: GENERATOR_SIZE_PX, channels: 1 }, 4);
      const across = [...means].filter((_, i) => i % 4 === 0 && Math.floor(i / GENERATOR_SIZE_PX) % 4 === 0);
      // PNGs hold 256 levels of grey.
      across.forEach((mean, i) => expect(Math.abs(mean - (((17 * i) % 251) / 127.5 - 1))).toBeLessThan(1 / 127.5));
    }
    expect(first).not.toEqual(second);
    const odd = await picture('odd.png', 5, 1);
    const refusals: [string[], string][] = [
      [['--model', at('model'), '--super-resolve', odd], '2, 4, 8 px'],
      [[...small, '--from', file], 'left out with --from'],
      [['--model', at('coarse'), '--condition', file, '--super-resolve', file], '--condition'],
      [['--model', at('model'), '--super-resolve', at('nowhere.png')], 'PNG, DICOM or NIfTI'],
    ];
    for (const [args, words] of refusals) await expectRefusal([...args, '--seeds', '0'], 'USAGE_INVALID', words);
  });

  describe('with an image to start from', () => {
    it('fits one of another size and says so', async () => {
      const file = await picture('large.png', 40, 1);
      const args = ['generate', '--out', at('out'), '--model', at('model'), '--seeds', '0', '--from', file];
      const { code } = await runProgram(TRIBUTARY, args, { logFile: at('fitted.log') });
      expect(code).toBe(0);
      expect(await readFile(at('fitted.log'), 'utf8')).toContain('--from: fitted from 40 x 40 px');
    });

    it('refuses one in colour for a grey model', async () => {
      const file = await picture('colour.png', GENERATOR_SIZE_PX, 3);
      await expectRefusal(['--model', at('model'), '--seeds', '0', '--from', file], 'USAGE_INVALID', 'in colour');
    });

    it('refuses a file that is no image', async () => {
      await writeFile(at('no.png'), 'no image');
      const args = ['--model', at('model'), '--seeds', '0', '--from', at('no.png')];
      await expectRefusal(args, 'USAGE_INVALID', 'PNG, DICOM or NIfTI');
    });
  });

  it('writes the denoiser as an ONNX file with the names of diffusers', async () => {
    const file = at('exported', 'denoiser.onnx');
    const { code } = await tributary('model', 'export-onnx', at('model'), '--out', file);
    expect(code).toBe(0);
    const bytes = await readFile(file);
    for (const name of ['sample', 'timestep', 'class_labels', 'out_sample']) expect(bytes.includes(name)).toBe(true);
    expect(bytes.length).toBeGreaterThan(model.bytes.length / 2);
    const missing = await tributary('model', 'export-onnx', at('nowhere'), '--out', file);
    expect([missing.code, failureSchema.parse(missing.result).error.code]).toEqual([2, 'MODEL_INVALID']);
  });

  it('makes volumes as NIfTI', async () => {
    const recipe = generatorRecipe('volume', {
      image: { sizePx: 8, depthPx: 4, channels: 1 },
      network: { kind: 'unet3d', blockOutChannels: [8], layersPerBlock: 1, attention: [false] },
    });
    await writePulledModel(await signedModel(recipe, directory), at('volume'));
    const { code, result } = await generate('--model', at('volume'), '--seeds', '2-3');
    expect(code).toBe(0);
    const { samples } = z.object({ samples: z.array(z.object({ volume: z.string() })) }).parse(result);
    const headers = await Promise.all(samples.map(async ({ volume }) => gunzipSync(await readFile(at('out', volume)))));
    // dim of nifti1.h
    expect(headers.map((file) => [0, 1, 2, 3].map((i) => file.readInt16LE(40 + 2 * i)))).toEqual([
      [3, 8, 8, 4],
      [3, 8, 8, 4],
    ]);
  });

  it.each([
    ['steps 0', ['--steps', '0'], 'USAGE_INVALID', '--steps'],
    ['a sampler that nobody knows', ['--sampler', 'magic'], 'SAMPLER_INCOMPATIBLE', 'heun'],
    ['a sampler that does not fit the process', ['--sampler', 'langevin'], 'SAMPLER_INCOMPATIBLE', 'euler-maruyama'],
    ['too few steps', ['--sampler', 'euler-maruyama', '--steps', '12'], 'SAMPLER_INCOMPATIBLE', 'at least 50'],
    ['a setting that nobody knows', ['--settings', 'magic=1'], 'USAGE_INVALID', '--settings'],
    ['a setting of another sampler', ['--settings', 'snr=0.2'], 'SAMPLER_INCOMPATIBLE', 'pc has it'],
    ['a class that the model does not have', ['--class', 'knee'], 'USAGE_INVALID', 'ganglia-lesion'],
    ['an encoded image by another sampler', ['--sampler', 'heun', '--invert'], 'USAGE_INVALID', '--from'],
  ])('refuses %s, naming what fits', async (_, args, code, words) => {
    await expectRefusal(['--model', at('model'), '--seeds', '0', ...args], code, words);
  });

  it('refuses guidance of a model that was trained without dropping classes', async () => {
    const recipe = generatorRecipe('unguided', { conditioning: { site: false, dropout: 0 } });
    await writePulledModel(await signedModel(recipe, directory), at('unguided'));
    const args = ['--model', at('unguided'), '--seeds', '0', '--guidance', '2'];
    await expectRefusal(args, 'SAMPLER_INCOMPATIBLE', 'conditioning.dropout');
  });

  describe('with weights that are not the model', () => {
    const weights = join('unet', 'diffusion_pytorch_model.safetensors');
    const withWeights = async (bytes: Uint8Array): Promise<string> => {
      await cp(at('model'), at('broken'), { recursive: true });
      await writeFile(at('broken', weights), bytes);
      return at('broken');
    };

    it('refuses a file that is cut short', async () => {
      const whole = await readFile(at('model', weights));
      const folder = await withWeights(whole.subarray(0, -100));
      await expectRefusal(['--model', folder, '--seeds', '0'], 'MODEL_INVALID', 'ends early');
    });

    it('refuses a file that is no safetensors file', async () => {
      const folder = await withWeights(Buffer.alloc(4096, 'weights'));
      await expectRefusal(['--model', folder, '--seeds', '0'], 'SAFETENSORS_INVALID', '');
    });

    it('refuses a weight that is no number, naming the tensor', async () => {
      const bytes = Buffer.from(await readFile(at('model', weights)));
      bytes.writeFloatLE(NaN, bytes.length - 4);
      const folder = await withWeights(bytes);
      await expectRefusal(['--model', folder, '--seeds', '0'], 'MODEL_INVALID', 'not finite');
    });

    it('refuses weights of another network, naming the tensor', async () => {
      const recipe = generatorRecipe('wide', {
        network: { kind: 'unet2d', blockOutChannels: [16], layersPerBlock: 1, attention: [false] },
      });
      await writePulledModel(await signedModel(recipe, directory), at('wide'));
      const folder = await withWeights(await readFile(at('wide', weights)));
      await expectRefusal(['--model', folder, '--seeds', '0'], 'MODEL_INVALID', 'has the shape');
    });
  });

  async function pictureOf(file: string): Promise<Float32Array> {
    const shape = {
      imageSizePx: GENERATOR_SIZE_PX,
      channels: 1,
      intensity: { method: 'percentile', low: 0, high: 100 },
    } as const;
    return readPicture(await readFile(file), shape);
  }
});

/** Root mean squared difference. */
function distance(a: Float32Array, b: Float32Array): number {
  return Math.hypot(...a.map((value, i) => value - (b[i] ?? 0))) / Math.sqrt(a.length);
}
