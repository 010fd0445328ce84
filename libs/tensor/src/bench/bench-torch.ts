import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Contender } from './bench-engine.js';
import type { BenchSize } from './bench-step.js';

const SCRIPT = path.resolve(import.meta.dirname, '../../bench/torch_unet.py');
const FORMATS = ['default', 'channels_last'] as const;

const readySchema = z.object({ version: z.string(), parameters: z.int() });
const timesSchema = z.object({ trainMs: z.number(), sampleMs: z.number() });

/** The same network in PyTorch, each memory format in a Python process that measures one step whenever it is told to. */
export async function benchTorch(python: string, size: BenchSize, threads: number): Promise<Contender[]> {
  const contenders: Contender[] = [];
  for (const format of FORMATS) {
    const child = spawn(python, [SCRIPT, JSON.stringify({ ...size, threads, format })]);
    child.stderr.resume();
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const ready = readySchema.parse(await nextLine(lines));
    contenders.push(
      torchContender(child, lines, { name: `torch ${ready.version}, ${format}`, parameters: ready.parameters }),
    );
  }
  return contenders;
}

function torchContender(
  child: ChildProcessWithoutNullStreams,
  lines: AsyncIterator<string>,
  named: { name: string; parameters: number },
): Contender {
  return {
    ...named,
    measure: async () => {
      child.stdin.write('measure\n');
      return timesSchema.parse(await nextLine(lines));
    },
    dispose: async () => {
      child.stdin.end();
      await new Promise((resolve) => child.once('exit', resolve));
    },
  };
}

async function nextLine(lines: AsyncIterator<string>): Promise<unknown> {
  const next = await lines.next();
  if (next.done === true) throw new Error('the PyTorch process ended early; can its Python import torch?');
  return JSON.parse(next.value);
}
