import { describe, expect, it } from '@jest/globals';
import { TributaryError } from '@tributary/protocol';
import { readConfig } from './coordinator-config.js';

describe('the configuration', () => {
  it('serves this machine only from an embedded database by default', () => {
    expect(readConfig({ dataDir: '/srv/tributary' }, {})).toMatchObject({
      host: '127.0.0.1',
      port: 7420,
      databaseUrl: undefined,
      blobDir: '/srv/tributary/blobs',
    });
  });

  it('cannot be changed after it was read', () => {
    expect(Object.isFrozen(readConfig({ dataDir: '/srv/tributary' }, {}))).toBe(true);
  });

  it.each([
    ['port', { dataDir: 'd', port: '70000' }, {}],
    ['dataDir', { dataDir: '' }, {}],
    ['DATABASE_URL', { dataDir: 'd' }, { DATABASE_URL: 'mysql://user:secret@host/db' }],
    ['TRIBUTARY_LOG_LEVEL', { dataDir: 'd' }, { TRIBUTARY_LOG_LEVEL: 'loud' }],
    ['TRIBUTARY_ACCESS_TOKEN_SECONDS', { dataDir: 'd' }, { TRIBUTARY_ACCESS_TOKEN_SECONDS: '-1' }],
  ])('names %s when it is wrong, and never its value', (setting, flags, environment) => {
    expect.assertions(3);
    try {
      readConfig(flags, environment);
    } catch (error) {
      if (!(error instanceof TributaryError)) throw error;
      expect(error.code).toBe('CONFIG_INVALID');
      expect(error.context.fields?.map(({ path }) => path)).toEqual([setting]);
      expect(error.message).not.toContain('secret');
    }
  });
});
