/**
 * Objects: any value can be a message, and typed arrays inside it travel beside it, without a copy through the codec.
 * Rank 0 hands out tasks, the others answer; `messages()` takes the answers as they come.
 *
 *     npx tsmpirun -n 4 examples/04-objects.ts
 */

import { world } from 'tsmpi';

interface Task {
  readonly name: string;
  readonly samples: Float64Array;
}
interface Answer {
  readonly name: string;
  readonly mean: number;
}

if (world.rank === 0) {
  const tasks = Array.from({ length: world.size - 1 }, (_, k): Task => {
    return { name: `task ${k + 1}`, samples: Float64Array.from({ length: 100_000 }, (_, i) => (i % 10) + k) };
  });
  await Promise.all(tasks.map((task, k) => world.sendObject(task, k + 1)));
  let open = tasks.length;
  if (open === 0) console.log('alone: start it with tsmpirun -n 4');
  else {
    for await (const { value, status } of world.messages<Answer>()) {
      console.log(`rank ${status.source} says: the mean of ${value.name} is ${value.mean}`);
      if (--open === 0) break;
    }
  }
} else {
  const { name, samples } = await world.recvObject<Task>(0);
  const mean = samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
  await world.sendObject({ name, mean } satisfies Answer, 0);
}
