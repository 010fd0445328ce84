import type { Command } from 'commander';
import type { Attach } from '../program.js';
import { withExample } from './example.js';

const CONTROL = {
  pause: 'Opens no further round until it is resumed.',
  resume: 'Goes on with a paused run.',
  cancel: 'Ends a run for good; its model versions stay.',
} as const;

/** Runs: from the proposal of a recipe to the end. */
export function defineRunCommands(program: Command, attach: Attach): void {
  const run = program.command('run').description('Executions of a recipe over a study’s sites.');
  defineCreate(run, attach);
  defineLook(run, attach);
  for (const verb of ['pause', 'resume', 'cancel'] as const) {
    const command = run.command(`${verb} <id>`).description(CONTROL[verb]);
    withExample(command, `tributary run ${verb} run-4f3a9c1d`);
    attach(command, async () => (await import('../runs/run-verbs.js')).controlRun(verb));
  }
}

function defineCreate(run: Command, attach: Attach): void {
  const create = run
    .command('create')
    .description('Proposes a recipe to the study’s sites; it starts when they have approved it.')
    .requiredOption('-f, --file <file>', 'the recipe as YAML or JSON: docs/ref-recipe.md')
    .requiredOption('--study <id>', 'the study')
    .option(
      '--start-from <dir>',
      'a diffusers UNet2DModel folder whose weights the run goes on from; they are sent first',
    )
    .option('--approve-by <time>', 'until when sites may answer, as 2026-12-01T08:00:00Z; else the approval window');
  withExample(
    create,
    'tributary run create -f recipe.yaml --study brain-mri',
    'tributary run create -f recipe.yaml --study skin --start-from ./ddpm-cifar10-32',
  );
  attach(create, async () => (await import('../runs/run-verbs.js')).createRun);
}

function defineLook(run: Command, attach: Attach): void {
  const list = run.command('list').description('All runs with their state.');
  withExample(list, 'tributary run list');
  attach(list, async () => (await import('../runs/run-verbs.js')).listRuns);

  const show = run
    .command('show <id>')
    .description(
      'What is running: state, round, every site’s stage, what is waited for and until when, the last error.',
    );
  withExample(show, 'tributary run show run-4f3a9c1d');
  attach(show, async () => (await import('../runs/run-verbs.js')).showRun);

  const watch = run.command('watch <id>').description('One line an event until the run ends.');
  withExample(watch, 'tributary run watch run-4f3a9c1d', 'tributary --format ndjson run watch run-4f3a9c1d');
  attach(watch, async () => (await import('../runs/watch-run.js')).watchRun);
}
