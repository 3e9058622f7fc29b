/** Attributes as a job has them, and what an error does where errors end the job: `properties.ts [wrong | late]`. */

import { APPNUM, createKeyval, self, UNIVERSE_SIZE, world } from 'tsmpi';

const { rank } = world;
const way = process.argv[2];
// Libraries end themselves by an attribute of self: messages still go while it is deleted.
const ending = createKeyval<string>({
  delete(value) {
    const sum = world.allgather(rank + 1).wait();
    console.log(`rank ${rank}: ${value} of ${sum.length}`);
  },
});

const comm = await world.dup();
comm.name = 'halo';
comm.errors = 'abort';
if (way === 'wrong') {
  // The others wait in vain, were it not for the error.
  if (rank === 1) comm.send(new Float64Array(1), 99);
  comm.barrier().wait();
} else if (way === 'late') {
  if (rank === 0) await comm.send(new Float64Array(8), 1, 3);
  else comm.recv(new Float64Array(2), 0, 3).catch(() => console.log('never seen'));
  await world.barrier();
  await new Promise(() => setInterval(() => {}, 1000));
} else {
  self.setAttribute(ending, 'the end');
  console.log(`rank ${rank}: program ${world.attribute(APPNUM)}, ${world.attribute(UNIVERSE_SIZE)} slots`);
}
