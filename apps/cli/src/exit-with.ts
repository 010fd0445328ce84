/** Thrown by a verb that only hands on what a process it started has ended with, and has said itself. */
export class ExitWith extends Error {
  constructor(readonly exitCode: number) {
    super(`exit with ${exitCode}`);
  }
}
