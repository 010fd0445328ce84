import { TributaryError } from '@tributary/protocol';

const SHOWN_FRAMES = 6;

export interface ErrorFields {
  readonly code: string;
  readonly message: string;
  readonly frames?: readonly string[];
}

/**
 * What may be logged of an error. Only coded errors show their message: that of any other could hold a path or a value
 * of a patient's file, so its class and the places in the code stand for it.
 */
export function errorFields(error: unknown): ErrorFields {
  if (error instanceof TributaryError) return { code: error.code, message: error.message };
  return { code: 'INTERNAL', message: error instanceof Error ? error.name : typeof error, frames: stackFrames(error) };
}

/** Places in the code, without the error's message. */
export function stackFrames(error: unknown): string[] {
  if (!(error instanceof Error) || error.stack === undefined) return [];
  return error.stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, SHOWN_FRAMES)
    .map((line) => line.trim().replace(/\(?(?:file:\/\/)?[^\s()]*\/(?=[^/\s()]+:\d+:\d+\)?$)/, ''));
}
