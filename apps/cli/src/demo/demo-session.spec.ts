import { describe, expect, it } from '@jest/globals';
import { outputOf } from '../command-context.js';
import { recordedHost } from '../host.spec-support.js';
import { DemoSession } from './demo-session.js';
import { OutputFolder } from './output-folder.js';
import { PROFILES } from './profiles.js';

function session(signal: AbortSignal): DemoSession {
  const host = recordedHost({ signal });
  const global = { format: 'json', quiet: true, color: false } as const;
  const api = () => Promise.reject(new Error('not used'));
  const options = { profile: 'quick', sites: 3, seed: 7, out: 'out', keep: false, pooled: false } as const;
  return new DemoSession(
    { host, global, output: outputOf(global, host), api },
    options,
    PROFILES.quick,
    new OutputFolder('/out'),
  );
}

describe('a stage of the demo', () => {
  it('hands on its result and is remembered with its duration', async () => {
    const demo = session(new AbortController().signal);
    expect(await demo.stage('counting', () => Promise.resolve(3))).toBe(3);
    expect(demo.stageSeconds).toEqual([{ stage: 'counting', seconds: expect.any(Number) }]);
  });

  it('ends at once when Ctrl-C comes, whatever it waits for', async () => {
    const interrupt = new AbortController();
    const waiting = session(interrupt.signal).stage('waiting', () => new Promise(() => undefined));
    interrupt.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });

  it('does not begin after Ctrl-C', async () => {
    let hasBegun = false;
    const stage = session(AbortSignal.abort()).stage('late', () => {
      hasBegun = true;
      return Promise.resolve();
    });
    await expect(stage).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(hasBegun).toBe(false);
  });
});
