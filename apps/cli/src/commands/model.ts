import type { Command } from 'commander';
import type { Attach } from '../program.js';
import { withExample } from './example.js';

/** Versions and releases of models: what there is, and copies of it on this machine. */
export function defineModelCommands(program: Command, attach: Attach): void {
  const model = program.command('model').description('Model versions and releases.');
  defineVersions(model, attach);
  defineCopies(model, attach);
  defineReconstruct(model, attach);
  defineExport(model, attach);
  defineCard(model, attach);
}

function defineVersions(model: Command, attach: Attach): void {
  const list = model.command('list').description('All model versions that you may see.');
  withExample(list, 'tributary model list');
  attach(list, async () => (await import('../models/model-verbs.js')).listModels);

  const show = model.command('show <ref>').description('One version (RUN/ROUND) or the release of a run (RUN).');
  withExample(show, 'tributary model show run-4f3a9c1d');
  attach(show, async () => (await import('../models/model-verbs.js')).showModel);
}

function defineCopies(model: Command, attach: Attach): void {
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
}

function defineReconstruct(model: Command, attach: Attach): void {
  const reconstruct = model
    .command('reconstruct <ref>')
    .description(
      'Puts an average of another width together from those that are kept of a run (RUN or RUN/ROUND), for trials: it is not released.',
    )
    .requiredOption('--ema-width <width>', 'standard deviation of the average as a share of the rounds, 0.01 to 0.27')
    .requiredOption('-o, --out <dir>', 'a folder that does not exist yet');
  withExample(reconstruct, 'tributary model reconstruct run-4f3a9c1d --ema-width 0.15 -o ./wider');
  attach(reconstruct, async () => (await import('../models/averages/reconstruct-model.js')).reconstructModelVerb);
}

function defineExport(model: Command, attach: Attach): void {
  const onnx = model
    .command('export-onnx <dir|ref>')
    .description('Writes the denoiser as one ONNX file (operator set 18, any batch) for ONNX Runtime and browsers.')
    .requiredOption('-o, --out <file>', 'the ONNX file');
  withExample(onnx, 'tributary model export-onnx ./generator -o denoiser.onnx');
  attach(onnx, async () => (await import('../models/export-onnx-verb.js')).exportOnnxVerb);
}

function defineCard(model: Command, attach: Attach): void {
  const card = model.command('card <ref>').description('Prints the card of a release.');
  withExample(card, 'tributary model card run-4f3a9c1d');
  attach(card, async () => (await import('../models/model-verbs.js')).printCard);
}
