import { describe, expect, it } from '@jest/globals';
import { codedErrorIn } from './coded-output.js';

const problem = { code: 'PORT_IN_USE', message: 'the port is in use: 8080', remedy: 'r', retryable: false };

describe('codedErrorIn', () => {
  it('finds a problem in a JSON document', () => {
    expect(codedErrorIn(JSON.stringify({ error: problem }, null, 2))).toMatchObject({ code: 'PORT_IN_USE' });
  });

  it('finds the last problem among log lines', () => {
    const text = `{"level":30,"msg":"starting"}\n${JSON.stringify(problem)}\n{"level":30,"msg":"stopped"}\n`;
    expect(codedErrorIn(text)).toMatchObject({ code: 'PORT_IN_USE', context: { detail: '8080' } });
  });

  it('finds a line for people', () => {
    expect(codedErrorIn('Starting\nDATA_DIR_LOCKED: another process uses this data folder: pid 7\n')).toMatchObject({
      code: 'DATA_DIR_LOCKED',
      context: { detail: 'pid 7' },
    });
  });

  it('makes nothing of other text', () => {
    expect(codedErrorIn('NOTE: all is well\n{"code"')).toBeUndefined();
  });
});
