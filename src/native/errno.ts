/**
 * Numbers of the errors that the addon returns and callers tell apart, as Linux has them on x64 and arm64 (asm-generic/errno.h).
 *
 * Not os.constants.errno: loading node:os costs a rank a millisecond of its start, and the addon runs on Linux only.
 */

export const EIO = 5;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EFAULT = 14;
export const EADDRINUSE = 98;
export const ECONNABORTED = 103;
export const ETIMEDOUT = 110;
export const EINPROGRESS = 115;
