import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { openChromium } from '../support/chromium.js';
import { eventually, runProgram, startProgram } from '../support/processes.js';

const TRIBUTARY = 'apps/cli/bin/tributary.mjs';
const directory = mkdtempSync(join(tmpdir(), 'tributary-demo-'));
const outDir = join(directory, 'out');

/** The fields of `docs/ref-command-line.md` that scripts rely on. */
const scores = z.object({ fd: z.number().positive(), kid: z.number() });
const resultSchema = z.object({
  outDir: z.string(),
  sites: z.array(
    z.object({ id: z.string(), images: z.int(), patients: z.int(), classes: z.record(z.string(), z.int()) }),
  ),
  rounds: z.array(
    z.object({ n: z.int(), answered: z.int(), declined: z.int(), seconds: z.number(), loss: z.number() }),
  ),
  engine: z.object({ name: z.string(), device: z.string(), threads: z.int() }),
  scores: z.object({ before: scores, after: scores }),
  utility: z.object({ realOnly: z.unknown(), withSynthetic: z.unknown(), rareClass: z.string() }),
  release: z.object({ version: z.string(), sha256: z.string(), path: z.string(), verified: z.literal(true) }),
  samples: z.object({ png: z.string() }),
  seconds: z.number(),
});
let stdout = '';
let result: z.infer<typeof resultSchema>;

beforeAll(async () => {
  const args = ['--format', 'json', 'demo', '--rounds', '3', '--out', outDir];
  const demo = await runProgram(TRIBUTARY, args, { logFile: join(directory, 'demo.log') });
  if (demo.code !== 0) throw new Error(readFileSync(join(directory, 'demo.log'), 'utf8').slice(-2000));
  stdout = demo.stdout;
  result = resultSchema.parse(JSON.parse(stdout));
}, 300_000);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe('npm run demo', () => {
  it('prints one document with every promised field, the same as result.json', () => {
    expect(resultSchema.parse(JSON.parse(readFileSync(join(outDir, 'result.json'), 'utf8')))).toEqual(result);
    expect(result.sites.map(({ id }) => id)).toEqual(['site-a', 'site-b', 'site-c']);
    expect(result.rounds.map(({ n, answered }) => [n, answered])).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
    expect(statSync(result.samples.png).size).toBeGreaterThan(1000);
  });

  it('leaves a model that verifies without a server, and not after one byte has changed', async () => {
    const log = join(directory, 'verify.log');
    expect((await runProgram(TRIBUTARY, ['model', 'verify', result.release.path], { logFile: log })).code).toBe(0);
    for (const file of [
      'model_index.json',
      'MODEL_CARD.md',
      'lineage.json',
      'unet/config.json',
      'scheduler/scheduler_config.json',
    ]) {
      expect(existsSync(join(result.release.path, file))).toBe(true);
    }
  });

  it('keeps identifiers and paths of patients out of everything but the sites’ own folders', () => {
    const outside = filesUnder(outDir).filter(
      (file) => !file.startsWith(join(outDir, 'sites')) || file.endsWith('.log'),
    );
    const patients = ['site-a', 'site-b', 'site-c'].flatMap((site) => {
      const [, ...rows] = readFileSync(join(outDir, 'sites', site, 'images', 'labels.csv'), 'utf8')
        .trim()
        .split('\n');
      return rows.map((row) => row.split(',')[0] ?? '');
    });
    expect(patients.length).toBeGreaterThan(100);
    const leaking = outside.filter((file) => {
      const text = readFileSync(file, 'latin1');
      return patients.some((patient) => text.includes(patient)) || /\.dcm\b/.test(text);
    });
    expect(leaking).toEqual([]);
  });

  it('writes a report that a browser shows without any request, and without a sideways scroll on a telephone', async () => {
    const browser = await openChromium();
    try {
      const page = await browser.newPage({ viewport: { width: 400, height: 800 } });
      const requests: string[] = [];
      page.on('request', (request) => requests.push(request.url().slice(0, 5)));
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(error.message));
      await page.goto(`file://${join(outDir, 'report.html')}`);
      const shown = await page.evaluate(() => ({
        width: document.documentElement.scrollWidth,
        broken: [...document.images].filter((image) => image.naturalWidth === 0).length,
        images: document.images.length,
      }));
      expect(requests.filter((protocol) => !['file:', 'data:'].includes(protocol))).toEqual([]);
      expect(errors).toEqual([]);
      expect(shown).toEqual({ width: 400, broken: 0, images: expect.any(Number) });
      expect(shown.images).toBeGreaterThan(3);
    } finally {
      await browser.close();
    }
  }, 60_000);

  it('refuses to replace a folder that is not a demo’s, and touches nothing in it', async () => {
    const log = join(directory, 'refused.log');
    const refused = await runProgram(TRIBUTARY, ['--format', 'json', 'demo', '--out', directory], { logFile: log });
    expect(refused.code).toBe(2);
    expect(existsSync(outDir)).toBe(true);
  });

  /** Processes whose command line names a folder. */
  function processesOf(folder: string): string[] {
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
        } catch {
          return false;
        }
      });
  }

  it('stops cleanly on Ctrl-C and leaves no process behind', async () => {
    const other = join(directory, 'interrupted');
    const demo = startProgram(TRIBUTARY, ['demo', '--out', other], { logFile: join(directory, 'interrupted.log') });
    await new Promise((done) => setTimeout(done, 12_000));
    demo.child.kill('SIGINT');
    expect(await demo.exited).toBe(130);
    expect(processesOf(other)).toEqual([]);
  }, 90_000);

  it('leaves no process behind when it is killed with SIGKILL', async () => {
    const other = join(directory, 'killed');
    const demo = startProgram(TRIBUTARY, ['demo', '--out', other], { logFile: join(directory, 'killed.log') });
    await eventually('agents run', () => (processesOf(join(other, 'sites')).length > 0 ? true : undefined));
    demo.child.kill('SIGKILL');
    await eventually('all are gone', () => (processesOf(other).length === 0 ? true : undefined));
  }, 150_000);
});
