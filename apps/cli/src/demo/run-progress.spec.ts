import { describe, expect, it } from '@jest/globals';
import type { RunEvent, RunView } from '@tributary/protocol/http';
import { runViewOf } from '../runs/run-view.spec-support.js';
import { NO_PROGRESS, liveLines, milestoneText, withEvents, withView } from './run-progress.js';

function published(round: number): RunEvent {
  const detail = { answered: 3, loss: 0.0412, seconds: 12.3, bytesUp: 4_300_000 };
  return { seq: round, at: '2026-11-22T18:00:00Z', kind: 'round.published', round, siteId: null, detail };
}

function view(changes: Partial<RunView> = {}): RunView {
  return runViewOf({ sites: ['site-a', 'site-b', 'site-c'], waitingFor: 'site-b', waitingUntil: null, ...changes });
}

describe('the live view', () => {
  it('tells each finished round in one line', () => {
    const progress = withEvents(withView(NO_PROGRESS, view()), [published(3)]);
    expect(milestoneText(progress, 30)).toBe('Round 3 of 8 · 3 of 3 sites · loss 0.0412 · 12 s · 4.3 MB up · site-b');
  });

  it('tells how much smaller compressed updates are', () => {
    const event = published(3);
    const compressed = { ...event, detail: { ...event.detail, plainBytesUp: 16_770_000 } };
    const progress = withEvents(withView(NO_PROGRESS, view()), [compressed]);
    expect(milestoneText(progress, 30)).toContain('4.3 MB (3.9 times smaller) up');
  });

  it('shows the last rounds only, under a bar with the time left', () => {
    const events = [1, 2, 3, 4, 5, 6, 7].map(published);
    const lines = liveLines(withEvents(withView(NO_PROGRESS, view()), events), 70);
    expect(lines[0]).toContain('7 of 8 rounds · 1 min 10 s · about 10 s left');
    expect(lines).toHaveLength(8);
    expect(lines[1]).toContain('Round 2 of 8');
  });

  it('counts a round that is told twice once', () => {
    const progress = withEvents(withEvents(NO_PROGRESS, [published(1), published(2)]), [published(2)]);
    expect(progress.finished.map(({ n }) => n)).toEqual([1, 2]);
  });

  it('says what the run waits for before the first round is done', () => {
    expect(milestoneText(withView(NO_PROGRESS, view()), 1)).toBe('Before the first round · site-b');
  });

  it('tells how far each site is with the evaluation', () => {
    const assignment = {
      id: 'run-4f3a9c1d-r9-a0-site-a',
      siteId: 'site-a',
      state: 'training',
      stage: 'evaluating',
      done: 30,
      total: 120,
      updatedAt: '2026-11-22T18:00:00Z',
      images: null,
      loss: null,
      bytes: null,
      bytesDown: 0,
      problem: null,
      baseVersion: 8,
      deadlineAt: '2026-11-22T19:00:00Z',
      stageSince: '2026-11-22T18:00:00Z',
      imagesPerSecond: null,
    } as const;
    const evaluating = view({ state: 'evaluating', assignments: [assignment] });
    expect(milestoneText(withView(NO_PROGRESS, evaluating), 1)).toBe('Evaluating · site-a evaluating 25 %');
  });
});
