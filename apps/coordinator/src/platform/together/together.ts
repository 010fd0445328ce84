import { setTimeout as delay } from 'node:timers/promises';

/** A crowd, for which gathering pays: so many of late, of which those of a while ago count half. Three sites are none. */
const CROWD = 12;
const WHILE_MS = 100;
/** A crowd is gathered for so many times as long as the last list took, but not for longer than this. */
const GATHERING = 3;
const LONGEST_GATHERING_MS = 40;

/** The longest list that is answered at once: a statement has a limit of its parameters, and others want their turn. */
const MOST_AT_ONCE = 500;

interface WaitingRequest<Request, Answer> {
  readonly request: Request;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Answers requests in lists: those that come while a list is being answered, and in a crowd those of a moment more, make up the
 * next, in the order of their coming. One alone is answered at once; a thousand that come together cost a few statements.
 * Nothing is remembered: every answer is made after its request has come.
 */
export class Together<Request, Answer> {
  private readonly waiting: WaitingRequest<Request, Answer>[] = [];
  private isAnswering = false;
  private recent = 0;
  private recentAtMs = 0;

  /**
   * @param answerAll One answer to each request, in their order; what it throws, each of them gets.
   * @param pause     Resolves after so many milliseconds.
   * @param nowMs     A clock that only goes forward.
   */
  constructor(
    private readonly answerAll: (requests: readonly Request[]) => Promise<readonly Answer[]>,
    private readonly pause: (ms: number) => Promise<unknown> = delay,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  ask(request: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ request, resolve, reject });
      if (this.isAnswering) return;
      this.isAnswering = true;
      // What else this turn of the event loop brings comes along.
      setImmediate(() => void this.answerWaiting());
    });
  }

  private async answerWaiting(): Promise<void> {
    for (let list = this.nextList(); list.length > 0; list = this.nextList()) {
      const startedMs = this.nowMs();
      await this.answer(list);
      const endedMs = this.nowMs();
      this.recent = this.recent * 2 ** ((this.recentAtMs - endedMs) / WHILE_MS) + list.length;
      this.recentAtMs = endedMs;
      if (this.recent >= CROWD) await this.pause(Math.min(GATHERING * (endedMs - startedMs), LONGEST_GATHERING_MS));
    }
    this.isAnswering = false;
  }

  private nextList(): WaitingRequest<Request, Answer>[] {
    return this.waiting.splice(0, MOST_AT_ONCE);
  }

  private async answer(list: readonly WaitingRequest<Request, Answer>[]): Promise<void> {
    try {
      const answers = await this.answerAll(list.map(({ request }) => request));
      if (answers.length !== list.length) throw new RangeError(`${answers.length} answers to ${list.length} requests`);
      for (const [index, answer] of answers.entries()) list[index]?.resolve(answer);
    } catch (error) {
      for (const { reject } of list) reject(error);
    }
  }
}

/** {@link Together}, apart for each key: requests of one key do not wait for those of another. */
export class TogetherByKey<Request, Answer> {
  private readonly byKey = new Map<string, { readonly together: Together<Request, Answer>; asked: number }>();

  constructor(private readonly answerAll: (key: string, requests: readonly Request[]) => Promise<readonly Answer[]>) {}

  /** Of how many keys requests wait for their answers. */
  get keysInUse(): number {
    return this.byKey.size;
  }

  async ask(key: string, request: Request): Promise<Answer> {
    const known = this.byKey.get(key) ?? {
      together: new Together<Request, Answer>((list) => this.answerAll(key, list)),
      asked: 0,
    };
    this.byKey.set(key, known);
    known.asked += 1;
    try {
      return await known.together.ask(request);
    } finally {
      known.asked -= 1;
      if (known.asked === 0) this.byKey.delete(key);
    }
  }
}
