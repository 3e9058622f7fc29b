/** Which transport a peer is reached by, and what happens when one turns out not to reach it. */

import { expect, test } from 'vitest';
import { Routes } from '../../../src/runtime/routes.ts';
import type { Transport } from '../../../src/transport/transport.ts';

/** As far as a choice looks at one. */
const named = (name: string, reaches: (peer: number) => boolean) =>
  ({ name, canReach: (peer: number) => (reaches(peer) ? undefined : `${name} does not go there`) }) as Transport;

const candidates = ['rdma', 'websocket', 'relay'].map((name) => ({ name, transport: named(name, (peer) => peer !== 0) }));
const all = [{ name: 'self', transport: named('self', (peer) => peer === 0) }, ...candidates];

test('one that was avoided is not taken again when the next fails too', () => {
  const routes = new Routes(all, [], 0, 3);
  expect(routes.chosen.map(({ transport }) => transport.name)).toEqual(['self', 'rdma', 'rdma']);
  expect(routes.avoid(2, 'rdma', 'it takes none')).toBe(true);
  expect(routes.chosen[2]).toMatchObject({ transport: { name: 'websocket' }, notTaken: 'rdma: it takes none' });
  expect(routes.avoid(2, 'websocket', 'a firewall')).toBe(true);
  expect(routes.chosen[2]).toMatchObject({
    transport: { name: 'relay' },
    notTaken: 'rdma: it takes none; websocket: a firewall',
  });
  expect(routes.avoid(2, 'relay', 'no agents')).toBe(false);
  expect(routes.chosen[1]!.transport.name).toBe('rdma');
});

test('what is not allowed is not taken, and the reason stands in the error', () => {
  expect(new Routes(all, ['self', 'relay'], 0, 2).chosen[1]!.notTaken).toBe(
    'rdma: not in --transport; websocket: not in --transport',
  );
  expect(() => new Routes(all, ['self'], 0, 2)).toThrow(
    /^rank 0 has no way to reach rank 1 \(self: self does not go there; rdma: not in/,
  );
});
