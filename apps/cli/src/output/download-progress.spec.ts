import { describe, expect, it } from '@jest/globals';
import { recordedOutput } from '../host.spec-support.js';
import { DownloadProgress } from './download-progress.js';

describe('DownloadProgress', () => {
  function shown(drive: (progress: DownloadProgress, advance: (seconds: number) => void) => void): string {
    const { output, stderr } = recordedOutput('text');
    let nowMs = 0;
    const progress = new DownloadProgress(output, { label: 'Downloading weights', nowMs: () => nowMs });
    drive(progress, (seconds) => (nowMs += 1000 * seconds));
    return stderr.text;
  }

  it('tells megabytes, rate and time left, where what was there before does not count for the rate', () => {
    const text = shown((progress, advance) => {
      progress.update({ doneBytes: 60e6, totalBytes: 100e6 });
      advance(5);
      progress.update({ doneBytes: 80e6, totalBytes: 100e6 });
    });
    expect(text).toContain('Downloading weights: 60 of 100 MB');
    expect(text).toContain('80 of 100 MB · 4.0 MB/s, 5.0 s left');
  });

  it('tells kilobytes of small files, and a break of the link', () => {
    const text = shown((progress, advance) => {
      progress.update({ doneBytes: 0, totalBytes: 200_000 });
      advance(5);
      progress.update({ doneBytes: 50_000, totalBytes: 200_000 });
      advance(5);
      progress.broke();
    });
    expect(text).toContain('0 of 200 kB');
    expect(text).toContain('50 of 200 kB, the link broke, trying again');
  });

  it('says nothing of a length that the server does not tell', () => {
    const text = shown((progress) => {
      progress.update({ doneBytes: 10, totalBytes: null });
      progress.finish();
    });
    expect(text).toBe('');
  });
});
