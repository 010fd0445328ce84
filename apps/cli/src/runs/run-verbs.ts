import { runViewSchema } from '@tributary/protocol/http';
import { recipeSchema } from '@tributary/protocol/recipe';
import { z } from 'zod';
import type { Action } from '../command-context.js';
import { readInputFile } from '../input-file.js';
import { textTable } from '../output/table.js';
import { argumentAt, parseVerbOptions } from '../verb-options.js';
import { runText } from './run-text.js';
import { openStartModel, recipesFrom, sendStartModel } from './start-from.js';

const createOptionsSchema = z.object({
  study: z.string().min(1),
  approveBy: z.iso.datetime({ offset: true, error: 'a time such as 2026-12-01T08:00:00Z' }).optional(),
  startFrom: z.string().min(1).optional(),
});

export const createRun: Action = async (context, { options }) => {
  const { study, approveBy, startFrom } = parseVerbOptions(createOptionsSchema, options);
  const model = startFrom === undefined ? undefined : await openStartModel(context, startFrom);
  const schema = model === undefined ? recipeSchema : recipesFrom(model);
  const recipe = await readInputFile(context, options, { schema, code: 'RECIPE_INVALID' });
  const api = await context.api();
  if (model !== undefined) await sendStartModel(context, recipe, model);
  const run = await api.post('/v1/runs', { studyId: study, recipe, approvalDeadlineAt: approveBy }, runViewSchema);
  context.output.document(
    run,
    `${run.id} is ${run.state}; recipe ${run.recipeSha256}.\nFollow it: tributary run watch ${run.id}`,
  );
};

export const listRuns: Action = async (context) => {
  const api = await context.api();
  const runs = await api.get('/v1/runs', z.array(runViewSchema));
  const rows = runs.map((run) => [
    ...[run.id, run.name, run.studyId, run.state, `${run.roundsDone} of ${run.rounds}`],
    run.problem?.code ?? '',
  ]);
  context.output.list(runs, textTable(['RUN', 'NAME', 'STUDY', 'STATE', 'ROUNDS', 'LAST ERROR'], rows));
};

export const showRun: Action = async (context, { arguments: values }) => {
  const api = await context.api();
  const run = await api.get(runPath(values), runViewSchema);
  context.output.document(run, runText(run, new Date()));
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
