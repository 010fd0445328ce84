import type { Output } from './output.js';

/** How many milliseconds may pass without a line where nothing can be redrawn. */
const LINE_EVERY_MS = 4000;

/**
 * A block of lines that redraws itself on a terminal; elsewhere `milestone` is printed at most every four seconds, so
 * that a log stays short and never falls silent.
 */
export class LiveBlock {
  private drawnLines = 0;
  private lastLineAtMs = Number.NEGATIVE_INFINITY;
  private lastMilestone = '';

  constructor(
    private readonly output: Output,
    private readonly nowMs: () => number = Date.now,
  ) {}

  /** Shows the lines, or where nothing can be redrawn the milestone when it is time for one. */
  update(lines: readonly string[], milestone: string): void {
    if (this.output.isLive) {
      this.redraw(lines);
      return;
    }
    const isDue = this.nowMs() - this.lastLineAtMs >= LINE_EVERY_MS;
    if (isDue) this.printMilestone(milestone);
  }

  /** Leaves the last state on the screen; what is written next starts below it. */
  finish(lines: readonly string[], milestone: string): void {
    if (this.output.isLive) {
      this.redraw(lines);
      this.drawnLines = 0;
    } else if (milestone !== this.lastMilestone) this.printMilestone(milestone);
  }

  private printMilestone(milestone: string): void {
    this.lastLineAtMs = this.nowMs();
    this.lastMilestone = milestone;
    this.output.note(milestone);
  }

  private redraw(lines: readonly string[]): void {
    const up = this.drawnLines > 0 ? `\u001b[${this.drawnLines}A` : '';
    const width = Math.max(20, this.output.columns - 1);
    const body = lines.map((line) => `\u001b[2K${clip(line, width)}\n`).join('');
    this.output.draw(`${up}\u001b[0J${body}`);
    this.drawnLines = lines.length;
  }
}

/** A line that wraps would make the block taller than it is counted. */
function clip(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}
