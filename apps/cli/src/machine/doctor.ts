import { openEngine, probeEngines } from '@tributary/engines';
import { statfs } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import type { Action } from '../command-context.js';
import { formatBytes, formatNumberOf } from '../output/quantities.js';
import { textTable } from '../output/table.js';
import { candidateTable } from './engine-list.js';
import { probeTraining } from './training-probe.js';

const PROBE_SECONDS = 2;

/** `tributary doctor`: what this machine can do for training. */
export const doctor: Action = async (context) => {
  context.output.note('Looking for engines');
  const candidates = await probeEngines();
  const engine = await openEngine({ name: 'auto' });
  context.output.note(`Training for ${PROBE_SECONDS} seconds with ${engine.name}`);
  const probe = await probeTraining(engine, PROBE_SECONDS);
  const { bavail, bsize } = await statfs(context.host.cwd);
  const document = {
    engine: { name: engine.name, device: engine.device, threads: engine.threads },
    candidates,
    trainImagesPerSecond: probe.imagesPerSecond,
    compileSeconds: probe.compileSeconds,
    node: process.version,
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: { total: totalmem(), free: freemem() },
    diskFreeBytes: bavail * bsize,
  };
  await engine.dispose();
  const rows = [
    ['speed', `${Math.round(probe.imagesPerSecond)} training images a second (32 px, quick demo's network)`],
    ['processor', `${document.processor}, ${document.cores} cores`],
    ['memory', `${formatBytes(document.memoryBytes.free)} of ${formatBytes(document.memoryBytes.total)} free`],
    ['disk here', `${formatBytes(document.diskFreeBytes)} free`],
    ['Node', document.node],
  ];
  const summary = textTable(
    ['engine', `${engine.name} on ${engine.device}, ${formatNumberOf(engine.threads, 'thread')}`],
    rows,
  );
  context.output.document(document, `${summary}\n\n${candidateTable(candidates)}`);
};
