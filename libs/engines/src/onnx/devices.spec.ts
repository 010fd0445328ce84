import { describe, expect, it } from '@jest/globals';
import { absenceOf, type Machine } from './devices.js';

const machine = (changes: Partial<Machine> & { files?: string[] } = {}): Machine => ({
  platform: 'linux',
  arch: 'x64',
  environment: {},
  exists: (file) => (changes.files ?? []).some((known) => file.endsWith(known)),
  ...changes,
});

describe('absenceOf', () => {
  it('never misses the processor', () => {
    expect(absenceOf('cpu', machine())).toBeUndefined();
  });

  it('sees a GPU for webgpu by its driver, or by a variable that names one', () => {
    expect(absenceOf('webgpu', machine())).toContain('no GPU is visible');
    for (const file of ['/dev/dri', '/dev/nvidiactl', '/dev/dxg']) {
      expect(absenceOf('webgpu', machine({ files: [file] }))).toBeUndefined();
    }
    expect(absenceOf('webgpu', machine({ environment: { VK_DRIVER_FILES: '/icd.json' } }))).toBeUndefined();
    expect(absenceOf('webgpu', machine({ platform: 'darwin', arch: 'arm64' }))).toBeUndefined();
  });

  it('says what cuda lacks, one thing after the other, each with its remedy', () => {
    const provider = 'linux/x64/libonnxruntime_providers_cuda.so';
    expect(absenceOf('cuda', machine({ platform: 'darwin' }))).toContain('use webgpu');
    expect(absenceOf('cuda', machine({ arch: 'arm64' }))).toContain('use webgpu');
    expect(absenceOf('cuda', machine({ files: [provider] }))).toContain('--gpus');
    expect(absenceOf('cuda', machine({ files: ['/dev/nvidiactl'] }))).toContain('--onnxruntime-node-install=cuda12');
    expect(absenceOf('cuda', machine({ files: ['/dev/nvidiactl', provider] }))).toBeUndefined();
  });
});
