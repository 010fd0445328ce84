import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '..', '..');
const MINUTE_MS = 60_000;
/** A step takes some tens of milliseconds: whatever is interrupted must be gone long before this. */
const END_WITHIN_MS = 10_000;
const MEBIBYTE = 2 ** 20;

/** Trains until it is stopped, on convolutions and products that take a while, and says after the first step that it runs. */
const TRAINING = `
  const tf = await import('@tensorflow/tfjs-core');
  const { openEngine } = await import('@tributary/engines');
  const engine = await openEngine({ name: 'onnx', threads: 2 });
  const step = ({ x }, { w }) => {
    const { value, grad } = tf.valueAndGrad((w) => tf.mean(tf.square(tf.conv2d(x, w, 1, 'same'))))(w);
    return { outputs: { loss: value }, state: { w: tf.sub(w, grad) } };
  };
  const signature = { inputs: { x: { shape: [8, 64, 64, 32] } }, state: { w: { shape: [3, 3, 32, 32] } } };
  const program = await engine.compile(step, signature);
  const x = new Float32Array(8 * 64 * 64 * 32).fill(0.5);
  await program.run({ x });
  announce();
  while (!globalThis.isStopping) {
    await program.run({ x });
    await new Promise((done) => setImmediate(done));
  }
  await program.dispose();
  await engine.dispose();
`;

const childSource = `const announce = () => process.stdout.write('running\\n'); ${TRAINING}`;
const workerSource = `
  const { parentPort } = require('node:worker_threads');
  const announce = () => parentPort.postMessage('running');
  parentPort.once('message', () => (globalThis.isStopping = true));
  (async () => { ${TRAINING} })();
`;

async function startChild(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', childSource], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

/**
 * A worker is asked to stop between two steps. It must not be terminated within one: onnxruntime-node 1.30 then ends the
 * whole process, because its native call cannot return to a thread that is being torn down.
 */
async function interruptWorker(): Promise<void> {
  const worker = new Worker(workerSource, { eval: true });
  await once(worker, 'message');
  const ended = once(worker, 'exit');
  worker.postMessage('stop');
  await ended;
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

describe('a training step that is interrupted', () => {
  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'ends with its process at once (%s), and the next process trains',
    async (signal) => {
      for (let round = 0; round < 2; round++) {
        const child = await startChild();
        const ended = once(child, 'exit');
        child.kill(signal);
        expect(await secondsOf(() => ended)).toBeLessThan(END_WITHIN_MS / 1000);
        expect(child.signalCode).toBe(signal);
      }
    },
    2 * MINUTE_MS,
  );

  it(
    'is the last of a worker that is asked to stop, whose memory comes back',
    async () => {
      await interruptWorker();
      await interruptWorker();
      const early = process.memoryUsage.rss();
      for (let round = 0; round < 5; round++) {
        expect(await secondsOf(interruptWorker)).toBeLessThan((2 * END_WITHIN_MS) / 1000);
      }
      // One program of this size holds about 100 MiB: five that leaked would show.
      expect(process.memoryUsage.rss() - early).toBeLessThan(150 * MEBIBYTE);
    },
    5 * MINUTE_MS,
  );
});
