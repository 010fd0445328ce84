import type { Command } from 'commander';
import type { Attach } from '../program.js';
import { withExample } from './example.js';

/** What rounds cost: without training, beside training, with many sites. */
export function defineCoordinatorBenches(bench: Command, attach: Attach): void {
  defineRounds(bench, attach);
  defineShortRounds(bench, attach);
  defineNeighbours(bench, attach);
  defineAgents(bench, attach);
}

function defineRounds(bench: Command, attach: Attach): void {
  const rounds = bench
    .command('rounds')
    .summary('seconds and memory of rounds without training')
    .description(
      'A real coordinator and light sites: rounds are offered, downloaded, answered, verified, aggregated and published, and nothing is trained. The coordinator works on the database and the bucket that the environment names, if any.',
    )
    .option('--bytes <n>', 'size of the model; 10 MB and 100 MB x 4 sites and 250 MB x 6 sites when left out')
    .option('--sites <n>', 'sites that answer')
    .option('--rounds <n>', 'rounds of each; the median of all but the first counts', '4')
    .option(
      '--dir <dir>',
      'where files may be made, sites + 4 times the model; the folder for temporary files when left out',
    )
    .option(
      '--ema-decay <share>',
      'what the moving average of the weights keeps in a round; 0: the coordinator makes none, as its peers',
      '0',
    )
    .option('--streams', 'also time plain streams that read and write the same bytes')
    .option('--python <path>', 'a Python with flwr and numpy, or nvflare: the same rounds in them');
  withExample(rounds, 'tributary bench rounds --bytes 100000000 --sites 4');
  attach(rounds, async () => (await import('../bench/rounds/bench-rounds.js')).benchRounds);
}

function defineShortRounds(bench: Command, attach: Attach): void {
  const shortRounds = bench
    .command('short-rounds')
    .summary('what a round costs beside its training')
    .description(
      'A real coordinator, real agents and their trainers with a tiny model: the time from the last answer of one round to the first training step of the next, what it consists of, and what a site sends and fetches.',
    )
    .option('--sites <n>', 'sites that train', '3')
    .option('--rounds <n>', 'rounds of two steps each; the median of all but the first counts', '40')
    .option('--network <name>', 'mini, mednist or large, as in the benches of engines, on images of 16 pixels')
    .option('--exchange <parts>', 'what the sites share: full, usplit, ulatdec or udec', 'full')
    .option('--dir <dir>', 'where files may be made; the folder for temporary files when left out');
  withExample(shortRounds, 'tributary bench short-rounds --sites 3');
  attach(shortRounds, async () => (await import('../bench/rounds/bench-short-rounds.js')).benchShortRounds);
}

function defineNeighbours(bench: Command, attach: Attach): void {
  const neighbours = bench
    .command('neighbours')
    .summary('a small run beside large ones')
    .description(
      'A real coordinator and light sites: the rounds of a small model alone, then again and again while runs of a large model at the same sites go on.',
    )
    .option('--bytes <n>', 'size of the small model', '100000')
    .option('--sites <n>', 'sites, all in every run', '3')
    .option('--rounds <n>', 'rounds of the small run each time; all but the first count', '8')
    .option('--large-bytes <n>', 'size of the large model', '250000000')
    .option('--large-runs <n>', 'large runs at the same time', '2')
    .option('--large-rounds <n>', 'rounds of each large run', '3')
    .option('--dir <dir>', 'where files may be made; the folder for temporary files when left out');
  withExample(neighbours, 'tributary bench neighbours --large-bytes 50000000');
  attach(neighbours, async () => (await import('../bench/rounds/bench-neighbours.js')).benchNeighbours);
}

function defineAgents(bench: Command, attach: Attach): void {
  const agents = bench
    .command('agents')
    .summary('many connected sites, one round for all')
    .description(
      'A real coordinator and many light sites in a few processes: one round is offered to all of them, answered and closed.',
    )
    .option('--agents <n>', 'connected sites', '1000')
    .option('--processes <n>', 'processes that the sites are spread over', '4');
  withExample(agents, 'tributary bench agents --agents 1000');
  attach(agents, async () => (await import('../bench/rounds/bench-agents.js')).benchAgents);
}
