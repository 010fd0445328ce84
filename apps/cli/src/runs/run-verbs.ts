import { runViewSchema, type RunView } from '@tributary/protocol/http';
import { recipeSchema } from '@tributary/protocol/recipe';
import { z } from 'zod';
import type { Action } from '../command-context.js';
import { readInputFile } from '../input-file.js';
import { textTable } from '../output/table.js';
import { argumentAt, parseVerbOptions } from '../verb-options.js';

export const createRun: Action = async (context, { options }) => {
  const { study } = parseVerbOptions(z.object({ study: z.string().min(1) }), options);
  const recipe = await readInputFile(context, options, { schema: recipeSchema, code: 'RECIPE_INVALID' });
  const api = await context.api();
  const run = await api.post('/v1/runs', { studyId: study, recipe }, runViewSchema);
  context.output.document(
    run,
    `${run.id} is ${run.state}; recipe ${run.recipeSha256}.\nFollow it: tributary run watch ${run.id}`,
  );
};

export const listRuns: Action = async (context) => {
  const api = await context.api();
  const runs = await api.get('/v1/runs', z.array(runViewSchema));
  const rows = runs.map((run) => [run.id, run.name, run.studyId, run.state, `${run.roundsDone} of ${run.rounds}`]);
  context.output.list(runs, textTable(['RUN', 'NAME', 'STUDY', 'STATE', 'ROUNDS'], rows));
};

export const showRun: Action = async (context, { arguments: values }) => {
  const api = await context.api();
  const run = await api.get(runPath(values), runViewSchema);
  context.output.document(run, runText(run));
};

/** The verb that sends one event to a run's life cycle. */
export function controlRun(event: 'pause' | 'resume' | 'cancel'): Action {
  return async (context, { arguments: values }) => {
    const api = await context.api();
    const run = await api.post(`${runPath(values)}/${event}`, {}, runViewSchema);
    context.output.document(run, `${run.id} is ${run.state}.`);
  };
}

function runPath(values: readonly string[]): string {
  return `/v1/runs/${encodeURIComponent(argumentAt(values, 0, 'id'))}`;
}

function runText(run: RunView): string {
  const scores = run.evaluation;
  const rows = [
    ['study', run.studyId],
    ['sites', run.sites.join(', ')],
    ['rounds', `${run.roundsDone} of ${run.rounds}`],
    ['recipe', run.recipeSha256],
    ['waiting for', run.waitingFor ?? 'nothing'],
    ['problem', run.problem === null ? 'none' : `${run.problem.code}: ${run.problem.message}`],
    ['release', run.release?.version ?? 'none'],
    [
      'Frechet distance',
      scores === null ? 'not measured' : `${scores.before.fd.toFixed(3)} -> ${scores.after.fd.toFixed(3)}`,
    ],
  ];
  return textTable([run.id, run.state], rows);
}
