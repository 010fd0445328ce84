import { tensorflowFolder } from '@tributary/engines/tensorflow/installation';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Action } from '../command-context.js';
import { formatSeconds } from '../output/quantities.js';
import { parseVerbOptions } from '../verb-options.js';
import { thisPlatform } from './install-tensorflow/host-tools.js';
import { installTensorflow } from './install-tensorflow/install-tensorflow.js';
import { installationPlan } from './install-tensorflow/installation-plan.js';
import { runTool } from './install-tensorflow/tool.js';

const optionsSchema = z.object({ cuda: z.boolean().default(false), wheel: z.string().min(1).optional() });

/** `tributary engine install tensorflow`: sets up the tensorflow engine, or finds that it is. */
export const installEngine: Action = async ({ host, output }, { options }) => {
  const { cuda, wheel } = parseVerbOptions(optionsSchema, options);
  const startMs = performance.now();
  const folder = tensorflowFolder(host.env);
  const installed = await installTensorflow(
    { folder, plan: installationPlan({ isCuda: cuda }), wheel: wheel && resolve(host.cwd, wheel) },
    { run: runTool, env: host.env, platform: thisPlatform(), signal: host.signal, note: (line) => output.note(line) },
  );
  const seconds = (performance.now() - startMs) / 1000;
  const document = { engine: 'tensorflow', folder, wasInstalled: installed === undefined, ...installed, seconds };
  const text =
    installed === undefined
      ? 'The tensorflow engine is installed already.'
      : `The tensorflow engine is installed: TensorFlow ${installed.version} on ${installed.device}, in ${formatSeconds(seconds)}.`;
  output.document(document, text);
};
