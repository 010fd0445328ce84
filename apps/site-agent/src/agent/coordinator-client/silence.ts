/** A request without an answer, or an answer of which nothing more comes, is given up after this. */
const SILENCE_MS = 60_000;

/** Aborts `signal` when nothing has been heard for a while: a slow answer is no failure, a silent one is. */
export class Silence {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;

  constructor(silenceMs = SILENCE_MS) {
    this.timer = setTimeout(
      () => this.controller.abort(new DOMException('nothing was heard', 'TimeoutError')),
      silenceMs,
    );
    this.timer.unref();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Something came: the time begins anew. */
  heard(): void {
    this.timer.refresh();
  }

  /** Nothing more is waited for. */
  over(): void {
    clearTimeout(this.timer);
  }
}
