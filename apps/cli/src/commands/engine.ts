import type { Command } from 'commander';
import type { Attach } from '../program.js';
import { withExample } from './example.js';

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

  const bench = program.command('bench').description('Measure this machine.');
  const measured = [
    ['engine', 'Training speed of an engine on the quick demo’s network.'],
    ['sampling', 'How quickly an engine makes images with the quick demo’s network.'],
  ] as const;
  for (const [name, description] of measured) {
    const command = bench
      .command(name)
      .description(description)
      .option('--engine <name>', 'auto, onnx, tensorflow or reference', 'auto')
      .option('--seconds <n>', 'how long each case is measured', '3')
      .option('--threads <n>', 'threads of the engine', '1');
    withExample(command, `tributary bench ${name} --threads 2`);
    attach(command, async () => {
      const verbs = await import('../machine/bench-verbs.js');
      return name === 'engine' ? verbs.benchEngine : verbs.benchSampling;
    });
  }
}
