import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Consortium } from '../../support/consortium.js';
import { tinyRecipe } from '../../support/tiny-recipe.js';
import { LoadBalancer } from '../../support/load-balancer.js';
import { startPostgres, type PostgresCluster } from '../../support/postgres.js';
import { eventually, freePort } from '../../support/processes.js';
import { s3Program, startS3Server, type S3Server } from '../../support/s3-server.js';
import { HeldPublication } from './held-publication.js';
import { Replica } from './replica.js';

const withPostgres = process.env.TRIBUTARY_SKIP_POSTGRES === '1' ? describe.skip : describe;
const s3 = s3Program();
const RECIPE = tinyRecipe({ rounds: { count: 3, localSteps: 4 } });

withPostgres(`two coordinators, one PostgreSQL and ${s3 === null ? 'a shared folder' : 'S3'}`, () => {
  let directory: string;
  let postgres: PostgresCluster;
  let server: S3Server | undefined;
  let databaseUrl: string;
  let consortium: Consortium;
  let balancer: LoadBalancer;
  let replicas: [Replica, Replica];
  let undisturbed = '';

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tributary-e2e-'));
    postgres = await startPostgres();
    databaseUrl = postgres.createDatabase('replicas');
    if (s3 !== null) server = await startS3Server(s3);
    const entryPort = await freePort();
    const environment = {
      DATABASE_URL: databaseUrl,
      TRIBUTARY_SECRETS_DIR: join(directory, 'coordinator/secrets'),
      ...(server?.fresh() ?? { TRIBUTARY_BLOB_DIR: join(directory, 'blobs') }),
    };
    consortium = await Consortium.create(directory, { environment, entryPort });
    const secondPort = await freePort();
    balancer = await LoadBalancer.listen(entryPort, [consortium.port, secondPort]);
    replicas = [
      new Replica({
        ...{ environment, dataDir: consortium.dataDir, port: consortium.port },
        logFile: consortium.log('coordinator'),
      }),
      new Replica({
        ...{ environment, dataDir: join(directory, 'second'), port: secondPort },
        logFile: consortium.log('second'),
      }),
    ];
    replicas[0].adopt((await consortium.open()).coordinator);
  }, 240_000);

  afterAll(async () => {
    await consortium.close();
    await Promise.all(replicas.map((replica) => replica.kill()));
    await balancer.close();
    await server?.stop();
    postgres.stop();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  /** All sites connect again; the balancer gives every other connection to every other coordinator. */
  async function spread(): Promise<void> {
    balancer.dropAll();
    const isSpread = () => replicas.every((replica) => replica.connections() > 0);
    for (const replica of replicas) replica.forgetSites();
    await eventually('both coordinators have sites', () => isSpread() || undefined);
  }

  async function weightsOf(runId: string): Promise<string> {
    const { weights } = await consortium.completed(runId, 240_000);
    const { events } = await consortium.events(runId);
    const published = events.filter(({ kind }) => kind === 'round.published').map(({ round }) => round);
    expect(published).toEqual([1, 2, 3]);
    return weights.sha256;
  }

  it('give the weights of one coordinator when one of them is killed while it collects', async () => {
    undisturbed = await weightsOf(await consortium.createRun(RECIPE));
    await replicas[1].start();
    await spread();

    const runId = await consortium.createRun(RECIPE);
    await eventually('the second round is collecting', async () => {
      const { currentRound } = await consortium.run(runId);
      return (currentRound?.n === 2 && currentRound.state === 'collecting') || undefined;
    });
    await replicas[1].kill();
    expect(await weightsOf(runId)).toBe(undisturbed);
  }, 600_000);

  it('give them too when the one that aggregates is killed', async () => {
    await replicas[1].start();
    await spread();
    const runId = await consortium.createRun(RECIPE);
    await eventually('a round is published', async () => (await consortium.run(runId)).roundsDone > 0 || undefined);
    const held = await HeldPublication.begin(databaseUrl);
    const owner = await eventually('a round is being published', () => held.owner(runId));
    const killed = replicas.find((replica) => replica.instanceId() === owner);
    expect(killed).toBeDefined();
    await killed?.kill();
    await held.end();
    expect(await weightsOf(runId)).toBe(undisturbed);
  }, 600_000);
});
