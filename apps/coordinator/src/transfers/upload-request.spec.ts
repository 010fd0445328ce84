import { describe, expect, it } from '@jest/globals';
import { readAnnouncement } from './upload-request.js';

const report = {
  kind: 'train',
  images: 40,
  steps: 8,
  loss: 0.5,
  trainSeconds: 1,
  imagesPerSecond: 128,
  engine: { name: 'onnx', device: 'cpu', threads: 1 },
};
const metadata = {
  assignmentId: 'run-4f3a9c1d-r3-a0-site-a',
  sha256: 'a'.repeat(64),
  report: JSON.stringify(report),
};

describe('the metadata of an upload', () => {
  it('is read with its report', () => {
    expect(readAnnouncement(metadata)).toEqual({ ...metadata, report });
  });

  it.each([
    ['no metadata', undefined],
    ['another hash', { ...metadata, sha256: 'A'.repeat(64) }],
    ['a path for an id', { ...metadata, assignmentId: '../../secrets/admin-key' }],
    ['a report that is not JSON', { ...metadata, report: '{' }],
    ['a loss that is not a number', { ...metadata, report: JSON.stringify({ ...report, loss: 'NaN' }) }],
    ['a report that is too long', { ...metadata, report: ' '.repeat(5000) }],
  ])('is refused with %s', (_, broken) => {
    expect(() => readAnnouncement(broken)).toThrow(expect.objectContaining({ code: 'UPLOAD_METADATA_INVALID' }));
  });
});
