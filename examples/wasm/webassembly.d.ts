/** What is used of WebAssembly here and in bench/team, which the types of Node leave to those of browsers. */

declare namespace WebAssembly {
  class Memory {
    constructor(shape: { initial: number; maximum: number; shared: boolean });
    readonly buffer: SharedArrayBuffer;
  }
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: object);
    readonly exports: object;
  }
}
