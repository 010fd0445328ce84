import { describe, expect, it } from '@jest/globals';
import { TributaryError } from '@tributary/protocol';
import { errorFields } from '../logging/error-fields.js';
import { CauseOfDeath } from './cause-of-death.js';
import { trainerEnvironment } from './trainer-environment.js';

describe('trainerEnvironment', () => {
  it('passes on what engines need, and no proxy, token or option', () => {
    const environment = {
      PATH: '/usr/bin',
      LANG: 'C.UTF-8',
      LC_ALL: 'C',
      CUDA_VISIBLE_DEVICES: '0',
      LD_LIBRARY_PATH: '/opt/lib',
      TRIBUTARY_ENGINES_DIR: '/opt/engines',
      HTTPS_PROXY: 'http://user:secret@proxy',
      http_proxy: 'http://proxy',
      NODE_OPTIONS: '--require /tmp/x.js',
      TRIBUTARY_API_KEY: 'tba_secret',
      AWS_SECRET_ACCESS_KEY: 'secret',
      ORT_DISABLE_TELEMETRY: '0',
      EMPTY: undefined,
    };
    expect(trainerEnvironment(environment)).toEqual({
      PATH: '/usr/bin',
      LANG: 'C.UTF-8',
      LC_ALL: 'C',
      CUDA_VISIBLE_DEVICES: '0',
      LD_LIBRARY_PATH: '/opt/lib',
      TRIBUTARY_ENGINES_DIR: '/opt/engines',
      ORT_DISABLE_TELEMETRY: '1',
    });
  });
});

describe('CauseOfDeath', () => {
  it('names a known cause in its own words, never in those of stderr', () => {
    const cause = new CauseOfDeath();
    cause.read('2026-11-22 tensorflow/core: This TensorFlow binary is optimized with oneDNN');
    cause.read("Error: ENOENT: no such file or directory, open '/data/mri/Miller_Anna/IM0001.dcm'");
    cause.read('FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory');
    expect(cause.describe(null, 'SIGABRT')).toBe('out of memory');
  });

  it('tells how the process ended when stderr says nothing known', () => {
    const cause = new CauseOfDeath();
    cause.read("Error: cannot read '/data/mri/Miller_Anna/IM0001.dcm'");
    expect(cause.describe(null, 'SIGKILL')).toBe('signal SIGKILL');
    expect(cause.describe(7, null)).toBe('exit code 7');
  });
});

describe('errorFields', () => {
  it('shows the message of a coded error', () => {
    expect(errorFields(new TributaryError('DATA_EMPTY', { detail: 'it is empty' }))).toEqual({
      code: 'DATA_EMPTY',
      message: 'the data folder holds no usable image: it is empty',
    });
  });

  it('shows of any other error its class and the places in the code, not its message or folders', () => {
    const error = new RangeError("ENOENT: '/data/mri/Miller_Anna/IM0001.dcm'\n second line of /data/mri/Miller_Anna");
    const shown = JSON.stringify(errorFields(error));
    expect(shown).toContain('RangeError');
    expect(shown).toContain('trainer-isolation.spec.ts');
    expect(shown).not.toMatch(/Miller|\/data/);
    expect(shown).not.toContain(process.cwd());
  });
});
