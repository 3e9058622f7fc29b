/**
 * Span: the runs of a file that an access consists of, in the order of its packed bytes.
 */

export class Span {
  readonly offsets: number[] = [];
  readonly lengths: number[] = [];
  byteLength = 0;

  /** Add a run; one that continues the last is part of it. */
  readonly add = (offset: number, byteLength: number): void => {
    const last = this.offsets.length - 1;
    if (last >= 0 && this.offsets[last]! + this.lengths[last]! === offset) this.lengths[last]! += byteLength;
    else {
      this.offsets.push(offset);
      this.lengths.push(byteLength);
    }
    this.byteLength += byteLength;
  };

  get low(): number {
    return this.offsets.reduce((low, offset) => Math.min(low, offset), Number.POSITIVE_INFINITY);
  }

  get high(): number {
    return this.offsets.reduce((high, offset, k) => Math.max(high, offset + this.lengths[k]!), Number.NEGATIVE_INFINITY);
  }
}
