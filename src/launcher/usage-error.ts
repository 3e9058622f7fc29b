/**
 * What was asked for cannot be done: the message is for the user, the launcher's exit code is 2.
 */
export class UsageError extends Error {
  override readonly name: string = 'UsageError';
}
