/**
 * NetCDF: the header of a file in the classic format with 64-bit offsets (CDF-2), and where each variable's values lie.
 *
 * The idea: everything in such a file has a place that its header fixes, and values are big-endian without compression. So
 * one rank writes the header, and all ranks their parts at their offsets; no library that writes from one place is needed.
 * A record (one value of the unlimited dimension) holds a part of each record variable, one behind the other.
 * Limits: a variable, or its part of a record, of less than 4 GiB; values are 64-bit floats.
 * See: The NetCDF Classic Format Specification, Unidata.
 */

export type Attributes = Readonly<Record<string, string | number>>;

export interface Variable {
  readonly name: string;
  /** Names of dimensions, slowest first; the unlimited one can only be the first. */
  readonly dimensions: readonly string[];
  readonly attributes: Attributes;
}

export interface Contents {
  /** Lengths by name; 0 is the unlimited dimension. */
  readonly dimensions: Readonly<Record<string, number>>;
  readonly attributes: Attributes;
  readonly variables: readonly Variable[];
}

export interface Layout {
  readonly header: Uint8Array;
  /** Bytes of a record. */
  readonly recordSize: number;
  /** Where each variable's values begin, in its first record. */
  readonly begins: ReadonlyMap<string, number>;
  /** Where the number of records stands, a big-endian 32-bit number. */
  readonly recordCountAt: number;
}

const MAGIC = Buffer.from([0x43, 0x44, 0x46, 2]);
const TAG_DIMENSION = 10;
const TAG_VARIABLE = 11;
const TAG_ATTRIBUTE = 12;
const TYPE_CHAR = 2;
const TYPE_DOUBLE = 6;
const DOUBLE_BYTES = 8;
const MOST_BYTES = 2 ** 32 - 4;

/** Return the layout of a file with those contents. */
export function layOutNetcdf(contents: Contents): Layout {
  const sizes = contents.variables.map(({ name, dimensions }) => {
    const lengths = dimensions.map((dimension) => contents.dimensions[dimension]);
    const size = DOUBLE_BYTES * lengths.filter((length) => length > 0).reduce((product, length) => product * length, 1);
    if (size > MOST_BYTES) throw new Error(`${name} takes ${size} bytes: at most ${MOST_BYTES} fit into CDF-2`);
    return { size, isRecord: lengths[0] === 0 };
  });
  // All numbers have fixed widths: the header is as long with zeros for the offsets.
  let next = encodeHeader(contents, sizes, []).length;
  const begins: number[] = [];
  for (const wanted of [false, true]) {
    for (const [k, { size, isRecord }] of sizes.entries()) {
      if (isRecord !== wanted) continue;
      begins[k] = next;
      next += size;
    }
  }
  return {
    header: encodeHeader(contents, sizes, begins),
    recordSize: sizes.reduce((sum, { size, isRecord }) => sum + (isRecord ? size : 0), 0),
    begins: new Map(contents.variables.map(({ name }, k) => [name, begins[k]])),
    recordCountAt: MAGIC.length,
  };
}

/** Return values as they stand in a file. */
export function encodeDoubles(values: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(DOUBLE_BYTES * values.length);
  const view = new DataView(bytes.buffer);
  for (let k = 0; k < values.length; k += 1) view.setFloat64(DOUBLE_BYTES * k, values[k]);
  return bytes;
}

export function encodeCount(count: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(count);
  return bytes;
}

function encodeHeader(contents: Contents, sizes: readonly { size: number }[], begins: readonly number[]): Uint8Array {
  const names = Object.keys(contents.dimensions);
  const dimensions = names.map((name) => [encodeName(name), encodeCount(contents.dimensions[name])]);
  const variables = contents.variables.map(({ name, dimensions: own, attributes }, k) => [
    encodeName(name),
    encodeCount(own.length),
    ...own.map((dimension) => encodeCount(names.indexOf(dimension))),
    encodeAttributes(attributes),
    encodeCount(TYPE_DOUBLE),
    encodeCount(sizes[k].size),
    encodeOffset(begins[k] ?? 0),
  ]);
  return Buffer.concat([
    MAGIC,
    encodeCount(0),
    encodeList(TAG_DIMENSION, dimensions),
    encodeAttributes(contents.attributes),
    encodeList(TAG_VARIABLE, variables),
  ]);
}

function encodeAttributes(attributes: Attributes): Uint8Array {
  const entries = Object.entries(attributes).map(([name, value]) => {
    if (typeof value === 'number') return [encodeName(name), encodeCount(TYPE_DOUBLE), encodeCount(1), encodeDoubles([value])];
    return [encodeName(name), encodeCount(TYPE_CHAR), encodeName(value)];
  });
  return encodeList(TAG_ATTRIBUTE, entries);
}

/** An empty list is two zeros, without its tag. */
function encodeList(tag: number, entries: readonly (readonly Uint8Array[])[]): Uint8Array {
  return Buffer.concat([encodeCount(entries.length === 0 ? 0 : tag), encodeCount(entries.length), ...entries.flat()]);
}

/** Length, bytes in UTF-8, zeros up to a multiple of four. */
function encodeName(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([encodeCount(bytes.length), bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

function encodeOffset(offset: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(offset));
  return bytes;
}
