import type { Command } from 'commander';
import type { Attach } from '../program.js';
import { defineCoordinatorBenches } from './coordinator-benches.js';
import { withExample } from './example.js';

/** How quick and how good this machine is at what the product does. */
export function defineBenchCommands(program: Command, attach: Attach): void {
  const bench = program.command('bench').description('Measure this machine.');
  defineEngineBench(bench, attach);
  defineSamplingBench(bench, attach);
  defineAggregateBench(bench, attach);
  defineCoordinatorBenches(bench, attach);
  defineQualityBench(bench, attach);
}

function defineEngineBench(bench: Command, attach: Attach): void {
  const command = bench
    .command('engine')
    .summary('training and sampling speed beside PyTorch')
    .description(
      'Training and sampling speed and memory of the engines for three networks, in turn with diffusers where a Python has it.',
    )
    .option('--sizes <names>', 'some of mini, mednist, large, with commas between; all when left out')
    .option('--threads <counts>', 'numbers of threads, with commas between; 1 and all cores when left out')
    .option('--rounds <n>', 'how often everything is measured, in turn; the median counts', '5')
    .option('--python <path>', 'a Python with torch and diffusers')
    .option('--clip-examples', 'also training that clips the gradient of every example, as private training does');
  withExample(command, 'tributary bench engine --sizes mini --threads 2');
  attach(command, async () => (await import('../bench/bench-engine.js')).benchEngine);
}

function defineAggregateBench(bench: Command, attach: Attach): void {
  const command = bench
    .command('aggregate')
    .summary('speed and memory of an aggregation')
    .description('Speed and memory of an aggregation: FedAvg and a moving average, read, written and synced.')
    .option('--bytes <n>', 'size of the model', '100000000')
    .option('--sites <n>', 'updates of a round', '6')
    .option('--rounds <n>', 'rounds after one that warms up; the quickest counts', '3')
    .option(
      '--dir <dir>',
      'where files may be made, four times the model; the folder for temporary files when left out',
    );
  withExample(command, 'tributary bench aggregate --bytes 250000000 --sites 6');
  attach(command, async () => (await import('../bench/bench-aggregate.js')).benchAggregate);
}

function defineSamplingBench(bench: Command, attach: Attach): void {
  const command = bench
    .command('sampling')
    .description(
      'How quickly 16 images are made by 18 steps of Heun’s method, in turn with diffusers where a Python has it.',
    )
    .option('--size <name>', 'mini, mednist or large', 'mini')
    .option('--threads <n>', 'threads of each', '1')
    .option('--rounds <n>', 'how often everything is measured, in turn; the median counts', '5')
    .option('--python <path>', 'a Python with torch and diffusers');
  withExample(command, 'tributary bench sampling --size mini --threads 2');
  attach(command, async () => (await import('../bench/bench-sampling.js')).benchSampling);
}

function defineQualityBench(bench: Command, attach: Attach): void {
  const command = bench
    .command('quality')
    .description(
      'Train every process alike on the phantom; score every sampler that fits. Takes hours; goes on where it was stopped.',
    )
    .requiredOption('--out <folder>', 'results, weights and pictures')
    .option('--cases <names>', 'only these trainings, with commas between them')
    .option('--samplers <names>', 'only these samplers, with commas between them')
    .option('--only <pattern>', 'only where this regular expression fits "training sampling"')
    .option(
      '--sweep <steps>',
      'every combination that the recipe schema accepts from scratch, each sampler with its usual or its fewest steps',
    )
    .option('--minutes <n>', 'begin nothing more after so many minutes')
    .option('--train-steps <n>', 'training steps of each process', '3000')
    .option('--learning-rate <x>', 'largest learning rate', '0.004')
    .option('--channels <list>', 'channels of the levels of the network', '8,16,32')
    .option('--norm-groups <n>', 'groups of the group normalisation', '2')
    .option('--image-size <px>', 'width and height', '32')
    .option('--patients <n>', 'patients of each of three sites', '160')
    .option('--images <n>', 'images of each score', '256')
    .option('--longest <n>', 'only samplings of at most so many evaluations', '1000')
    .option('--seed <n>', 'of phantom, weights, training and images', '1')
    .option('--threads <n>', 'threads of the engine', '1');
  withExample(command, 'tributary bench quality --out quality --cases edm,ddpm-linear-epsilon');
  attach(command, async () => (await import('../bench/quality/quality-bench.js')).benchQuality);
}
