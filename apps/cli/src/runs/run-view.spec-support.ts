import { runViewSchema, type RunView } from '@tributary/protocol/http';

/** A run as the coordinator shows it. */
export function runViewOf(changes: Partial<RunView> = {}): RunView {
  return runViewSchema.parse({
    id: 'run-4f3a9c1d',
    studyId: 'brain-mri',
    name: 'night',
    recipeSha256: 'ab'.repeat(32),
    state: 'running',
    sites: ['site-a', 'site-b'],
    rounds: 8,
    roundsDone: 2,
    createdAt: '2026-11-22T18:00:00Z',
    endedAt: null,
    waitingFor: 'site-a (training), site-b (uploading)',
    waitingUntil: '2026-11-22T19:00:00Z',
    pauseCause: null,
    problem: null,
    currentRound: null,
    assignments: [],
    evaluation: null,
    release: null,
    ...changes,
  });
}
