import { describe, expect, it } from '@jest/globals';
import { chooseEngine, openEngine } from './open-engine.js';
import { probeEngines } from './probe-engines.js';

const TIMEOUT_MS = 30_000;

describe('probeEngines', () => {
  it(
    'times the processor, and gives a reason for everything that is not usable',
    async () => {
      const probes = await probeEngines({ threads: 1 });
      expect(probes.map(({ name, device }) => `${name} ${device}`)).toEqual([
        ...['onnx cpu', 'onnx webgpu', 'onnx cuda', 'tensorflow cpu', 'tensorflow cuda', 'reference cpu'],
      ]);
      const [cpu] = probes;
      expect(cpu).toMatchObject({ usable: true, reason: null });
      expect(cpu?.trainImagesPerSecond).toBeCloseTo(8000 / (cpu?.stepMs ?? 0), 6);
      for (const { usable, reason, stepMs } of probes) {
        expect(usable).toBe(reason === null);
        if (!usable) expect(stepMs).toBeNull();
      }
      expect(probes.at(-1)).toMatchObject({ usable: true, stepMs: null });
    },
    TIMEOUT_MS,
  );

  it('looks at one device only where that is asked for', async () => {
    const probes = await probeEngines({ threads: 1, device: 'cuda' });
    expect(probes.map(({ device }) => device)).toEqual(['cuda', 'cuda']);
  });
});

describe('chooseEngine', () => {
  it(
    'settles auto once a process: an engine that can be opened, the same at every call',
    async () => {
      const choice = await chooseEngine({ threads: 1 });
      expect(await chooseEngine({ threads: 1 })).toEqual(choice);
      expect(choice).toMatchObject({ threads: 1, layout: 'blocked' });
      const engine = await openEngine(choice);
      expect(engine).toMatchObject({ name: choice.name, device: choice.device });
      await engine.dispose();
    },
    TIMEOUT_MS,
  );

  it('takes what is asked for as it is', async () => {
    const asked = { name: 'onnx', device: 'webgpu', threads: 3, layout: 'plain' } as const;
    expect(await chooseEngine(asked)).toEqual({ ...asked, precision: 'float32' });
    expect(await chooseEngine({ name: 'reference', threads: 1 })).toMatchObject({ layout: 'plain' });
  });

  it('says why nothing has the device that is asked for', async () => {
    await expect(chooseEngine({ device: 'abacus' })).rejects.toThrow('no engine has a device abacus');
  });
});
