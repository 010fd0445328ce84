import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { DIFFUSERS_FILES, exportDiffusers } from '@tributary/diffusion';
import { initialModel } from '@tributary/diffusion/initial-model';
import { modelVersionSchema, recipeSchema, runViewSchema } from '@tributary/protocol';
import { OFFSET_TYPE, TUS_VERSION } from '@tributary/protocol/tus';
import { buildRecipe } from '../factories/recipe.js';
import { eventually, startProgram, type Program } from '../support/processes.js';
import { s3Program, startS3Server, type S3Server } from '../support/s3-server.js';
import { Consortium } from '../medium/support/consortium.js';
import { HaltingLink } from '../medium/support/halting-link.js';

jest.setTimeout(180_000);

const MEBIBYTE = 1024 ** 2;
/** More than a part of an upload to S3, less than the model. */
const HALFWAY_BYTES = 8 * MEBIBYTE;
const program = s3Program();
const stores = program === null ? ['a folder'] : ['a folder', 'S3'];

describe.each(stores)('the upload of a starting model that is cut off, blobs in %s', (store) => {
  let server: S3Server | undefined;
  let consortium: Consortium;
  let folder: string;

  beforeAll(async () => {
    if (store === 'S3' && program !== null) server = await startS3Server(program);
    const environment = { DATABASE_URL: undefined, ...server?.fresh() };
    consortium = await Consortium.create(environment, ['site-a']);
    // Nothing is trained: the first version is all that counts.
    consortium.site('site-a').behaviour = () => Promise.resolve();
  });
  afterAll(async () => {
    await consortium.close();
    await server?.stop();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cut-upload-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** A diffusers folder of 12 MiB with a recipe beside it. @returns SHA-256 of its weights. */
  async function modelOf(seed: number): Promise<string> {
    const recipe = recipeSchema.parse({
      ...buildRecipe({ count: 1, quorum: 1 }),
      network: { kind: 'unet2d', blockOutChannels: [96, 192], layersPerBlock: 1, attention: [false, false] },
    });
    const { weights } = initialModel(recipe, 1);
    weights.fill(seed / 100, 0, 1000);
    await exportDiffusers({ recipe, weights, classRows: recipe.classes.length + 1, directory: folder });
    await writeFile(join(folder, 'recipe.json'), JSON.stringify(recipe));
    const bytes = await readFile(join(folder, DIFFUSERS_FILES.weights));
    expect(bytes.length).toBeGreaterThan(HALFWAY_BYTES + 2 * MEBIBYTE);
    return createHash('sha256').update(bytes).digest('hex');
  }

  function createRun(url: string): Program {
    const command = ['run', 'create', '-f', join(folder, 'recipe.json'), '--study', 'brains', '--start-from', folder];
    return startProgram('apps/cli/bin/tributary.mjs', ['--format', 'json', ...command], {
      logFile: join(folder, 'tributary.log'),
      environment: { TRIBUTARY_URL: url, TRIBUTARY_API_KEY: consortium.coordinator.adminKey },
    });
  }

  /** A link that holds the rest of the upload back, and the command that waits for it. */
  async function cutCommand(): Promise<{ link: HaltingLink; command: Program }> {
    const link = await HaltingLink.open(Number(new URL(consortium.coordinator.url).port), HALFWAY_BYTES);
    const command = createRun(link.url);
    await Promise.race([link.halted, command.exited]);
    expect(command.child.exitCode).toBeNull();
    return { link, command };
  }

  /** What the coordinator holds of an upload. */
  async function heldBytes(sha256: string): Promise<number> {
    const headers = { 'tus-resumable': TUS_VERSION, 'content-type': OFFSET_TYPE };
    const answer = await consortium.coordinator.admin.fetch(`/v1/weights/${sha256}`, { method: 'HEAD', headers });
    return Number(answer.headers.get('upload-offset') ?? 0);
  }

  async function expectRunFrom(sha256: string): Promise<void> {
    const command = createRun(consortium.coordinator.url);
    expect(await command.exited).toBe(0);
    const { id } = runViewSchema.parse(JSON.parse(command.stdout()));
    await consortium.until(id, ({ state }) => state !== 'approving');
    const first = await consortium.coordinator.admin.get(`/v1/models/${id}/0`, modelVersionSchema);
    expect(first.weights.sha256).toBe(sha256);
    const stored = await consortium.coordinator.admin.bytes(`/v1/blobs/${sha256}`);
    expect(stored.equals(await readFile(join(folder, DIFFUSERS_FILES.weights)))).toBe(true);
  }

  it('goes on by the next run create after SIGKILL of the command line', async () => {
    const sha256 = await modelOf(1);
    const { link, command } = await cutCommand();
    command.child.kill('SIGKILL');
    await command.exited;
    link.close();
    const held = await eventually('the coordinator has the first half', async () => {
      const bytes = await heldBytes(sha256);
      return bytes > 0 ? bytes : undefined;
    });
    expect(held).toBeLessThan(HALFWAY_BYTES);
    await expectRunFrom(sha256);
  });

  it('goes on by the next run create after SIGKILL of the coordinator, which the command line reports', async () => {
    const sha256 = await modelOf(2);
    const { link, command } = await cutCommand();
    await consortium.coordinator.kill();
    link.close();
    expect(await command.exited).not.toBe(0);
    expect(command.stdout()).toContain('COORDINATOR_UNREACHABLE');
    await consortium.coordinator.start();
    expect(await heldBytes(sha256)).toBeLessThan(HALFWAY_BYTES);
    await expectRunFrom(sha256);
  });
});
