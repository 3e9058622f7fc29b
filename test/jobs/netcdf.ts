/**
 * NetCDF for tests: reads a file of the classic format with 64-bit offsets, by its specification and not by the writer's code.
 */

import { readFileSync } from 'node:fs';

export interface NetcdfVariable {
  readonly dimensions: readonly string[];
  readonly attributes: Readonly<Record<string, string | number>>;
  /** All values; a record variable's one record behind the other. */
  readonly values: Float64Array;
}
export interface NetcdfFile {
  readonly records: number;
  readonly dimensions: ReadonlyMap<string, number>;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly variables: ReadonlyMap<string, NetcdfVariable>;
}

interface Entry {
  readonly name: string;
  readonly ids: readonly number[];
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly size: number;
  readonly begin: number;
}

/** Return what a file of text and 64-bit floats holds. */
export function readNetcdf(path: string): NetcdfFile {
  const bytes = readFileSync(path);
  let at = 0;
  /** Return where the next bytes stand and pass over them. */
  const take = (length: number): number => {
    at += length;
    return at - length;
  };
  const count = (): number => bytes.readUInt32BE(take(4));
  const text = (): string => {
    const length = count();
    const from = take(Math.ceil(length / 4) * 4);
    return bytes.toString('utf8', from, from + length);
  };
  const list = <T>(tag: number, read: () => T): T[] => {
    const [found, length] = [count(), count()];
    if (found !== (length === 0 ? 0 : tag)) throw new Error(`tag ${found} at ${at - 8} of ${path}: expected ${tag}`);
    return Array.from({ length }, read);
  };
  const attribute = (): [string, string | number] => {
    const name = text();
    const type = count();
    if (type === 2) return [name, text()];
    if (type !== 6 || count() !== 1) throw new Error(`attribute ${name} of type ${type}: expected text or one double`);
    return [name, bytes.readDoubleBE(take(8))];
  };
  const attributes = () => Object.fromEntries(list(12, attribute));
  const entry = (): Entry => {
    const name = text();
    const ids = Array.from({ length: count() }, count);
    const own = attributes();
    if (count() !== 6) throw new Error(`variable ${name} holds no doubles`);
    return { name, ids, attributes: own, size: count(), begin: Number(bytes.readBigUInt64BE(take(8))) };
  };

  if (bytes.toString('latin1', 0, 4) !== 'CDF\u0002') throw new Error(`${path} does not begin with CDF and 2`);
  at = 4;
  const records = count();
  const dimensions = list(10, (): [string, number] => [text(), count()]);
  const about = attributes();
  const entries = list(11, entry);
  const isRecord = ({ ids }: Entry): boolean => ids.length > 0 && dimensions[ids[0]!]![1] === 0;
  const recordSize = entries.reduce((sum, variable) => sum + (isRecord(variable) ? variable.size : 0), 0);
  const variables = entries.map((variable): [string, NetcdfVariable] => {
    const own = variable.size / 8;
    const times = isRecord(variable) ? records : 1;
    const values = Float64Array.from({ length: own * times }, (_, k) =>
      bytes.readDoubleBE(variable.begin + Math.floor(k / own) * recordSize + (k % own) * 8),
    );
    return [variable.name, { dimensions: variable.ids.map((id) => dimensions[id]![0]), attributes: variable.attributes, values }];
  });
  return { records, dimensions: new Map(dimensions), attributes: about, variables: new Map(variables) };
}
