import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it, jest } from '@jest/globals';
import { DIFFUSERS_FILES, exportDiffusers } from '@tributary/diffusion';
import { initialModel } from '@tributary/diffusion/initial-model';
import {
  modelVersionSchema,
  recipeSchema,
  recordedRecipeSchema,
  runViewSchema,
  type Recipe,
} from '@tributary/protocol';
import { ApiClient } from '../../apps/cli/src/http/api-client.js';
import { sendWeights, type WeightsFile } from '../../apps/cli/src/http/send-weights.js';
import { buildRecipe } from '../factories/recipe.js';
import { runProgram } from '../support/processes.js';
import { jsonBody } from '../medium/support/api.js';
import { Consortium } from '../medium/support/consortium.js';
import { databaseCases } from '../medium/support/databases.js';

jest.setTimeout(120_000);

const SITES = 3;

describe.each(databaseCases())('a run that goes on from another model, on $name', (databaseCase) => {
  let consortium: Consortium;
  let folder: string;

  beforeAll(async () => {
    consortium = await Consortium.on(databaseCase);
  });
  afterAll(async () => {
    await consortium.close();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starting-model-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  const client = (): ApiClient =>
    new ApiClient({ url: consortium.coordinator.url, apiKey: consortium.coordinator.adminKey });

  /** Weights of another seed, which no run of `buildRecipe` starts with. */
  async function modelOf(seed: number): Promise<WeightsFile & { readonly recipe: Recipe }> {
    const trained = recipeSchema.parse({ ...buildRecipe(), seed });
    const { weights } = initialModel(trained, SITES);
    const classRows = SITES * trained.classes.length + 1;
    await exportDiffusers({ recipe: trained, weights, classRows, directory: folder });
    const path = join(folder, DIFFUSERS_FILES.weights);
    const bytes = await readFile(path);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const recipe = recipeSchema.parse({ ...buildRecipe(), startFrom: { weightsSha256: sha256 } });
    return { path, sha256, sizeBytes: bytes.length, recipe };
  }

  const proposal = (recipe: Recipe): RequestInit => jsonBody({ studyId: 'brains', recipe });

  it('has its weights as first version, byte for byte', async () => {
    const { recipe, ...file } = await modelOf(77);
    const held: number[] = [];
    await sendWeights(client(), file, (bytes) => held.push(bytes));
    expect(held.at(-1)).toBe(file.sizeBytes);
    const runId = await consortium.createRun(recipe);
    await consortium.until(runId, ({ state }) => state !== 'approving');
    const first = await consortium.coordinator.admin.get(`/v1/models/${runId}/0`, modelVersionSchema);
    expect(first.weights.sha256).toBe(file.sha256);
  });

  it('is proposed by the command line, which sends the weights and names them in the recipe', async () => {
    const { recipe, ...file } = await modelOf(82);
    const { startFrom, ...asked } = recipe;
    const answer = await createRun(asked);
    expect(answer.code).toBe(0);
    const { id } = runViewSchema.parse(JSON.parse(answer.stdout));
    const { recipe: stored } = await consortium.coordinator.admin.get(`/v1/runs/${id}/recipe`, recordedRecipeSchema);
    expect(stored.startFrom).toEqual(startFrom);
    expect(await consortium.coordinator.admin.bytes(`/v1/blobs/${file.sha256}`)).toEqual(await readFile(file.path));
  });

  it('is refused by the command line, with both values, when the configurations differ', async () => {
    const { recipe } = await modelOf(83);
    const answer = await createRun({ ...recipe, network: { ...recipe.network, downsamplePadding: 0 } });
    expect(answer.stdout).toContain('START_MODEL_UNFIT');
    expect(answer.stdout).toContain(
      'downsample_padding is 1 in the model, network.downsamplePadding of the recipe makes it 0',
    );
  });

  /** `run create --start-from` with the model's folder. */
  async function createRun(recipe: object): Promise<{ code: number | null; stdout: string }> {
    const path = join(folder, 'recipe.json');
    await writeFile(path, JSON.stringify(recipe));
    const { url, adminKey } = consortium.coordinator;
    const command = ['run', 'create', '-f', path, '--study', 'brains', '--start-from', folder];
    const environment = { TRIBUTARY_URL: url, TRIBUTARY_API_KEY: adminKey };
    const settings = { logFile: join(folder, 'tributary.log'), environment };
    return runProgram('apps/cli/bin/tributary.mjs', ['--format', 'json', ...command], settings);
  }

  it('is refused, naming the field, while the coordinator does not have them', async () => {
    const { recipe } = await modelOf(78);
    const refused = await consortium.coordinator.admin.refusal('/v1/runs', proposal(recipe));
    expect(refused).toMatchObject({ status: 409, code: 'START_WEIGHTS_MISSING' });
    expect(refused.problem.fields?.[0]?.path).toBe('recipe.startFrom.weightsSha256');
  });

  it('is refused with the weights of another network', async () => {
    const { recipe, ...file } = await modelOf(79);
    await sendWeights(client(), file, () => undefined);
    const wider = recipeSchema.parse({ ...recipe, network: { ...recipe.network, layersPerBlock: 3 } });
    const refused = await consortium.coordinator.admin.refusal('/v1/runs', proposal(wider));
    expect(refused).toMatchObject({ status: 422, code: 'START_MODEL_UNFIT' });
  });

  it('is refused with what is no model', async () => {
    const path = join(folder, 'text');
    await writeFile(path, 'not weights, but long enough to have a header');
    const bytes = await readFile(path);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await sendWeights(client(), { path, sha256, sizeBytes: bytes.length }, () => undefined);
    const recipe = recipeSchema.parse({ ...buildRecipe(), startFrom: { weightsSha256: sha256 } });
    const refused = await consortium.coordinator.admin.refusal('/v1/runs', proposal(recipe));
    expect(refused).toMatchObject({ status: 422, code: 'SAFETENSORS_INVALID' });
  });

  it('takes no bytes that are others than announced, and keeps nothing of them', async () => {
    const { recipe, ...file } = await modelOf(80);
    const bytes = await readFile(file.path);
    bytes[bytes.length - 1] = 1 - (bytes[bytes.length - 1] ?? 0);
    await writeFile(file.path, bytes);
    await expect(sendWeights(client(), file, () => undefined)).rejects.toMatchObject({ code: 'WEIGHTS_WRONG_HASH' });
    const refused = await consortium.coordinator.admin.refusal('/v1/runs', proposal(recipe));
    expect(refused).toMatchObject({ code: 'START_WEIGHTS_MISSING' });
  });

  it('goes on with an upload that was cut, and sends nothing of a file that is there', async () => {
    const { path, sha256, sizeBytes } = await modelOf(81);
    const bytes = await readFile(path);
    const metadata = `sha256 ${Buffer.from(sha256).toString('base64')}`;
    const tus = { 'tus-resumable': '1.0.0', 'content-type': 'application/offset+octet-stream' };
    const begun = await consortium.coordinator.admin.fetch('/v1/weights', {
      method: 'POST',
      headers: { ...tus, 'upload-length': String(sizeBytes), 'upload-metadata': metadata },
      body: bytes.subarray(0, 1000),
    });
    expect([begun.status, begun.headers.get('upload-offset')]).toEqual([201, '1000']);
    const asked = await consortium.coordinator.admin.fetch(`/v1/weights/${sha256}`, { method: 'HEAD', headers: tus });
    expect([asked.status, asked.headers.get('upload-offset')]).toEqual([200, '1000']);
    const held: number[] = [];
    await sendWeights(client(), { path, sha256, sizeBytes }, (count) => held.push(count));
    expect(held[0]).toBe(1000);
    const again: number[] = [];
    await sendWeights(client(), { path, sha256, sizeBytes }, (count) => again.push(count));
    expect(again).toEqual([sizeBytes]);
  });

  it.each([
    ['without a hash', { 'upload-length': '10' }, 400, 'UPLOAD_METADATA_INVALID'],
    ['without a length', { 'upload-metadata': 'sha256 YQ==' }, 400, 'UPLOAD_METADATA_INVALID'],
  ])('an upload %s is refused', async (_, headers, status, code) => {
    const init = { method: 'POST', headers: { 'tus-resumable': '1.0.0', ...headers } };
    expect(await consortium.coordinator.admin.refusal('/v1/weights', init)).toMatchObject({ status, code });
  });

  it('sites may not send any', async () => {
    const site = consortium.site('site-a');
    expect(await site.api.refusal('/v1/weights', { method: 'POST' })).toMatchObject({ code: 'AUTH_FORBIDDEN' });
  });
});
