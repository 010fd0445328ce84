import { TributaryError } from '@tributary/protocol';

export interface CheckResult {
  readonly name: string;
  readonly ok: boolean;
  /** What was found. */
  readonly detail: string;
  /** What to do; empty when nothing is wrong. */
  readonly fix: string;
}

/** What a check found, and what to do when that is not enough. */
export interface Finding {
  readonly detail: string;
  readonly fix?: string;
}

export interface Check {
  readonly name: string;
  readonly look: () => Promise<Finding>;
}

/** Runs a check; a coded error becomes its finding, with the catalogue's remedy. */
export async function runCheck({ name, look }: Check): Promise<CheckResult> {
  try {
    const { detail, fix = '' } = await look();
    return { name, ok: fix === '', detail, fix };
  } catch (error) {
    const known = error instanceof TributaryError ? error : new TributaryError('INTERNAL');
    return { name, ok: false, detail: known.message, fix: known.spec.remedy };
  }
}
