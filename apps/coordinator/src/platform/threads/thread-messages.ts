import type { ErrorCode, ErrorContext } from '@tributary/protocol';

/** To a thread. With an id the order is answered, once. */
export interface ThreadOrder<Order> {
  readonly order: Order;
  readonly id?: number;
}

/** From a thread: how the order of this id ended. */
export type ThreadReply<Result> =
  | { readonly id: number; readonly type: 'done'; readonly result: Result }
  | { readonly id: number; readonly type: 'refused'; readonly code: ErrorCode; readonly context: ErrorContext }
  | { readonly id: number; readonly type: 'failed'; readonly message: string };
