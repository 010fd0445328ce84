import type { Command } from 'commander';
import type { Attach } from '../program.js';
import { withExample } from './example.js';

/** Makes and shows studies. */
export function defineStudyCommands(program: Command, attach: Attach): void {
  const study = program.command('study').description('What some sites work on together.');

  const create = study
    .command('create')
    .description('Makes a study from a YAML file.')
    .requiredOption('-f, --file <file>', 'the study: id, title, modality, classes, image');
  withExample(create, 'tributary study create -f study.yaml');
  attach(create, async () => (await import('../studies/study-verbs.js')).createStudy);

  const list = study.command('list').description('All studies of the consortium.');
  withExample(list, 'tributary study list');
  attach(list, async () => (await import('../studies/study-verbs.js')).listStudies);

  const show = study.command('show <id>').description('One study with its classes.');
  withExample(show, 'tributary study show brain-mri');
  attach(show, async () => (await import('../studies/study-verbs.js')).showStudy);
}
