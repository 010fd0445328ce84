import { exportOnnxDenoiser } from '@tributary/diffusion';
import { embeddingRows } from '@tributary/protocol/recipe';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import type { Action } from '../command-context.js';
import { argumentAt, parseVerbOptions } from '../verb-options.js';
import { openModel } from './open-model.js';

/** `tributary model export-onnx`: the denoiser of a pulled model or of a release as one ONNX file. */
export const exportOnnxVerb: Action = async (context, { arguments: values, options }) => {
  const { out } = parseVerbOptions(z.object({ out: z.string().min(1) }), options);
  const { version, recipe, siteIds, weights } = await openModel(context, argumentAt(values, 0, 'model'));
  const file = resolve(context.host.cwd, out);
  await mkdir(dirname(file), { recursive: true });
  const classRows = embeddingRows(recipe, siteIds.length);
  const part = `${file}.part`;
  try {
    await exportOnnxDenoiser({ recipe, weights: weights.values, classRows, file: part });
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  context.output.document({ version, file, classRows }, `The denoiser of ${version} is in ${file}.`);
};
