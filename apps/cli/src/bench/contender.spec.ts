import { describe, expect, it } from '@jest/globals';
import { startContender } from './contender.js';

const node = (script: string) =>
  startContender({ name: 'a script', command: process.execPath, args: ['--input-type=module', '--eval', script] });

describe('a contender', () => {
  it('is measured as often as it is asked, and ends when closed', async () => {
    const contender = await node(`
      import { createInterface } from 'node:readline';
      console.log('{"version": "v2", "parameters": 7}');
      let ms = 0;
      for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify({ ms: ++ms, peakRssMiB: 5 }));`);
    expect(contender).toMatchObject({ name: 'a script', version: 'v2', parameters: 7 });
    expect(await contender.measure()).toEqual({ ms: 1, peakRssMiB: 5 });
    expect(await contender.measure()).toEqual({ ms: 2, peakRssMiB: 5 });
    await contender.close();
    await expect(contender.measure()).rejects.toMatchObject({ code: 'PROCESS_ENDED' });
  });

  it('that cannot start is named with its last complaint', async () => {
    await expect(node('throw new Error("no such module")')).rejects.toMatchObject({ code: 'PROCESS_ENDED' });
    await expect(startContender({ name: 'PyTorch', command: '/nowhere', args: [] })).rejects.toThrow('PyTorch');
  });
});
