import type { RoundView, RunView } from '@tributary/protocol/http';

export interface StageSeconds {
  readonly stage: string;
  readonly seconds: number;
}

/** How a run's time divides into the sites' approval, the training rounds and the evaluation. */
export function runStages(run: Pick<RunView, 'createdAt' | 'endedAt'>, rounds: readonly RoundView[]): StageSeconds[] {
  const begin = Date.parse(run.createdAt);
  const end = Date.parse(run.endedAt ?? run.createdAt);
  const training = rounds.filter(({ kind }) => kind === 'train').map(({ openedAt }) => Date.parse(openedAt));
  const evaluation = rounds.filter(({ kind }) => kind === 'evaluate').map(({ openedAt }) => Date.parse(openedAt));
  const trainingBegin = Math.min(end, ...training);
  const evaluationBegin = Math.min(end, ...evaluation);
  return [
    { stage: 'approval by the sites', seconds: (trainingBegin - begin) / 1000 },
    { stage: 'training', seconds: (evaluationBegin - trainingBegin) / 1000 },
    { stage: 'evaluation', seconds: (end - evaluationBegin) / 1000 },
  ];
}
