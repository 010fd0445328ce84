import { describe, expect, it } from '@jest/globals';
import { importsOf, packagesReachedFrom, resolveOurs, sourcesUnder, workspaceOf } from './import-graph.js';

/** What a library may import of ours (docs/explanation-architecture.md). */
const LAW: Record<string, readonly string[]> = {
  'libs/protocol': [],
  'libs/onnx-graph': [],
  'libs/random': [],
  'libs/safetensors': ['libs/protocol'],
  'libs/kernels': ['libs/onnx-graph', 'libs/random'],
  'libs/tensor': ['libs/kernels', 'libs/onnx-graph'],
  'libs/layers': ['libs/tensor', 'libs/kernels', 'libs/onnx-graph', 'libs/random'],
  'libs/engines': ['libs/layers', 'libs/tensor', 'libs/kernels', 'libs/onnx-graph', 'libs/random', 'libs/protocol'],
  'libs/federation': ['libs/protocol'],
  'libs/imaging': ['libs/protocol'],
  'libs/diffusion': [
    'libs/layers',
    'libs/tensor',
    'libs/onnx-graph',
    'libs/random',
    'libs/safetensors',
    'libs/protocol',
  ],
  'libs/evaluation': ['libs/layers', 'libs/tensor', 'libs/random', 'libs/protocol'],
};

const sources = [...sourcesUnder('libs'), ...sourcesUnder('apps')];
const importsOfOurs = sources.flatMap((file) =>
  importsOf(file).flatMap((specifier) => {
    const target = resolveOurs(file, specifier);
    return target === undefined || workspaceOf(target) === workspaceOf(file)
      ? []
      : [{ file, from: workspaceOf(file), to: workspaceOf(target) }];
  }),
);

describe('the law of imports', () => {
  it('lets a library import only the libraries it is allowed to', () => {
    const broken = importsOfOurs.filter(({ from, to }) => from.startsWith('libs/') && !(LAW[from] ?? []).includes(to));
    expect(broken).toEqual([]);
  });

  it('lets nothing import an app', () => {
    expect(importsOfOurs.filter(({ to }) => to.startsWith('apps/'))).toEqual([]);
  });

  it('keeps Nest out of the libraries', () => {
    const broken = sources.filter(
      (file) => file.startsWith('libs/') && importsOf(file).some((specifier) => specifier.startsWith('@nestjs/')),
    );
    expect(broken).toEqual([]);
  });

  it('never loads TensorFlow or ONNX Runtime in the coordinator', () => {
    for (const entry of sources.filter((file) => /^apps\/coordinator\/src\/(main|.*-worker)\.ts$/.test(file))) {
      const reached = [...packagesReachedFrom(entry).entries()].filter(([name]) =>
        /^@tensorflow\/|^onnxruntime/.test(name),
      );
      expect(reached).toEqual([]);
    }
  });

  it('runs no engine in a worker thread, whose end within a step would be the end of the process', () => {
    const entries = sources.filter((file) => importsOf(file).includes('node:worker_threads'));
    expect(entries.length).toBeGreaterThan(0);
    const reaching = entries.filter((entry) => packagesReachedFrom(entry).has('onnxruntime-node'));
    expect(reaching).toEqual([]);
  });

  it('loads ONNX Runtime in one place, where its reports to its maker are turned off before', () => {
    const loading = sources.filter(
      (file) => !file.endsWith('.spec.ts') && importsOf(file).includes('onnxruntime-node'),
    );
    expect(loading).toEqual(['libs/engines/src/onnx/onnx-runtime.ts']);
  });

  it('keeps a feature of the coordinator private except its service and module', () => {
    const inFeature = /^apps\/coordinator\/src\/([^/]+)\//;
    const broken = sources.flatMap((file) => {
      const from = inFeature.exec(file)?.[1];
      if (from === undefined) return [];
      return importsOf(file).flatMap((specifier) => {
        const target = resolveOurs(file, specifier);
        const to = target === undefined ? undefined : inFeature.exec(target)?.[1];
        const open =
          target === undefined ||
          to === undefined ||
          to === from ||
          to === 'platform' ||
          to === 'generated' ||
          /\.(service|module|guard|decorator)\.ts$/.test(target);
        return open ? [] : [`${file} imports ${target}`];
      });
    });
    expect(broken).toEqual([]);
  });

  it('has no folder or file named after nothing', () => {
    const nameless = /(^|\/)(utils?|helpers?|common|managers?|misc)(\.|\/)/;
    expect(sources.filter((file) => nameless.test(file))).toEqual([]);
  });
});
