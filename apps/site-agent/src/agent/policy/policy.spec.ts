import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { policySchema, type Policy } from '@tributary/protocol';
import { exampleRecipe } from '../../example-recipe.spec-support.js';
import { addApproval, loadApprovals, resolveHash } from './approvals.js';
import { declineForData } from './data-decision.js';
import { ensurePolicy, loadPolicy, parsePolicy } from './policy-file.js';
import { decideRecipe } from './recipe-decision.js';

const recipe = exampleRecipe();
const policy = (recipes: object): Policy => policySchema.parse({ version: 1, recipes, data: { minPatients: 5 } });
const facts = { recipe, parameters: 1000, approvedByHand: false };

describe('decideRecipe', () => {
  it('asks a person unless the policy has a standing approval', () => {
    expect(decideRecipe(policy({}), facts)).toEqual({ decision: 'ask' });
    expect(decideRecipe(policy({}), { ...facts, approvedByHand: true })).toEqual({ decision: 'approve' });
    expect(decideRecipe(policy({ approval: 'standing' }), facts)).toEqual({ decision: 'approve' });
  });

  it.each([
    [{ maxRounds: recipe.rounds.count - 1 }, 'maxRounds'],
    [{ maxLocalSteps: recipe.rounds.localSteps - 1 }, 'maxLocalSteps'],
    [{ maxParameters: 999 }, 'maxParameters'],
    [{ minImagesPerUpdate: recipe.rounds.localSteps * recipe.rounds.batchSize + 1 }, 'minImagesPerUpdate'],
  ])('declines beyond %j, even what a person approved', (limits, rule) => {
    for (const approval of ['ask', 'standing']) {
      const answer = decideRecipe(policy({ approval, limits }), { ...facts, approvedByHand: true });
      expect(answer).toMatchObject({ decision: 'decline', reason: expect.stringContaining(rule) });
    }
  });

  it('approves at the limit itself', () => {
    const { count, localSteps, batchSize } = recipe.rounds;
    const limits = {
      maxRounds: count,
      maxLocalSteps: localSteps,
      maxParameters: 1000,
      minImagesPerUpdate: localSteps * batchSize,
    };
    expect(decideRecipe(policy({ approval: 'standing', limits }), facts)).toEqual({ decision: 'approve' });
  });
});

describe('the default policy', () => {
  it('declines gradients of fewer than eight images, whose sum would describe each of them', () => {
    const rounds = { count: 3, localSteps: 1, batchSize: 7, quorum: 1 };
    const answer = (batchSize: number) =>
      decideRecipe(policy({ approval: 'standing' }), {
        ...facts,
        recipe: exampleRecipe({ rounds: { ...rounds, batchSize } }),
      });
    expect(answer(7)).toMatchObject({ decision: 'decline' });
    expect(answer(8)).toEqual({ decision: 'approve' });
  });
});

describe('declineForData', () => {
  const data = { images: 40, trainImages: 32, heldOutImages: 8, patients: 5, classes: {}, problems: [] };

  it('takes part with enough patients and images', () => {
    expect(declineForData(policy({}), recipe, data)).toBeUndefined();
  });

  it('declines with too few patients, and tells the rule but not the count', () => {
    const reason = declineForData(policy({}), recipe, { ...data, patients: 4 });
    expect(reason).toMatchObject({
      code: 'POLICY_DECLINED',
      message: expect.stringContaining('data.minPatients is 5'),
    });
  });

  it('declines with fewer training images than the recipe asks for', () => {
    const demanding = exampleRecipe({ rounds: { ...recipe.rounds, minImages: 33 } });
    expect(declineForData(policy({}), demanding, data)).toMatchObject({ code: 'DATA_TOO_FEW_IMAGES' });
  });
});

describe('policy.yaml', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'policy-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is written with careful defaults, and never over what the site wrote', async () => {
    const file = join(folder, 'policy.yaml');
    await ensurePolicy(file);
    expect(await loadPolicy(file)).toEqual(policySchema.parse({ version: 1 }));
    await writeFile(file, 'version: 1\nrecipes: { approval: standing }\n');
    await ensurePolicy(file);
    expect((await loadPolicy(file)).recipes.approval).toBe('standing');
  });

  it.each([
    ['version: 1\nrecipes:\n  aproval: ask', 'recipes'],
    ['version: 1\ndata: { minPatients: 0 }', 'data.minPatients'],
    ['a: [', 'not YAML'],
    ['', '(root)'],
  ])('is refused with the place that is wrong: %j', (text, place) => {
    expect(() => parsePolicy(text)).toThrow(
      expect.objectContaining({ code: 'POLICY_INVALID', message: expect.stringContaining(place) }),
    );
  });

  it('keeps approvals, each once', async () => {
    const file = join(folder, 'approvals.json');
    const hash = 'ab'.repeat(32);
    await addApproval(file, hash, new Date('2026-11-22T10:00:00Z'));
    const first = await readFile(file, 'utf8');
    await addApproval(file, hash, new Date('2026-11-22T11:00:00Z'));
    expect(await readFile(file, 'utf8')).toBe(first);
    expect(await loadApprovals(file)).toEqual([{ recipeSha256: hash, approvedAt: '2026-11-22T10:00:00.000Z' }]);
  });
});

describe('resolveHash', () => {
  const known = ['ab'.repeat(32), `ab${'cd'.repeat(31)}`];

  it('finds a hash by its whole and by its beginning', () => {
    expect(resolveHash(known[0] ?? '', known)).toBe(known[0]);
    expect(resolveHash('abcdcdcd', known)).toBe(known[1]);
  });

  it.each([
    ['ffffffff', 'NOT_FOUND'],
    ['ab', 'USAGE_INVALID'],
    ['ababab', 'USAGE_INVALID'],
    ['', 'USAGE_INVALID'],
  ])('refuses %j, which names none or has too few digits, with %s', (typed, code) => {
    expect(() => resolveHash(typed, known)).toThrow(expect.objectContaining({ code }));
  });

  it('refuses a beginning that several recipes have', () => {
    const twins = ['0', '1'].map((last) => `${'a'.repeat(63)}${last}`);
    expect(() => resolveHash('aaaaaaaa', twins)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });
});
