import { describe, expect, it } from '@jest/globals';
import { Together, TogetherByKey } from './together.js';

/** Doubles numbers, and keeps the lists that it was asked for; a list is answered when `open` is called, a pause ends when `ends` say so. */
function doubling(clock = { ms: 0 }) {
  const lists: (readonly number[])[] = [];
  const opens: (() => void)[] = [];
  const ends: (() => void)[] = [];
  const together = new Together<number, number>(
    async (numbers) => {
      lists.push(numbers);
      await new Promise<void>((resolve) => opens.push(resolve));
      if (numbers.includes(13)) throw new RangeError('unlucky');
      return numbers.map((each) => 2 * each);
    },
    () => new Promise<void>((resolve) => ends.push(resolve)),
    () => clock.ms,
  );
  const open = async (): Promise<void> => {
    while (opens.length === 0) await new Promise(setImmediate);
    opens.shift()?.();
  };
  return { together, lists, open, ends };
}

describe('requests that are answered together', () => {
  it('are those of one turn, then those that come while a list is being answered, in the order of their coming', async () => {
    const { together, lists, open } = doubling();
    const first = [1, 2].map((each) => together.ask(each));
    await new Promise(setImmediate);
    const later = [3, 4, 5].map((each) => together.ask(each));
    await open();
    expect(await Promise.all(first)).toEqual([2, 4]);
    await open();
    expect(await Promise.all(later)).toEqual([6, 8, 10]);
    expect(lists).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
  });

  it('are answered anew each time, however often the same is asked', async () => {
    const { together, lists, open } = doubling();
    for (let time = 0; time < 3; time++) {
      const answer = together.ask(7);
      await open();
      expect(await answer).toBe(14);
    }
    expect(lists).toHaveLength(3);
  });

  it.each([
    ['a crowd', [12], 0, 1],
    ['a crowd that comes one by one', new Array<number>(16).fill(1), 5, 1],
    ['lists of three sites, never', [3, 3, 3, 3, 3], 100, 0],
  ])('are gathered for a moment after %s', async (_, crowds, everyMs, pauses) => {
    const clock = { ms: 0 };
    const { together, lists, open, ends } = doubling(clock);
    for (const crowd of crowds) {
      clock.ms += everyMs;
      const answers = Array.from({ length: crowd }, (_each, index) => together.ask(index));
      await open();
      await Promise.all(answers);
      await new Promise(setImmediate);
    }
    expect(ends).toHaveLength(pauses);
    const first = together.ask(100);
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
    const second = together.ask(200);
    ends.shift()?.();
    for (let list = 0; list < 2 - pauses; list++) await open();
    expect(await Promise.all([first, second])).toEqual([200, 400]);
    expect(lists.slice(crowds.length)).toEqual(pauses === 1 ? [[100, 200]] : [[100], [200]]);
  });

  it('all fail with their list, and the next list does not', async () => {
    const { together, open } = doubling();
    const unlucky = Promise.allSettled([together.ask(1), together.ask(13)]);
    await open();
    expect((await unlucky).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const next = together.ask(1);
    await open();
    expect(await next).toBe(2);
  });

  it('come in lists of at most 500', async () => {
    const lengths: number[] = [];
    const together = new Together<number, number>((numbers) => {
      lengths.push(numbers.length);
      return Promise.resolve(numbers);
    });
    const numbers = Array.from({ length: 1200 }, (_, index) => index);
    expect(await Promise.all(numbers.map((each) => together.ask(each)))).toEqual(numbers);
    expect(lengths).toEqual([500, 500, 200]);
  });
});

describe('requests that are answered together by key', () => {
  it('share a list with those of their key only, and leave nothing behind', async () => {
    const lists: [string, readonly number[]][] = [];
    const together = new TogetherByKey<number, string>((key, numbers) => {
      lists.push([key, numbers]);
      return Promise.resolve(numbers.map((each) => `${key}${each}`));
    });
    const answers = [together.ask('a', 1), together.ask('b', 2), together.ask('a', 3)];
    expect(together.keysInUse).toBe(2);
    expect(await Promise.all(answers)).toEqual(['a1', 'b2', 'a3']);
    expect(lists).toEqual([
      ['a', [1, 3]],
      ['b', [2]],
    ]);
    expect(together.keysInUse).toBe(0);
  });
});
