import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { RecipeInput } from '@tributary/protocol';
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FaultyLink } from '../support/faulty-link.js';
import { eventually, runProgram, startProgram } from '../support/processes.js';
import { failureSchema, generatorRecipe } from '../support/small-generator.js';
import { RUN_ID, serveRelease, signedModel, type SendBytes, type SignedModel } from '../support/signed-model.js';
import { toxiproxyProgram } from '../support/toxiproxy.js';

const TRIBUTARY = 'apps/cli/bin/tributary.mjs';
const BREAKS = 4;
/** What the slow link takes for the whole file. */
const SLOW_SECONDS = 6;
const DROP_EVERY_MS = 1500;
const toxiproxy = toxiproxyProgram();

jest.setTimeout(120_000);

describe('model pull over a bad link', () => {
  let directory: string;
  let model: SignedModel;
  let server: Awaited<ReturnType<typeof serveRelease>>;
  let link: SendBytes;
  const logFile = (): string => join(directory, 'pull.log');
  const target = (): string => join(directory, 'generator');
  const pull = (url = server.url): string[] => {
    const connection = ['--format', 'json', '--url', url, '--api-key', 'any'];
    return [...connection, 'model', 'pull', RUN_ID, '-o', target()];
  };
  const expectModel = async (): Promise<void> => {
    const weights = await readFile(join(target(), 'unet', 'diffusion_pytorch_model.safetensors'));
    expect(weights.equals(model.bytes)).toBe(true);
    const { code } = await runProgram(TRIBUTARY, ['model', 'verify', target()], { logFile: logFile() });
    expect(code).toBe(0);
    expect((await readdir(directory)).filter((name) => name.startsWith('generator'))).toEqual(['generator']);
  };
  /** The first half, and then nothing more, but the connection stays. */
  const half: SendBytes = (response, bytes) => void response.write(bytes.subarray(0, halfBytes()));
  const halfBytes = (): number => Math.floor(model.bytes.length / 2);
  const startUntilHalf = async () => {
    link = half;
    const program = startProgram(TRIBUTARY, pull(), { logFile: logFile() });
    const part = join(`${target()}.download`, `${model.emaSha256}.safetensors.part`);
    await eventually('half of it is there', async () => ((await stat(part)).size === halfBytes() ? true : undefined));
    link = (response, bytes) => response.end(bytes);
    return program;
  };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pull-command-'));
    const network: RecipeInput['network'] = {
      kind: 'unet2d',
      blockOutChannels: [64],
      layersPerBlock: 1,
      attention: [false],
    };
    model = await signedModel(generatorRecipe('pulled', { network }), directory);
    server = await serveRelease(model, (response, bytes) => link(response, bytes));
  });
  afterEach(() => rm(target(), { recursive: true, force: true }));
  afterAll(async () => {
    server.close();
    await rm(directory, { recursive: true });
  });

  it('goes on after each break, and has the same file in the end', async () => {
    const piece = Math.ceil(model.bytes.length / (BREAKS + 1));
    link = (response, bytes) => {
      if (bytes.length <= piece) response.end(bytes);
      else response.write(bytes.subarray(0, piece), () => void setTimeout(() => response.destroy(), 20));
    };
    const { code } = await runProgram(TRIBUTARY, pull(), { logFile: logFile() });
    expect(code).toBe(0);
    // A break may lose the last bytes on their way to the disk, but nothing is begun anew.
    expect(server.begins.length).toBeGreaterThan(BREAKS);
    expect(server.begins).toEqual([...new Set(server.begins)].toSorted((a, b) => a - b));
    await expectModel();
  });

  it('goes on after a kill where it was', async () => {
    const program = await startUntilHalf();
    program.child.kill('SIGKILL');
    await program.exited;
    const { code } = await runProgram(TRIBUTARY, pull(), { logFile: logFile() });
    expect({ code, begin: server.begins.at(-1) }).toEqual({ code: 0, begin: halfBytes() });
    await expectModel();
  });

  it('ends at once when it is interrupted, tells where what has arrived lies, and goes on with it', async () => {
    const program = await startUntilHalf();
    program.child.kill('SIGINT');
    expect(await program.exited).toBe(130);
    const { error } = failureSchema.parse(JSON.parse(program.stdout()));
    expect(error.code).toBe('INTERRUPTED');
    expect(JSON.stringify(error)).toContain(`${target()}.download`);
    const { code } = await runProgram(TRIBUTARY, pull(), { logFile: logFile() });
    expect({ code, begin: server.begins.at(-1) }).toEqual({ code: 0, begin: halfBytes() });
    await expectModel();
  });

  (toxiproxy === null ? it.skip : it)('arrives over a slow link that drops again and again', async () => {
    link = (response, bytes) => response.end(bytes);
    const faulty = await FaultyLink.open(toxiproxy ?? '', { targetPort: Number(new URL(server.url).port) });
    try {
      const rate = Math.ceil(model.bytes.length / 1000 / SLOW_SECONDS);
      await faulty.add({ type: 'bandwidth', attributes: { rate } }, ['downstream']);
      const before = server.begins.length;
      const pulled = runProgram(TRIBUTARY, pull(faulty.url), { logFile: logFile() });
      let dropped = Promise.resolve();
      const drops = setInterval(() => {
        dropped = faulty.drop();
      }, DROP_EVERY_MS);
      const { code } = await pulled.finally(() => clearInterval(drops));
      await dropped;
      const begins = server.begins.slice(before);
      expect({ code, isBroken: begins.length > 2 }).toEqual({ code: 0, isBroken: true });
      expect(begins).toEqual(begins.toSorted((a, b) => a - b));
      await expectModel();
    } finally {
      await faulty.close();
    }
  });
});
