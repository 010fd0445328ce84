import { TributaryError } from '@tributary/protocol';

/** What light sites have done, for the bench to hold against what the coordinator says. */
export class Tally {
  private offersByHint = 0;
  private offersByQuestion = 0;
  private uploads = 0;
  private bytesUp = 0;
  private readonly failures = new Map<string, number>();

  /** `hint`: the coordinator told of it unasked; `question`: the hint had not come when the site asked. */
  heard(by: 'hint' | 'question'): void {
    if (by === 'hint') this.offersByHint += 1;
    else this.offersByQuestion += 1;
  }

  uploaded(sizeBytes: number): void {
    this.uploads += 1;
    this.bytesUp += sizeBytes;
  }

  /** Work in the background; what makes it fail is counted by its code. */
  follow(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (error instanceof Error && error.name === 'AbortError') return;
      const code = error instanceof TributaryError ? error.code : 'INTERNAL';
      this.failures.set(code, (this.failures.get(code) ?? 0) + 1);
    });
  }

  facts() {
    const { offersByHint, offersByQuestion, uploads, bytesUp } = this;
    return { offersByHint, offersByQuestion, uploads, bytesUp, failures: Object.fromEntries(this.failures) };
  }
}
