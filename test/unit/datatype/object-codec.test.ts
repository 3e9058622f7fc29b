/** Object codec: values come back as structuredClone would give them, large arrays without a copy, bad heads as errors. */

import { deepStrictEqual } from 'node:assert';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { MpiError } from '../../../src/base/errors.ts';
import { createArray, U64 } from '../../../src/datatype/element-type.ts';
import { decodeObject, encodeObject, outOfBandLengths } from '../../../src/datatype/object-codec.ts';
import { Random } from './random.ts';

/** Encode, move every byte to other memory as a transport does, decode. */
function travel<T>(value: T): T {
  const { head, arrays } = encodeObject(value);
  const received = arrays.map((array) => new Uint8Array(array));
  expect(outOfBandLengths(head)).toEqual(received.map((array) => array.byteLength));
  return decodeObject(new Uint8Array(head), received) as T;
}

/** The value travels as structuredClone clones it; deepStrictEqual follows cycles and tells -0 from 0. */
function expectClone(value: unknown): void {
  deepStrictEqual(travel(value), structuredClone(value));
}

function errorOf(act: () => unknown): MpiError {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(MpiError);
    return error as MpiError;
  }
  throw new Error('nothing was thrown');
}

describe('values', () => {
  it.each([
    [
      'primitives',
      [undefined, null, true, false, 0, -0, 1, -1, 127, 128, 255, 256, -32, -33, 65535, 65536, 2 ** 31, -(2 ** 31) - 1],
    ],
    [
      'numbers',
      [2 ** 32, 2 ** 53, -(2 ** 53), 0.1, 1e308, 5e-324, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    ],
    ['a single -0', -0],
    ['nothing', undefined],
    ['text', ['', 'ä', '日本語', '😀', 'x'.repeat(31), 'é'.repeat(300), 'y'.repeat(70_000), '\0', 'line\nline']],
    ['text that UTF-8 cannot carry', ['\ud800', 'a\udc00b', `\ufeff${'mark'.repeat(30)}`, `${'long '.repeat(50)}\ud83d`]],
    ['keys that UTF-8 cannot carry', { '\ud800': 1, '\ufeffkey': 2 }],
    [
      'bigints',
      [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n, 2n ** 64n, -(2n ** 64n), 2n ** 4000n + 7n, -(2n ** 4001n)],
    ],
    [
      'objects',
      { a: { b: { c: [] } }, '': 1, 2: 'two', 'not a name': {}, constructor: 'x', hasOwnProperty: 1, toString: null, length: 3 },
    ],
    ['empty things', [[], {}, new Map(), new Set(), '', new Uint8Array(0), new ArrayBuffer(0)]],
    [
      'maps',
      new Map<unknown, unknown>([
        ['a', 1],
        [{ k: 1 }, new Map([[1, 2]])],
        [Number.NaN, -0],
        [[], undefined],
      ]),
    ],
    ['sets', new Set<unknown>([1, 'a', { b: 2 }, new Set([3])])],
    ['dates', [new Date(0), new Date(-1), new Date(1.7e12 + 123), new Date(8.64e15), new Date(1.5)]],
    ['regular expressions', [/a+b/giu, /[\ud800]/, /\//, /(?:)/]],
    ['boxed primitives', [Object(1), Object('text'), Object(false), Object(3n), Object(-0)]],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
    ['a list of lists', [[[1, 2], [3]], [[]], [['a', [-0]]]]],
  ])('%s', (_name, value) => {
    expectClone(value);
  });

  it('a date that is none stays none', () => {
    expect(travel(new Date(Number.NaN)).getTime()).toBe(Number.NaN);
  });

  it('class instances become plain objects with their own properties', () => {
    class Particle {
      x = 1;
      #hidden = 2;
      get doubled() {
        return this.#hidden * 2;
      }
      toJSON() {
        return 'never';
      }
      *[Symbol.iterator]() {
        yield 1;
      }
    }
    expectClone(new Particle());
    expect(travel({ p: new Particle(), [Symbol('passed over')]: 1 })).toEqual({ p: { x: 1 } });
  });

  it('holes arrive as undefined, an accessor as its value', () => {
    // biome-ignore lint/suspicious/noSparseArray: what is tested
    expect(travel([1, , 3])).toEqual([1, undefined, 3]);
    expect(
      travel({
        get once() {
          return 7;
        },
      }),
    ).toEqual({ once: 7 });
  });

  it('values of another realm are what they are', () => {
    const value = runInContext(
      '({ m: new Map([[1, [2]]]), f: new Float64Array([3]), d: new Date(5), e: new TypeError("t") })',
      createContext({}),
    );
    const copy = travel(value);
    expect(copy.m).toEqual(new Map([[1, [2]]]));
    expect(copy.f).toEqual(Float64Array.of(3));
    expect(copy.d).toEqual(new Date(5));
    expect(copy.e).toBeInstanceOf(TypeError);
  });

  it('shared references and cycles stay what they are', () => {
    const shared = { n: 1 };
    const cycle: Record<string, unknown> = { shared, again: shared, list: [shared] };
    cycle.self = cycle;
    cycle.map = new Map<unknown, unknown>([
      [cycle, shared],
      [shared, cycle],
    ]);
    cycle.set = new Set([cycle]);
    cycle.error = new Error('in a ring', { cause: cycle });
    const array = new Float64Array(1000);
    cycle.arrays = [array, array];
    expectClone(cycle);
    const copy = travel(cycle) as typeof cycle & { map: Map<unknown, unknown>; error: Error; arrays: unknown[] };
    expect(copy.self).toBe(copy);
    expect(copy.again).toBe(copy.shared);
    expect(copy.map.get(copy)).toBe(copy.shared);
    expect(copy.error.cause).toBe(copy);
    expect(copy.arrays[0]).toBe(copy.arrays[1]);
  });

  it('a list of a hundred thousand levels travels: nothing recurses', () => {
    let value: unknown = 'the end';
    for (let i = 0; i < 100_000; i++) value = i % 2 === 0 ? [value] : { next: value };
    let copy = travel(value) as unknown;
    for (let i = 99_999; i >= 0; i--) copy = i % 2 === 0 ? (copy as unknown[])[0] : (copy as { next: unknown }).next;
    expect(copy).toBe('the end');
  });

  it('a key __proto__ is a key and changes no prototype', () => {
    const value = JSON.parse('{"__proto__": {"polluted": 1}, "a": {"__proto__": 2}}');
    const copy = travel(value);
    expect(Object.keys(copy)).toEqual(['__proto__', 'a']);
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect(({} as { polluted?: number }).polluted).toBe(undefined);
  });
});

describe('errors', () => {
  it('keep class, name, message, stack and cause', () => {
    for (const errorClass of [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]) {
      const error = new errorClass('what went wrong', { cause: new Error('because', { cause: { code: 3 } }) });
      const copy = travel(error);
      expect(copy).toBeInstanceOf(errorClass);
      expect([copy.name, copy.message, copy.stack]).toEqual([error.name, error.message, error.stack]);
      expect((copy.cause as Error).message).toBe('because');
      expect((copy.cause as Error).cause).toEqual({ code: 3 });
      expect(Object.keys(copy)).toEqual([]);
      expectClone(error);
    }
    expectClone(new Error());
    expect(Object.hasOwn(travel(new Error('no cause')), 'cause')).toBe(false);
  });

  it('of other classes arrive as Error under their own name', () => {
    const error = new MpiError('ERR_MPI_TYPE', 'a message');
    const copy = travel(error);
    expect(copy).toBeInstanceOf(Error);
    expect(copy).not.toBeInstanceOf(MpiError);
    expect([copy.name, copy.message, copy.stack]).toEqual(['MpiError', 'a message', error.stack]);
    const abort = travel(new DOMException('stopped', 'AbortError'));
    expect([abort instanceof Error, abort.name, abort.message]).toEqual([true, 'AbortError', 'stopped']);
  });
});

describe('arrays', () => {
  it('of every type and size arrive with type and contents, at offsets, inside the head and beside it', () => {
    const random = new Random(7);
    for (let code = 1; code <= U64; code++) {
      for (const length of [0, 1, 5, 127, 128, 1024, 5000]) {
        const whole = createArray(code, length + 3);
        random.fill(new Uint8Array(whole.buffer));
        const view = whole.subarray(2, 2 + length);
        const copy = travel({ view }).view;
        expect(copy.constructor).toBe(view.constructor);
        expect(Buffer.compare(new Uint8Array(copy.buffer), new Uint8Array(view.buffer, view.byteOffset, view.byteLength))).toBe(
          0,
        );
      }
    }
  });

  it('raw memory arrives as its kind; Buffer as Uint8Array, shared memory over an ArrayBuffer', () => {
    for (const byteLength of [0, 24, 4000]) {
      const bytes = new Random(byteLength).fill(new Uint8Array(byteLength));
      const padded = Buffer.concat([bytes, bytes]);
      const shared = new SharedArrayBuffer(byteLength);
      new Uint8Array(shared).set(bytes);
      const copy = travel({
        buffer: bytes.buffer,
        view: new DataView(padded.buffer, padded.byteOffset, byteLength),
        node: padded.subarray(byteLength),
        shared,
        over: new Uint8Array(shared),
      });
      expect(copy.buffer).toEqual(bytes.buffer);
      expect(copy.view).toBeInstanceOf(DataView);
      expect(new Uint8Array(copy.view.buffer, copy.view.byteOffset, copy.view.byteLength)).toEqual(bytes);
      expect(Object.getPrototypeOf(copy.node)).toBe(Uint8Array.prototype);
      expect([...copy.node]).toEqual([...bytes]);
      expect(copy.shared).toEqual(bytes.buffer);
      expect(copy.over.buffer).toBeInstanceOf(ArrayBuffer);
      expect(copy.over).toEqual(bytes);
    }
  });

  it('that are large are lent, not copied, and become views of the memory they were received into', () => {
    const field = new Float64Array(1 << 17);
    const part = field.subarray(1000, 5000);
    const { head, arrays } = encodeObject({ step: 3, field, part });
    expect(arrays.map(({ buffer, byteOffset, byteLength }) => [buffer === field.buffer, byteOffset, byteLength])).toEqual([
      [true, 0, field.byteLength],
      [true, 8000, 32_000],
    ]);
    expect(head.byteLength).toBeLessThan(150);
    const received = arrays.map((array) => new Uint8Array(array));
    const value = decodeObject(head, received) as { field: Float64Array; part: Float64Array };
    expect([value.field.buffer, value.part.buffer]).toEqual([received[0].buffer, received[1].buffer]);
    expect(value.field.buffer).toBe(received[0].buffer);
    expect([value.field.length, value.part.length]).toEqual([1 << 17, 4000]);
    const raw = encodeObject(new ArrayBuffer(5000));
    const memory = new Uint8Array(5000);
    expect(decodeObject(raw.head, [memory])).toBe(memory.buffer);
  });
});

describe('heads', () => {
  it('are not written over by the next one, and begin behind the prefix', () => {
    const first = encodeObject({ text: 'first' }, 8);
    const kept = new Uint8Array(first.head);
    for (let i = 0; i < 100; i++) encodeObject({ text: `number ${i}`.repeat(i) });
    encodeObject('large '.repeat(1 << 19));
    encodeObject('after the large one');
    expect(first.head).toEqual(kept);
    expect([...first.head.subarray(0, 8)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(first.head.buffer.byteLength).toBe(first.head.byteLength);
    expect(decodeObject(first.head.subarray(8), [])).toEqual({ text: 'first' });
  });

  it('keep numbers, text and lists of some megabytes', () => {
    const value = {
      text: 'ü'.repeat(3 << 20),
      list: Array.from({ length: 300_000 }, (_, i) => i * 0.5),
      keys: {} as Record<string, number>,
    };
    for (let i = 0; i < 70_000; i++) value.keys[`k${i}`] = i;
    expectClone(value);
  });
});

describe('what cannot be sent', () => {
  class Vector {
    items = [1, { deep: Symbol('s') }];
  }
  it.each<[string, unknown, string]>([
    ['a function', () => 1, 'value is a function'],
    ['a symbol', Symbol('x'), 'value is a symbol'],
    ['inside lists and objects', { a: { b: [1, 2, 3, () => 1] } }, 'value.a.b[3] is a function'],
    ['under a key that is no name', { 'a b': [{ 'x"y': () => 1 }] }, 'value["a b"][0]["x\\"y"] is a function'],
    ['in a map', { m: new Map([['k', [() => 1]]]) }, 'value.m.get("k")[0] is a function'],
    [
      'as a key of a map',
      [
        new Map<unknown, unknown>([
          [1, 2],
          [() => 1, 2],
        ]),
      ],
      'value[0].keys()[1] is a function',
    ],
    ['in a set', new Set([1, [() => 1]]), 'value.values()[1][0] is a function'],
    ['in a cause', [new Error('e', { cause: { f: () => 1 } })], 'value[0].cause.f is a function'],
    ['in an instance', new Vector(), 'value.items[1].deep is a symbol'],
    ['beside a list of one number', { one: [1], two: [2], three: { f: () => 1 } }, 'value.three.f is a function'],
    ['a promise', { a: Promise.resolve(1) }, 'value.a is a promise or a request'],
    ['a weak map', [new WeakMap()], 'value[0] is a WeakMap'],
    ['a weak set', [new WeakSet()], 'value[0] is a WeakSet'],
    ['a weak reference', [new WeakRef({})], 'value[0] is a WeakRef'],
  ])('%s is named with its place', (_name, value, expected) => {
    const error = errorOf(() => encodeObject(value));
    expect(error.code).toBe('ERR_MPI_TYPE');
    expect(error.message.startsWith(`sendObject: ${expected}`)).toBe(true);
    expect(error.message).toMatch(/expected/);
  });

  it('memory that is gone, with its place', () => {
    const field = new Float64Array(1000);
    structuredClone(field, { transfer: [field.buffer] });
    expect(errorOf(() => encodeObject({ a: [field] })).message).toMatch(
      /^sendObject: value\.a\[0\] lies over a detached ArrayBuffer/,
    );
  });

  it('a path too long to read is cut in the middle', () => {
    let value: unknown = () => 1;
    for (let i = 0; i < 2000; i++) value = { next: value };
    const { message } = errorOf(() => encodeObject(value));
    expect(message).toMatch(/^sendObject: value\.next.* … .*\.next is a function/);
    expect(message.length).toBeLessThan(400);
  });

  it('an error thrown by an accessor is the program’s own', () => {
    const value = {
      get broken(): number {
        throw new RangeError('mine');
      },
    };
    expect(() => encodeObject([value])).toThrow(new RangeError('mine'));
  });
});

describe('random values', () => {
  const scalars = [
    0,
    -0,
    1.5,
    -7,
    2 ** 40,
    Number.NaN,
    '',
    'text',
    'ünï',
    '\ud800',
    true,
    false,
    null,
    undefined,
    5n,
    -(2n ** 70n),
  ];

  /**
   * A random graph: containers are remembered, so that later ones may point back at them. Causes of errors are scalars:
   * structuredClone itself fails on some rings through them.
   */
  function randomValue(random: Random, depth: number, known: object[]): unknown {
    const kind = random.below(depth > 4 ? 3 : 11);
    if (kind < 2) return random.pick(scalars);
    if (kind === 2 && known.length > 0) return random.pick(known);
    const child = () => randomValue(random, depth + 1, known);
    const remember = <T extends object>(value: T): T => {
      known.push(value);
      return value;
    };
    const size = random.below(5);
    switch (kind) {
      case 3:
      case 4: {
        const array: unknown[] = remember([]);
        for (let i = 0; i < size; i++) array.push(child());
        return array;
      }
      case 5:
      case 6: {
        const object: Record<string, unknown> = remember({});
        for (let i = 0; i < size; i++) object[random.pick(['a', 'b', '1', 'ü', 'long key', '\udfff'])] = child();
        return object;
      }
      case 7: {
        const map = remember(new Map<unknown, unknown>());
        for (let i = 0; i < size; i++) map.set(child(), child());
        return map;
      }
      case 8: {
        const set = remember(new Set<unknown>());
        for (let i = 0; i < size; i++) set.add(child());
        return set;
      }
      case 9: {
        const array = createArray(1 + random.below(U64), random.below(2) === 0 ? size : 400 + size);
        for (let i = 0; i < array.length; i++) array[i] = typeof array[0] === 'bigint' ? BigInt(i) : i;
        return remember(array);
      }
      default:
        return remember(
          random.pick([
            () => new Date(random.below(1e9)),
            () => /r/g,
            () => new TypeError('t', { cause: random.pick(scalars) }),
          ])(),
        );
    }
  }

  it('come back as structuredClone gives them', () => {
    for (let seed = 1; seed <= 400; seed++) {
      const value = randomValue(new Random(seed), 0, []);
      try {
        expectClone(value);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  });
});

describe('what cannot be decoded', () => {
  const { head, arrays } = encodeObject({
    text: 'some text',
    list: [1, 2.5, 'x', null],
    nested: { map: new Map([['k', new Date(3)]]), set: new Set([/r/]), small: new Int16Array(3), error: new Error('e') },
    field: new Float64Array(500),
    odd: ['\ud800', 2n ** 90n, -0],
  });

  it('a head cut short at any byte is an error', () => {
    for (let length = 0; length < head.byteLength; length++) {
      const error = errorOf(() => {
        const cut = head.slice(0, length);
        decodeObject(
          cut,
          outOfBandLengths(cut).map((byteLength) => new Uint8Array(byteLength)),
        );
      });
      expect(error.code).toBe('ERR_MPI_TYPE');
      expect(error.message).toMatch(/^object message cannot be decoded: /);
    }
  });

  it('a head cut short inside a larger buffer is not read beyond its end', () => {
    for (let length = 16; length < head.byteLength; length++) {
      expect(() => decodeObject(head.subarray(0, length), arrays)).toThrow('object message cannot be decoded');
    }
  });

  it('heads with wrong bytes are errors or values, quickly, and pollute nothing', () => {
    const random = new Random(11);
    for (let turn = 0; turn < 3000; turn++) {
      const wrong = head.slice();
      for (let i = random.below(4); i >= 0; i--) wrong[16 + random.below(wrong.byteLength - 16)] = random.below(256);
      try {
        decodeObject(wrong, arrays);
      } catch (error) {
        expect(error).toBeInstanceOf(MpiError);
      }
      const noise = random.fill(new Uint8Array(8 + random.below(60)));
      noise.fill(0, 0, 8);
      try {
        decodeObject(noise, []);
      } catch (error) {
        expect((error as MpiError).code).toBe('ERR_MPI_TYPE');
      }
    }
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(travel({ still: 'works' })).toEqual({ still: 'works' });
  });

  it('names of prototypes become own properties, and touch nothing else', () => {
    const names = ['__proto__', 'constructor', 'prototype', 'toString', '__defineGetter__', 'hasOwnProperty'];
    const object: Record<string, unknown> = Object.create(null);
    for (const name of names) {
      Object.defineProperty(object, name, { value: { polluted: name }, enumerable: true, configurable: true, writable: true });
    }
    const got = travel({ inner: object, map: new Map([['__proto__', 1]]) }) as { inner: object; map: Map<string, number> };
    expect(Object.keys(got.inner)).toEqual(names);
    expect(Object.getPrototypeOf(got.inner)).toBe(Object.prototype);
    expect(Object.getOwnPropertyDescriptor(got.inner, '__proto__')?.value).toEqual({ polluted: '__proto__' });
    expect(got.map.get('__proto__')).toBe(1);
    expect('polluted' in {}).toBe(false);
    expect({}.constructor).toBe(Object);
  });

  it('arrays that are not those of the head are errors', () => {
    expect(() => decodeObject(head, [])).toThrow('0 arrays came with a head for 1');
    expect(() => decodeObject(head, [new Uint8Array(8)])).toThrow('array 0 has 8 bytes, not 4000');
    const wrong = head.slice();
    new DataView(wrong.buffer).setFloat64(8, 1.5, true);
    expect(() => outOfBandLengths(wrong)).toThrow('array 0 has 1.5 bytes');
    new DataView(wrong.buffer).setUint32(0, 4_000_000_000, true);
    expect(() => outOfBandLengths(wrong)).toThrow('its head is cut short');
  });

  const packed = (...bytes: number[]) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, ...bytes);
  it.each<[string, Uint8Array, RegExp]>([
    ['no list', packed(0x05), /no list of nodes/],
    ['an empty list', packed(0x90), /no list of nodes/],
    ['a node that is no list', packed(0x92, 0x91, 0, 7), /a node that is no list/],
    ['a node of no kind', packed(0x92, 0x91, 0, 0x91, 99), /a node of kind 99/],
    ['an object that is not there', packed(0x91, 0x91, 5), /object 5/],
    ['a key without a value', packed(0x92, 0x91, 0, 0x92, 2, 0xa1, 0x61), /a key without a value/],
    ['a key that is no text', packed(0x92, 0x91, 0, 0x93, 2, 7, 7), /where text was expected/],
    ['an array that did not come', packed(0x92, 0x91, 0, 0x93, 10, 9, 0), /array 0 of 0/],
    ['an array of no type', packed(0x92, 0x91, 0, 0x93, 9, 40, 0xc4, 1, 0), /an array of type 40/],
    ['half an element', packed(0x92, 0x91, 0, 0x93, 9, 9, 0xc4, 4, 0, 0, 0, 0), /4 bytes for elements of 8/],
    ['a length beyond the end', packed(0xdd, 0xff, 0xff, 0xff, 0xff), /cannot be decoded/],
    ['text beyond the end', packed(0x91, 0xdb, 0x7f, 0xff, 0xff, 0xff), /cannot be decoded/],
    ['a map', packed(0x91, 0x81, 1, 2), /neither primitive nor list/],
    ['an extension', packed(0x91, 0xd6, 0xff, 0, 0, 0, 0), /neither primitive nor list/],
    ['more behind the end', packed(0x91, 1, 1), /cannot be decoded/],
    ['bytes beyond the end', packed(0x91, 0xc6, 0x7f, 0xff, 0xff, 0xff, 1, 2), /cannot be decoded/],
    [
      'a thousand lengths inside each other',
      packed(...Array.from({ length: 1000 }, () => [0xdc, 0x02, 0x00]).flat()),
      /cannot be decoded/,
    ],
    ['a million levels', new Uint8Array(1_000_008).fill(0x91, 8), /cannot be decoded/],
    ['a hundred thousand levels', new Uint8Array(100_008).fill(0x91, 8), /cannot be decoded/],
    ['a regular expression that is none', packed(0x92, 0x91, 0, 0x93, 6, 0xa1, 0x28, 0xa0), /cannot be decoded/],
  ])('%s', (_name, bytes, expected) => {
    const error = errorOf(() => decodeObject(bytes, []));
    expect(error.message).toMatch(/^object message cannot be decoded: /);
    expect(error.message).toMatch(expected);
  });
});
