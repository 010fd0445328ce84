import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Silence } from './silence.js';

describe('Silence', () => {
  it('aborts when nothing is heard, and not while something comes', async () => {
    const silence = new Silence(200);
    for (let piece = 0; piece < 4; piece += 1) {
      await delay(100);
      silence.heard();
    }
    expect(silence.signal.aborted).toBe(false);
    await delay(400);
    expect(silence.signal.aborted).toBe(true);
  });

  it('never aborts when it is over', async () => {
    const silence = new Silence(20);
    silence.over();
    await delay(60);
    expect(silence.signal.aborted).toBe(false);
  });
});
