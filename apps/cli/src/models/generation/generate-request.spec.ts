import { describe, expect, it } from '@jest/globals';
import { buildRecipe } from '../../../../../test/factories/recipe.js';
import { planSamples, settingsSchema } from './generate-request.js';

const model = { recipe: buildRecipe(), siteIds: ['north'] };

describe('planSamples', () => {
  it('takes the first seeds when fewer images are wanted', () => {
    expect(planSamples({ seeds: '5-9', count: 2 }, model).map(({ seed }) => seed)).toEqual([5, 6]);
  });

  it('refuses more images than seeds', () => {
    const fields = [{ path: '--count', expected: 'at most 5, as many as --seeds names' }];
    expect(() => planSamples({ seeds: '5-9', count: 6 }, model)).toThrow(
      expect.objectContaining({ code: 'USAGE_INVALID', context: expect.objectContaining({ fields }) }),
    );
  });
});

describe('settingsSchema', () => {
  it('reads numbers and names', () => {
    expect(settingsSchema.parse('snr=0.2, corrector=none')).toEqual({ snr: 0.2, corrector: 'none' });
  });

  it.each(['eta', 'eta=', 'eta= '])('takes %j for no number, not for 0', (text) => {
    expect(settingsSchema.safeParse(text).success).toBe(false);
  });
});
