import type { ExpectedUpdate } from '@tributary/federation';

/** An upload, where it lies, and what it must turn out to be. */
export interface UpdateCheck {
  readonly assignmentId: string;
  readonly address: string;
  readonly expected: ExpectedUpdate;
}

/** To the checking thread; only `finish` is asked. */
export type CheckOrder =
  | { readonly type: 'arrived'; readonly check: UpdateCheck; readonly bytes: number }
  | { readonly type: 'finish'; readonly check: UpdateCheck }
  | { readonly type: 'forget'; readonly assignmentId: string };
