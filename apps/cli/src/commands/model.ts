import type { Command } from 'commander';
import type { Attach } from '../program.js';
import { withExample } from './example.js';

export function defineModelCommands(program: Command, attach: Attach): void {
  const model = program.command('model').description('Model versions and releases.');
  const list = model.command('list').description('All model versions that you may see.');
  withExample(list, 'tributary model list');
  attach(list, async () => (await import('../models/model-verbs.js')).listModels);

  const show = model.command('show <ref>').description('One version (RUN/ROUND) or the release of a run (RUN).');
  withExample(show, 'tributary model show run-4f3a9c1d');
  attach(show, async () => (await import('../models/model-verbs.js')).showModel);

  const pull = model
    .command('pull <ref>')
    .description(
      'Downloads a release as a diffusers folder with its card, lineage and signature, and verifies it. What has arrived is kept in DIR.download until then: the same command goes on with it.',
    )
    .requiredOption('-o, --out <dir>', 'a folder that does not exist yet');
  withExample(pull, 'tributary model pull run-4f3a9c1d -o ./generator');
  attach(pull, async () => (await import('../models/download/pull-model.js')).pullModelVerb);

  const verify = model
    .command('verify <dir>')
    .description('Checks a pulled model against its lineage and signature; needs no server.')
    .option('--public-key <key>', 'the coordinator’s release key (base64) that you trust');
  withExample(verify, 'tributary model verify ./generator');
  attach(verify, async () => (await import('../models/folder/verify-model.js')).verifyModelVerb);

  const reconstruct = model
    .command('reconstruct <ref>')
    .description(
      'Puts an average of another width together from those that are kept of a run (RUN or RUN/ROUND), for trials: it is not released.',
    )
    .requiredOption('--ema-width <width>', 'standard deviation of the average as a share of the rounds, 0.01 to 0.27')
    .requiredOption('-o, --out <dir>', 'a folder that does not exist yet');
  withExample(reconstruct, 'tributary model reconstruct run-4f3a9c1d --ema-width 0.15 -o ./wider');
  attach(reconstruct, async () => (await import('../models/averages/reconstruct-model.js')).reconstructModelVerb);

  const onnx = model
    .command('export-onnx <dir|ref>')
    .description('Writes the denoiser as one ONNX file (operator set 18, any batch) for ONNX Runtime and browsers.')
    .requiredOption('-o, --out <file>', 'the ONNX file');
  withExample(onnx, 'tributary model export-onnx ./generator -o denoiser.onnx');
  attach(onnx, async () => (await import('../models/export-onnx-verb.js')).exportOnnxVerb);

  const card = model.command('card <ref>').description('Prints the card of a release.');
  withExample(card, 'tributary model card run-4f3a9c1d');
  attach(card, async () => (await import('../models/model-verbs.js')).printCard);
  defineUseOfModels(program, attach);
}

const SAMPLER_TEXT =
  'ddpm, ddim, heun, dpmpp-2m, dpmpp-2m-sde, euler, unipc, lms, pndm, ode, euler-maruyama, pc or langevin, as the process allows (else that of the recipe’s evaluation)';
const STEPS_TEXT = 'steps of the sampler (else those of the recipe’s evaluation, or usual for another sampler)';
const SETTINGS_TEXT =
  'what the sampler leaves to choose, as eta=0.5, churn=40, snr=0.2,corrector=none or tolerance=1e-4: evaluation.settings of the recipe';

function defineUseOfModels(program: Command, attach: Attach): void {
  const generate = program
    .command('generate')
    .description(
      'Makes synthetic images with a pulled model. An image depends on its seed and class, not on its batch.',
    )
    .requiredOption('--model <dir|ref>', 'a pulled model, or a release of the coordinator such as run-4f3a9c1d')
    .option('--class <name>', 'only this class (else all classes in turn)')
    .option('--site <id>', 'in the style of this site (else all sites in turn)')
    .option('--count <n>', 'how many images (else 16, or as many as there are seeds)')
    .option('--seeds <seeds>', 'seeds such as 0-63 or 1,5,9 (else 0 to count - 1)')
    .option('--sampler <name>', SAMPLER_TEXT)
    .option('--steps <n>', STEPS_TEXT)
    .option('--settings <list>', SETTINGS_TEXT)
    .option(
      '--guidance <weight>',
      'classifier-free guidance, 0 to 20; 1 is none (else that of the recipe’s evaluation)',
    )
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

  const evaluate = program
    .command('evaluate')
    .description(
      'Scores a model beside a folder of real images: Frechet and kernel distance, diversity, nearness to training images, utility.',
    )
    .requiredOption('--model <dir|ref>', 'a pulled model, or a release of the coordinator such as run-4f3a9c1d')
    .requiredOption('--data <folder>', 'real images with labels.csv')
    .option('--count <n>', 'how many images are generated', '256')
    .option('--class <name>', 'only this class (else classes as frequent as in the folder)')
    .option('--site <id>', 'in the style of this site, whose folder it is: patients are split as for its training')
    .option('--sampler <name>', SAMPLER_TEXT)
    .option('--steps <n>', STEPS_TEXT)
    .option('--settings <list>', SETTINGS_TEXT)
    .option(
      '--guidance <weight>',
      'classifier-free guidance, 0 to 20; 1 is none (else that of the recipe’s evaluation)',
    )
    .option('--utility-seeds <n>', 'trainings of the classifier a variant, 0 for none (else those of the recipe)')
    .option('--likelihood', 'also bits per dimension of held-out images, for processes that have an ODE')
    .option('--likelihood-images <n>', 'with --likelihood: of so many of them, drawn at random (else of all)')
    .option('--likelihood-tolerance <x>', 'with --likelihood: error of a step of the ODE (else 1e-4)')
    .option('--trace-samples <n>', 'with --likelihood: probes of the divergence an image (else 1)')
    .option('--threads <n>', 'threads of the engine', '1');
  withExample(evaluate, 'tributary evaluate --model ./generator --data /data/mri');
  attach(evaluate, async () => (await import('../evaluation/evaluate.js')).evaluateVerb);
}
