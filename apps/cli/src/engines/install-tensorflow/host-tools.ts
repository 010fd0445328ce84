import { TributaryError } from '@tributary/protocol/errors';
import { arch, platform } from 'node:os';
import { z } from 'zod';
import type { RunTool, ToolOptions } from './tool.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** What this process is; tests hand in others. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** Undefined where the C library is not glibc. */
  readonly glibc: string | undefined;
}

const reportSchema = z.object({ header: z.object({ glibcVersionRuntime: z.string().optional() }) });

/** The system that this process runs on. */
export function thisPlatform(): Platform {
  const report = reportSchema.safeParse(process.report.getReport());
  return { os: platform(), architecture: arch(), glibc: report.data?.header.glibcVersionRuntime };
}

/** @throws TributaryError ENGINE_PLATFORM_UNSUPPORTED where TensorFlow's wheels do not run. */
export function requirePlatform({ os, architecture, glibc }: Platform): void {
  if (os === 'linux' && architecture === 'x64' && glibc !== undefined) return;
  const library = os === 'linux' && glibc === undefined ? ' without glibc' : '';
  throw new TributaryError('ENGINE_PLATFORM_UNSUPPORTED', { detail: `this is ${os}-${architecture}${library}` });
}

/** The C++ compiler: CXX, else g++. @throws TributaryError ENGINE_COMPILER_MISSING. */
export async function findCompiler(run: RunTool, env: Environment, options: ToolOptions): Promise<string> {
  const compiler = env['CXX'] ?? 'g++';
  const { isDone } = await run(compiler, ['--version'], options);
  if (!isDone) throw new TributaryError('ENGINE_COMPILER_MISSING', { detail: `${compiler} does not run` });
  return compiler;
}

/** A Python with pip: PYTHON, else python3, else python. @throws TributaryError ENGINE_PYTHON_MISSING. */
export async function findPython(run: RunTool, env: Environment, options: ToolOptions): Promise<string> {
  const candidates = [env['PYTHON'], 'python3', 'python'].filter((name) => name !== undefined);
  for (const python of candidates) {
    if ((await run(python, ['-m', 'pip', '--version'], options)).isDone) return python;
  }
  throw new TributaryError('ENGINE_PYTHON_MISSING', { detail: `none of ${candidates.join(', ')} runs pip` });
}
