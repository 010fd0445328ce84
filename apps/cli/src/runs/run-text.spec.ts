import { describe, expect, it } from '@jest/globals';
import type { RunView } from '@tributary/protocol/http';
import { runText } from './run-text.js';
import { runViewOf } from './run-view.spec-support.js';

const NOW = new Date('2026-11-22T18:10:00Z');

const part = {
  id: 'run-4f3a9c1d-r3-a0-site-a',
  siteId: 'site-a',
  state: 'training',
  stage: 'training',
  done: 30,
  total: 120,
  updatedAt: '2026-11-22T18:09:59Z',
  images: null,
  loss: 0.04,
  bytes: null,
  bytesDown: 0,
  problem: null,
  baseVersion: 2,
  deadlineAt: '2026-11-22T19:00:00Z',
  stageSince: '2026-11-22T18:08:00Z',
  imagesPerSecond: 6.25,
} as const;

describe('what run show says', () => {
  it('tells each site’s stage with its age, progress and rate', () => {
    const uploading = {
      ...part,
      siteId: 'site-b',
      state: 'uploading',
      stage: 'uploading',
      done: 15e6,
      total: 60e6,
    } as const;
    const text = runText(runViewOf({ assignments: [part, { ...uploading, imagesPerSecond: null }] }), NOW);
    expect(text).toMatch(/site-a +training +2 min 0 s +30 of 120 \(25 %\) +6\.3 images\/s/);
    expect(text).toMatch(/site-b +uploading +2 min 0 s +15\.0 MB of 60\.0 MB \(25 %\)/);
    expect(text).toMatch(/until +2026-11-22 19:00:00 UTC, in 50 min 0 s/);
  });

  it('tells what a site has sent, how fast it trained, and the deadline once', () => {
    const received = { ...part, state: 'received', stage: 'uploading', bytes: 660_000, bytesDown: 1_100_000 } as const;
    const round: NonNullable<RunView['currentRound']> = {
      n: 3,
      attempt: 1,
      kind: 'train',
      state: 'collecting',
      openedAt: '2026-11-22T18:00:00Z',
      deadlineAt: '2026-11-22T19:00:00Z',
      closedAt: null,
      reason: null,
      answered: 1,
      declined: 0,
      loss: null,
      seconds: null,
      bytesUp: 0,
      plainBytesUp: 0,
      bytesDown: 1_100_000,
      plainBytesDown: 4_400_000,
      timings: null,
    };
    const text = runText(runViewOf({ assignments: [received], currentRound: round }), NOW);
    expect(text).toMatch(/site-a +received +2 min 0 s +660 kB sent, 1\.1 MB fetched +6\.3 images\/s/);
    expect(text).toMatch(/round +3 \(train, attempt 2\): collecting, 10 min 0 s, 1 answered/);
    expect(text).toMatch(/fetched +1\.1 MB \(4\.0 times smaller\)/);
    expect(text.match(/19:00:00 UTC/g)).toHaveLength(1);
  });

  it('tells by how much a time has passed', () => {
    const text = runText(runViewOf({ waitingUntil: '2026-11-22T18:09:00Z' }), NOW);
    expect(text).toContain('2026-11-22 18:09:00 UTC, 1 min 0 s ago');
  });

  it('says why a run is paused and what to do', () => {
    const problem = {
      code: 'DISK_FULL',
      message: '3 GB are needed, 1 GB is free',
      remedy: 'Free space.',
      retryable: true,
    };
    const text = runText(runViewOf({ state: 'paused', pauseCause: 'storage', problem }), NOW);
    expect(text).toContain('paused (storage)');
    expect(text).toContain('DISK_FULL: 3 GB are needed, 1 GB is free');
    expect(text).toContain('Free space.');
  });
});
