import pg from 'pg';

/** Keeps every coordinator from publishing a round for as long as it is held: what is aggregated waits with its lease. */
export class HeldPublication {
  private constructor(
    private readonly holder: pg.Client,
    private readonly reader: pg.Client,
  ) {}

  static async begin(databaseUrl: string): Promise<HeldPublication> {
    const [holder, reader] = [new pg.Client(databaseUrl), new pg.Client(databaseUrl)];
    for (const client of [holder, reader]) client.on('error', () => undefined);
    await Promise.all([holder.connect(), reader.connect()]);
    // Who publishes writes to the audit log last, and waits; everything else in a run goes on.
    await holder.query('BEGIN; LOCK TABLE "AuditEntry" IN SHARE ROW EXCLUSIVE MODE');
    return new HeldPublication(holder, reader);
  }

  /** Instance of the coordinator that waits to publish a round of the run. */
  async owner(runId: string): Promise<string | undefined> {
    const { rows: waiting } = await this.reader.query(
      'SELECT 1 FROM pg_locks WHERE NOT granted AND relation = $1::regclass',
      ['"AuditEntry"'],
    );
    if (waiting.length === 0) return undefined;
    const { rows } = await this.reader.query<{ leaseOwner: string | null }>(
      `SELECT "leaseOwner" FROM "Round" WHERE "runId" = $1 AND "state" = 'aggregating'`,
      [runId],
    );
    return rows[0]?.leaseOwner ?? undefined;
  }

  async end(): Promise<void> {
    await this.holder.query('ROLLBACK');
    await Promise.all([this.holder.end(), this.reader.end()]);
  }
}
