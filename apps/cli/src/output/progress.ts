import { LiveBlock } from './live-block.js';
import type { Output } from './output.js';
import { formatSeconds } from './quantities.js';

const BAR_CELLS = 24;
/** A shorter bar says less than the room it takes. */
const LEAST_BAR_CELLS = 6;

export interface ProgressOptions {
  /** What is being done: `writing images`. */
  readonly label: string;
  /** 0 until `update` knows it. */
  readonly total: number;
  /** What is counted: `images`. */
  readonly unit: string;
  /** How many were there before: they do not count for the rate. */
  readonly before?: number;
  readonly nowMs?: () => number;
}

/** A bar with rate and time left on a terminal, plain lines elsewhere. */
export class Progress {
  private readonly block: LiveBlock;
  private readonly nowMs: () => number;
  private readonly startedAtMs: number;
  private done = 0;
  /** Finished, and the share of those under way. */
  private reached = 0;
  private detail = '';
  private total: number;

  constructor(
    private readonly output: Output,
    private readonly options: ProgressOptions,
  ) {
    this.nowMs = options.nowMs ?? Date.now;
    this.block = new LiveBlock(output, this.nowMs);
    this.startedAtMs = this.nowMs();
    this.total = options.total;
  }

  /**
   * @param done  How many are finished now.
   * @param total Of how many, where that is known only now.
   */
  update(done: number, total = this.total): void {
    this.total = total;
    this.show(done, done);
  }

  /** As `update`, where one of them takes long: how far all of them are, and what is going on. */
  updateWithin(done: number, { share, detail }: { readonly share: number; readonly detail: string }): void {
    this.detail = detail;
    this.show(done, share * this.total);
  }

  /** Ends the bar at `total`. */
  finish(): void {
    this.done = this.total;
    this.reached = this.total;
    this.detail = '';
    this.block.finish([this.bar()], this.line());
  }

  private show(done: number, reached: number): void {
    this.done = done;
    this.reached = reached;
    this.block.update([this.bar()], this.line());
  }

  private line(detail = this.detail): string {
    const { total, reached } = this;
    const { label, unit, before = 0 } = this.options;
    const seconds = (this.nowMs() - this.startedAtMs) / 1000;
    const rate = seconds > 0.2 ? (reached - before) / seconds : 0;
    const left = rate > 0 && reached < total ? `, ${formatSeconds((total - reached) / rate)} left` : '';
    const pace = rate > 0 ? ` · ${rate < 10 ? rate.toPrecision(2) : Math.round(rate)} ${unit}/s${left}` : '';
    const doing = detail === '' ? '' : `, ${detail}`;
    return `${label}: ${this.done} of ${total} ${unit}${doing}${pace}`;
  }

  private bar(): string {
    const { columns } = this.output;
    const whole = this.line();
    const line = whole.length < columns ? whole : this.line('');
    // The last column stays free, and a blank is between: rate and time left are never cut for the bar.
    const cells = Math.min(BAR_CELLS, columns - line.length - 2);
    return cells < LEAST_BAR_CELLS ? line : `${progressBar(this.reached, this.total, cells)} ${line}`;
  }
}

/** `████████░░░░` for a share of `total`. */
export function progressBar(done: number, total: number, cells = BAR_CELLS): string {
  const filled = total > 0 ? Math.min(cells, Math.round((done / total) * cells)) : 0;
  return '█'.repeat(filled) + '░'.repeat(cells - filled);
}
