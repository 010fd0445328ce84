import type { Command } from 'commander';
import type { Attach } from '../program.js';
import { withExample } from './example.js';

/** What models are for: images, and how good they are. */
export function defineGeneratorCommands(program: Command, attach: Attach): void {
  defineGenerate(program, attach);
  defineEvaluate(program, attach);
}

/** How images are drawn, wherever they are. */
function withSampling(command: Command): Command {
  return command
    .option(
      '--sampler <name>',
      'ddpm, ddim, heun, dpmpp-2m, dpmpp-2m-sde, euler, unipc, lms, pndm, ode, euler-maruyama, pc or langevin, as the process allows (else that of the recipe’s evaluation)',
    )
    .option('--steps <n>', 'steps of the sampler (else those of the recipe’s evaluation, or usual for another sampler)')
    .option(
      '--settings <list>',
      'what the sampler leaves to choose, as eta=0.5, churn=40, snr=0.2,corrector=none or tolerance=1e-4: evaluation.settings of the recipe',
    )
    .option(
      '--guidance <weight>',
      'classifier-free guidance, 0 to 20; 1 is none (else that of the recipe’s evaluation)',
    );
}

function defineGenerate(program: Command, attach: Attach): void {
  const generate = program
    .command('generate')
    .description(
      'Makes synthetic images with a pulled model. An image depends on its seed and class, not on its batch.',
    )
    .requiredOption('--model <dir|ref>', 'a pulled model, or a release of the coordinator such as run-4f3a9c1d')
    .option('--class <name>', 'only this class (else all classes in turn)')
    .option('--site <id>', 'in the style of this site (else all sites in turn)')
    .option('--count <n>', 'how many images (else 16, or as many as there are seeds)')
    .option('--seeds <seeds>', 'seeds such as 0-63 or 1,5,9 (else 0 to count - 1)');
  withSampling(generate)
    .option('--from <file>', 'start from this image (PNG, DICOM, NIfTI), fitted to the model’s size, instead of noise')
    .option('--strength <share>', 'with --from: how much is changed, 0 to 1 (else 0.5; with --mask 1)')
    .option('--mask <file>', 'with --from: make the white part anew and keep the black one')
    .option('--resamples <n>', 'with --mask: how often each step is made (else 5)')
    .option('--invert', 'with --from: encode the image as the noise that gives it (DDIM inversion) and bring it back')
    .option('--from-class <name>', 'with --invert: the class of the image, when another one is made of it')
    .option('--condition <path>', 'for models with an image condition: the image, or a folder of them in turn')
    .option(
      '--super-resolve <file>',
      'make sharp versions of this small image: each of its pixels is the mean of a block',
    )
    .option('--window <low,high>', 'also write values.npz: stored values of black and white (else those of the recipe)')
    .option('--threads <n>', 'threads of the engine', '1')
    .requiredOption('--out <dir>', 'where PNGs, grid.png, samples.npz and samples.json go, and volumes as NIfTI');
  withExample(generate, 'tributary generate --model ./generator --class base-lesion --seeds 0-63 --out ./samples');
  attach(generate, async () => (await import('../models/generation/generate.js')).generateVerb);
}

function defineEvaluate(program: Command, attach: Attach): void {
  const evaluate = program
    .command('evaluate')
    .description(
      'Scores a model beside a folder of real images: Frechet and kernel distance, diversity, nearness to training images, utility.',
    )
    .requiredOption('--model <dir|ref>', 'a pulled model, or a release of the coordinator such as run-4f3a9c1d')
    .requiredOption('--data <folder>', 'real images with labels.csv')
    .option('--count <n>', 'how many images are generated', '256')
    .option('--class <name>', 'only this class (else classes as frequent as in the folder)')
    .option('--site <id>', 'in the style of this site, whose folder it is: patients are split as for its training');
  withSampling(evaluate)
    .option('--utility-seeds <n>', 'trainings of the classifier a variant, 0 for none (else those of the recipe)')
    .option('--likelihood', 'also bits per dimension of held-out images, for processes that have an ODE')
    .option('--likelihood-images <n>', 'with --likelihood: of so many of them, drawn at random (else of all)')
    .option('--likelihood-tolerance <x>', 'with --likelihood: error of a step of the ODE (else 1e-4)')
    .option('--trace-samples <n>', 'with --likelihood: probes of the divergence an image (else 1)')
    .option('--threads <n>', 'threads of the engine', '1');
  withExample(evaluate, 'tributary evaluate --model ./generator --data /data/mri');
  attach(evaluate, async () => (await import('../evaluation/evaluate.js')).evaluateVerb);
}
