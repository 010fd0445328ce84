import { modelVersionSchema, releaseSchema, type ModelVersion } from '@tributary/protocol/http';
import { readLineage } from '@tributary/protocol/recorded-lineage';
import { z } from 'zod';
import type { Action } from '../command-context.js';
import { formatBytes, formatMoment } from '../output/quantities.js';
import { textTable } from '../output/table.js';
import { argumentAt } from '../verb-options.js';
import { modelCard } from './folder/model-card.js';
import { modelReferenceOf } from './model-reference.js';

export const listModels: Action = async (context) => {
  const api = await context.api();
  const versions = await api.get('/v1/models', z.array(modelVersionSchema));
  context.output.list(versions, versionTable(versions));
};

export const showModel: Action = async (context, { arguments: values }) => {
  const api = await context.api();
  const { runId, round } = modelReferenceOf(argumentAt(values, 0, 'ref'));
  if (round === null) {
    const release = await api.get(`/v1/releases/${runId}`, releaseSchema);
    context.output.document(release, modelCard(readLineage(release.lineage)));
    return;
  }
  const version = await api.get(`/v1/models/${runId}/${round}`, modelVersionSchema);
  context.output.document(version, versionTable([version]));
};

export const printCard: Action = async (context, { arguments: values }) => {
  const api = await context.api();
  const { runId } = modelReferenceOf(argumentAt(values, 0, 'ref'));
  const lineage = readLineage((await api.get(`/v1/releases/${runId}`, releaseSchema)).lineage);
  context.output.document({ version: lineage.version, card: modelCard(lineage) }, modelCard(lineage));
};

function versionTable(versions: readonly ModelVersion[]): string {
  const rows = versions.map(({ version, createdAt, released, weights }) => [
    version,
    formatMoment(createdAt),
    released ? 'yes' : 'no',
    formatBytes(weights.sizeBytes),
    weights.sha256.slice(0, 16),
  ]);
  return textTable(['VERSION', 'MADE', 'RELEASED', 'SIZE', 'SHA-256'], rows);
}
