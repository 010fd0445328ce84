/** One image that a network should look at. */
export interface EvaluationRequest {
  /** [height · width · channels], already scaled for the network. */
  readonly image: Float64Array;
  readonly noiseLevel: number;
  readonly classRow: number;
  /** [height · width · conditionChannels]: the image condition, where the network has one. */
  readonly condition?: Float32Array;
}

/** Answers up to `batchSize` requests at once, in order. */
export type BatchEvaluation<Request, Answer> = (requests: readonly Request[]) => Promise<readonly Answer[]>;

interface Waiting<Request, Answer> {
  readonly request: Request;
  readonly resolve: (value: Answer) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Lets samplers be written for one image while the network runs in batches: requests of images that advance together are
 * collected until every one of them waits, then answered by few calls. Each image may be at its own noise level.
 */
export class EvaluationBatcher<Request, Answer extends object> {
  readonly #evaluate: BatchEvaluation<Request, Answer>;
  readonly #batchSize: number;
  #waiting: Waiting<Request, Answer>[] = [];
  #running: Promise<void> = Promise.resolve();
  #scheduled = false;

  constructor(evaluate: BatchEvaluation<Request, Answer>, batchSize: number) {
    this.#evaluate = evaluate;
    this.#batchSize = batchSize;
  }

  /** The network's answer for one image. */
  request(request: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject });
      this.#schedule();
    });
  }

  /** Promise continuations of all images run before the next turn of the event loop, so by then all requests are here. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#running = this.#running.then(() => this.#answerAll());
    });
  }

  async #answerAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#answer(this.#waiting.splice(0, this.#batchSize));
    }
  }

  async #answer(batch: readonly Waiting<Request, Answer>[]): Promise<void> {
    try {
      const answers = await this.#evaluate(batch.map(({ request }) => request));
      batch.forEach(({ resolve, reject }, i) => {
        const answer = answers[i];
        if (answer) resolve(answer);
        else reject(new RangeError('the batch has fewer answers than requests'));
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
