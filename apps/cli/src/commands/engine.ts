import type { Command } from 'commander';
import type { Attach } from '../program.js';
import { withExample } from './example.js';

/** What this machine can train with. */
export function defineEngineCommands(program: Command, attach: Attach): void {
  const doctor = program.command('doctor').summary('what this machine has and what it can train with');
  doctor.description(
    'Engine and device that can be used, why others cannot, Node, memory, disk, and a short training probe.',
  );
  withExample(doctor, 'tributary doctor', 'tributary --format json doctor');
  attach(doctor, async () => (await import('../machine/doctor.js')).doctor);

  const engine = program.command('engine').description('Training engines of this machine.');
  const list = engine.command('list').description('Usable engines, and why others are not.');
  withExample(list, 'tributary engine list');
  attach(list, async () => (await import('../machine/engine-list.js')).listEngines);

  defineInstall(engine.command('install').description('Set up an optional engine.'), attach);
}

function defineInstall(install: Command, attach: Attach): void {
  const tensorflow = install
    .command('tensorflow')
    .summary('TensorFlow, for the CPU or an NVIDIA GPU')
    .description(
      'Downloads libtensorflow with pip and tfjs-node with npm, and compiles the addon between them. Run again, it resumes or finds all done.',
    )
    .option('--cuda', 'for an NVIDIA GPU: also NVIDIA’s libraries, about 2.5 GB')
    .option('--wheel <file>', 'the TensorFlow wheel, where it was downloaded before');
  withExample(tensorflow, 'tributary engine install tensorflow');
  attach(tensorflow, async () => (await import('../engines/engine-install.js')).installEngine);
}
