/**
 * Program of `tsmpi doctor --rdma HOST`: two ranks that reach each other by RDMA alone go through fifteen steps.
 *
 * Rank 0 is on the host where the command was typed, rank 1 on the other. Each step either passes on both or throws, which ends
 * the job with the reason. When all have passed each rank writes the proof on its own host (rdma-proof.ts), and rank 0 the
 * whole report, which may be sent to whoever looks after tsmpi. A file of its own: dist/rdma-steps.js, with the library beside it.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname, release } from 'node:os';
import { dirname } from 'node:path';
import { VERSION } from '../base/version.ts';
import { loadAddon } from '../native/loader.ts';
import { COUNTER, COUNTER_COUNT, type RdmaDevice } from '../native/rdma.ts';
import { findDevice } from '../transport/rdma/find-device.ts';
import { lockedMemoryLimit } from '../transport/rdma/locked-memory.ts';
import { job, world } from './init.ts';
import { type RdmaProof, rdmaProofPath } from './rdma-proof.ts';

interface Step {
  readonly name: string;
  readonly ms: number;
  readonly note: string;
}

interface Facts {
  readonly host: string;
  readonly listedAs: string;
  readonly kernel: string;
  readonly address: string;
  readonly device: RdmaDevice;
  readonly lockedMemory: number | 'unlimited';
}

const PEER = 1 - world.rank;
const MIB = 1 << 20;
const addon = loadAddon().addon!;
const steps: Step[] = [];

/** Take a step on both ranks, one after the other end has taken the one before. */
async function step(name: string, act: () => Promise<string> | string): Promise<void> {
  const start = performance.now();
  let note: string;
  try {
    note = await act();
  } catch (error) {
    throw new Error(`step ${steps.length + 1}, ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  await world.barrier();
  steps.push({ name, ms: Math.round((performance.now() - start) * 10) / 10, note });
}

/** Bytes that say where they belong. */
function pattern(byteLength: number, seed: number): Uint8Array {
  // Its length is prime, so no block of memory repeats another.
  const tile = Uint8Array.from({ length: 4099 }, (_, k) => k * 31 + (k >>> 8) + seed);
  return new Uint8Array(Buffer.alloc(byteLength, tile).buffer);
}

function check(bytes: Uint8Array, seed: number): void {
  const right = pattern(bytes.byteLength, seed);
  if (Buffer.compare(bytes, right) === 0) return;
  const at = bytes.findIndex((byte, k) => byte !== right[k]);
  throw new Error(`byte ${at} of ${bytes.byteLength} is ${bytes[at]}, expected ${right[at]}`);
}

/** Both send that many bytes to each other at once. */
async function exchange(byteLength: number, seed: number): Promise<void> {
  const into = new Uint8Array(byteLength);
  await world.sendrecv(pattern(byteLength, seed + world.rank), PEER, into, PEER);
  check(into, seed + PEER);
}

async function oneWay(byteLength: number, from: number, seed: number): Promise<void> {
  if (world.rank === from) return world.send(pattern(byteLength, seed), PEER);
  const into = new Uint8Array(byteLength);
  await world.recv(into, PEER);
  check(into, seed);
}

function counters(): Float64Array {
  const into = new Float64Array(COUNTER_COUNT);
  addon.rdmaCounters(into);
  return into;
}

/** Round trips of 8 bytes, so many or as many as there is time for. */
function roundTrips(count: number, limitMs: number): string {
  const times: number[] = [];
  const word = new Float64Array(1);
  const end = performance.now() + limitMs;
  for (let k = 0; word[0]! >= 0; k++) {
    const start = performance.now();
    const isLast = k + 1 === count || start > end;
    if (world.rank === 0) world.send(word.fill(isLast ? -1 : k), PEER).wait();
    world.recv(word, PEER).wait();
    if (world.rank === 1) world.send(word, PEER).wait();
    if (word[0] !== k && word[0] !== -1) throw new Error(`message ${k} brought ${word[0]}`);
    times.push((performance.now() - start) * 1000);
  }
  return `${times.length}, median ${times.sort((a, b) => a - b)[times.length >> 1]!.toFixed(1)} µs`;
}

async function idleThenMessage(): Promise<string> {
  const word = new Float64Array(1);
  const before = counters()[COUNTER.arm]!;
  if (world.rank === 0) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await world.send(new Float64Array([Date.now()]), PEER);
    return '';
  }
  const cpu = process.cpuUsage();
  const start = performance.now();
  await world.recv(word, PEER);
  const { user, system } = process.cpuUsage(cpu);
  const share = (user + system) / 10 / (performance.now() - start);
  return `${share.toFixed(1)} % of a core while idle, asked about completions ${counters()[COUNTER.arm]! - before} times`;
}

const found = findDevice(addon, process.env);
if (typeof found === 'string') throw new Error(found);
const limit = lockedMemoryLimit();
const own: Facts = {
  ...{ host: hostname(), listedAs: job.hostname, kernel: release(), address: found.host, device: found.device },
  lockedMemory: Number.isFinite(limit) ? limit : 'unlimited',
};
let facts: Facts[] = [];

await step('a connection, dialled by rank 0', async () => {
  await oneWay(8, 0, 1);
  return `${found.device.name} at ${found.host}`;
});
await step('an answer from the side that listened', async () => {
  await oneWay(8, 1, 2);
  return '';
});
await step('both sides know their devices', async () => {
  facts = (await world.allgatherObject(own)) as Facts[];
  return facts.map(({ host, device }) => `${host}: ${device.name}, ${device.nodeType}, firmware ${device.firmware}`).join('; ');
});
await step('memory may be locked', () => {
  if (limit < 16 * MIB) throw new Error(`this process may lock ${limit >> 10} KiB: raise it (ulimit -l)`);
  return own.lockedMemory === 'unlimited' ? 'unlimited' : `${limit / MIB} MiB`;
});
await step('round trips of 8 bytes', () => roundTrips(1000, 3000));
await step('every size that is sent at once', async () => {
  for (const size of [1, 31, 32, 33, 1000, 4000, 4047, 4048]) await exchange(size, size);
  return '';
});
await step('1000 messages before the first is received: credits', async () => {
  const word = new Float64Array(1);
  // Beyond its credit a message is announced, and its send done when it is received: so none is waited for before the last.
  const sends = world.rank === 0 ? Array.from({ length: 1000 }, (_, k) => world.send(Float64Array.of(k), PEER, 3)) : [];
  if (world.rank === 0) {
    await world.send(word, PEER, 4);
    await Promise.all(sends);
  } else {
    await world.recv(word, PEER, 4);
    for (let k = 0; k < 1000; k++) {
      await world.recv(word, PEER, 3);
      if (word[0] !== k) throw new Error(`message ${k} brought ${word[0]}`);
    }
  }
  return '';
});
await step('64 KiB read from rank 0', async () => {
  const before = counters()[COUNTER.read]!;
  await oneWay(65_536, 0, 5);
  return `${counters()[COUNTER.read]! - before} READs`;
});
await step('64 KiB read from rank 1', async () => {
  await oneWay(65_536, 1, 6);
  return '';
});
await step('4 MiB both ways at once', async () => {
  await exchange(4 * MIB, 7);
  return '';
});
await step('32 MiB over many regions', async () => {
  await oneWay(32 * MIB + 12_345, 0, 8);
  return '';
});
await step('50 arrays made, sent and dropped', async () => {
  for (let k = 0; k < 50; k++) await exchange(65_536 << (k & 3), k);
  return '';
});
await step('children started while memory is registered', async () => {
  const data = pattern(MIB, 9);
  for (let k = 0; k < 3; k++) {
    execFileSync('/bin/true');
    const into = new Uint8Array(MIB);
    await world.sendrecv(data, PEER, into, PEER);
    check(into, 9);
  }
  return '';
});
await step('objects with arrays in them', async () => {
  const sent = { list: [1, 'two', { three: 3 }], array: new Float64Array(10_000).fill(Math.PI) };
  if (world.rank === 0) await world.sendObject(sent, PEER);
  else {
    const got = (await world.recvObject(PEER)) as typeof sent;
    if (got.array[9999] !== Math.PI || got.list[1] !== 'two') throw new Error('it is another object');
  }
  return '';
});
await step('a second of idleness, then a message', idleThenMessage);

writeProof();
const reports = (await world.gatherObject(steps, 0)) as Step[][] | undefined;
if (world.rank === 0) {
  const report = { version: VERSION, node: process.version, when: new Date().toISOString(), hosts: facts, steps: reports };
  console.log(JSON.stringify(report, null, 2));
}

/** Add the other host to what is proven on this one. */
function writeProof(): void {
  const path = rdmaProofPath();
  const { name, vendorId, partId, firmware } = own.device;
  const device = { name, vendorId, partId, firmware };
  const other = facts[PEER]!;
  const peers = new Set([other.listedAs, other.host, ...(facts.length === 2 && other.host === own.host ? ['localhost'] : [])]);
  try {
    const before = JSON.parse(readFileSync(path, 'utf8')) as RdmaProof;
    if (JSON.stringify(before.device) === JSON.stringify(device)) for (const peer of before.peers) peers.add(peer);
  } catch {
    // there was none
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify({ device, peers: [...peers], version: VERSION, kernel: own.kernel, steps }, null, 2)}\n`);
}
