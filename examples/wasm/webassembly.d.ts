/** What is used of WebAssembly in the examples and in bench/team, which the types of Node leave to those of browsers. */

declare namespace WebAssembly {
  class Memory {
    constructor(shape: { initial: number; maximum: number; shared: boolean });
    readonly buffer: SharedArrayBuffer;
    grow(pages: number): number;
  }
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: object);
    readonly exports: object;
  }
}
