/** What ranks tell each other while they connect by RDMA: 56 bytes, which nobody else can make, change or use twice. */

import { expect, test } from 'vitest';
import { makeNonce, Proof } from '../../../../src/transport/rdma/proof.ts';
import { addressText, addressWord } from '../../../../src/transport/rdma/signals.ts';

const KEY = Uint8Array.from({ length: 32 }, (_, k) => k);
const proof = new Proof('job', KEY);
const request = { from: 3, to: 70_000, nonce: makeNonce(), receiveCount: 16, bufferBytes: 4096, readsIn: 8 };
const answer = { from: 70_000, to: 3, nonce: makeNonce(), receiveCount: 4, bufferBytes: 65_536, readsIn: 1 };

/** As drivers hand it over: padded to another length. */
const pad = (data: Uint8Array, byteLength: number): Uint8Array => {
  const padded = new Uint8Array(byteLength);
  padded.set(data);
  return padded;
};

test('a request and its answer fit into private data, and are read behind any padding', () => {
  expect(proof.writeRequest(request).byteLength).toBe(56);
  for (const byteLength of [56, 148, 196]) {
    expect(proof.readRequest(pad(proof.writeRequest(request), byteLength))).toEqual(request);
    expect(proof.readAnswer(pad(proof.writeAnswer(answer, request.nonce), byteLength), request.nonce)).toEqual(answer);
  }
});

test('a byte that was changed, another key, another job and another request are told from the right ones', () => {
  const right = proof.writeRequest(request);
  for (let at = 0; at < 56; at++) {
    const wrong = Uint8Array.from(right);
    wrong[at]! ^= 1;
    expect(typeof proof.readRequest(wrong), `byte ${at}`).toBe('string');
  }
  expect(proof.readRequest(undefined)).toBe('no introduction of a rank');
  expect(proof.readRequest(right.subarray(0, 55))).toBe('no introduction of a rank');
  expect(
    new Proof(
      'job',
      KEY.map((byte) => byte + 1),
    ).readRequest(right),
  ).toBe('wrong proof');
  expect(new Proof('another', KEY).readRequest(right)).toBe('another job');
  expect(proof.readAnswer(proof.writeAnswer(answer, makeNonce()), request.nonce)).toBe('wrong proof');
  // Neither serves for the other side.
  expect(proof.readAnswer(right, request.nonce)).toBe('no introduction of a rank');
});

test('the first SEND proves that its sender has seen this answer, and no other', () => {
  const right = proof.confirm(3, 70_000, request.nonce, answer.nonce);
  expect(right.byteLength).toBe(16);
  expect(proof.confirm(3, 70_000, request.nonce, answer.nonce)).toEqual(right);
  for (const wrong of [
    proof.confirm(4, 70_000, request.nonce, answer.nonce),
    proof.confirm(3, 70_000, request.nonce, makeNonce()),
    proof.confirm(3, 70_000, makeNonce(), answer.nonce),
  ]) {
    expect(wrong).not.toEqual(right);
  }
});

test('an address goes through one word', () => {
  for (const host of ['10.77.0.1', '255.255.255.254', '0.0.0.0', '192.168.128.7'])
    expect(addressText(addressWord(host))).toBe(host);
});
