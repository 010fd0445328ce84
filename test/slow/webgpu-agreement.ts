// Runs in a process of its own, with a software GPU in its environment: prints one JSON line a case, then the losses of a few training steps.
import { type Engine, RecordingError } from '@tributary/tensor';
import { openEngine } from '@tributary/engines';
import { probeProgram } from '@tributary/engines/probe-program';
import { outputShape, relativeDifference, runOn } from '@tributary/engines/agreement/agreement.spec-support';
import { AGREEMENT_CASES } from '@tributary/engines/agreement/cases.spec-support';
import { useMendedCpu } from '@tributary/engines/mended-cpu';

const STEPS = 4;
/** The GPU in software needs seconds for what a processor does in milliseconds. */
const SIZE = { batch: 2, sizePx: 8, channels: 8 };

const say = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

async function compare([cpu, gpu]: readonly [Engine, Engine], test: (typeof AGREEMENT_CASES)[number]): Promise<object> {
  const shape = outputShape(test);
  const expected = await runOn(cpu, test, shape);
  try {
    const actual = await runOn(gpu, test, shape);
    const differences = Object.entries(expected).map(([name, values]) =>
      relativeDifference(actual[name] ?? [], values),
    );
    return { case: test.name, difference: Math.max(...differences) };
  } catch (error) {
    if (!(error instanceof RecordingError)) throw error;
    return { case: test.name, refusal: error.message };
  }
}

async function losses(engine: Engine): Promise<number[]> {
  const program = await probeProgram(engine, SIZE);
  const values: number[] = [];
  for (let i = 0; i < STEPS; i++) values.push(await program.step());
  await program.dispose();
  return values;
}

await useMendedCpu();
const cpu = await openEngine({ name: 'onnx', threads: 1 });
const gpu = await openEngine({ name: 'onnx', device: 'webgpu', threads: 1 });
/** Why the device trains in float32 only; null where it has float16. */
async function halfPrecisionRefusal(): Promise<string | null> {
  try {
    await (await openEngine({ name: 'onnx', device: 'webgpu', precision: 'float16' })).dispose();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const float16 = await halfPrecisionRefusal();
say({ losses: { cpu: await losses(cpu), webgpu: await losses(gpu) }, float16 });
const [pattern = ''] = process.argv.slice(2);
for (const test of AGREEMENT_CASES) {
  if (!test.name.includes(pattern)) continue;
  say(await compare([cpu, gpu], test).catch((error: unknown) => ({ case: test.name, failure: String(error) })));
}
