/** Messages of a rank to itself keep to the transport contract. */

import { SelfTransport } from '../../src/transport/self/self-transport.ts';
import { conformance } from './transport.ts';

const nothing = 'a message to itself is handled at once, and copied by the engine';

conformance({
  name: 'self',
  ranks: [3, 3, 4],
  open: (_onSender, onReceiver) => {
    const self = new SelfTransport(3, onReceiver);
    return { sender: self, receiver: self };
  },
  without: { pieces: nothing, refusal: nothing, fetch: nothing, sleep: nothing },
});
