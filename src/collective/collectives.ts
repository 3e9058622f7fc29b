/**
 * Collectives: a communicator's collectives, each as a schedule of the algorithm that selection chose.
 *
 * The idea: one object a communicator, with the plans for its size. A call makes the schedule, and the caller runs it at
 * once as far as it goes: schedules on the area take their turn when they are made, in the order of issue. A schedule
 * that begins a second collective does so when messages come, on no two ranks at the same place in that order: so the
 * first takes the area away from the port, and the others use messages.
 *
 * Limits: arguments were checked by the communicator; port.ts drives schedules.
 */

import type { TypedArray } from '../datatype/element-type.ts';
import type {
  AllgatherArguments,
  AllgathervArguments,
  AllreduceArguments,
  AlltoallArguments,
  AlltoallvArguments,
  BarrierArguments,
  BcastArguments,
  GatherArguments,
  GathervArguments,
  ReduceArguments,
  ReduceScatterArguments,
  ScanArguments,
  ScatterArguments,
  ScattervArguments,
} from './arguments.ts';
import { leave } from './barrier/leave.ts';
import { CATALOGUE } from './catalogue.ts';
import { BUILT_IN, kindOf, Plan, type PlanSettings } from './plan.ts';
import type { Port, Schedule } from './schedule.ts';

const isUnforced = (): undefined => undefined;

/** The plans of one size, with or without an area. */
class Plans {
  readonly barrier: Plan<BarrierArguments>;
  readonly bcast: Plan<BcastArguments>;
  readonly reduce: Plan<ReduceArguments>;
  readonly allreduce: Plan<AllreduceArguments>;
  readonly gather: Plan<GatherArguments>;
  readonly gatherv: Plan<GathervArguments>;
  readonly scatter: Plan<ScatterArguments>;
  readonly allgather: Plan<AllgatherArguments>;
  readonly alltoall: Plan<AlltoallArguments>;
  readonly scatterv: Plan<ScattervArguments>;
  readonly allgatherv: Plan<AllgathervArguments>;
  readonly alltoallv: Plan<AlltoallvArguments>;
  readonly reduceScatter: Plan<ReduceScatterArguments>;
  readonly scan: Plan<ScanArguments>;
  readonly exscan: Plan<ScanArguments>;

  constructor(settings: PlanSettings) {
    this.barrier = new Plan('barrier', CATALOGUE.barrier, settings);
    this.bcast = new Plan('bcast', CATALOGUE.bcast, settings);
    this.reduce = new Plan('reduce', CATALOGUE.reduce, settings);
    this.allreduce = new Plan('allreduce', CATALOGUE.allreduce, settings);
    this.gather = new Plan('gather', CATALOGUE.gather, settings);
    this.gatherv = new Plan('gatherv', CATALOGUE.gatherv, settings);
    this.scatter = new Plan('scatter', CATALOGUE.scatter, settings);
    this.allgather = new Plan('allgather', CATALOGUE.allgather, settings);
    this.alltoall = new Plan('alltoall', CATALOGUE.alltoall, settings);
    this.scatterv = new Plan('scatterv', CATALOGUE.scatterv, settings);
    this.allgatherv = new Plan('allgatherv', CATALOGUE.allgatherv, settings);
    this.alltoallv = new Plan('alltoallv', CATALOGUE.alltoallv, settings);
    this.reduceScatter = new Plan('reduceScatter', CATALOGUE.reduceScatter, settings);
    this.scan = new Plan('scan', CATALOGUE.scan, settings);
    this.exscan = new Plan('exscan', CATALOGUE.exscan, settings);
  }
}

export class Collectives {
  readonly #settings: PlanSettings;
  readonly #inArea: Plans;
  readonly #byMessages: Plans;
  #internal: Collectives | undefined = undefined;

  constructor(settings: PlanSettings) {
    this.#settings = settings;
    this.#byMessages = new Plans({ ...settings, slotBytes: 0, hasBulk: false });
    this.#inArea = settings.slotBytes === 0 ? this.#byMessages : new Plans(settings);
  }

  /** The same without force, for collectives that no user asked for: those inside split, free and object collectives. */
  get internal(): Collectives {
    this.#internal ??= new Collectives({ ...this.#settings, forced: isUnforced });
    return this.#internal;
  }

  /** Standard: 6.3. */
  barrier(port: Port): Schedule {
    return this.#plans(port).barrier.begin(port, undefined, 0, BUILT_IN);
  }

  /** Barrier by messages, after which no member looks at the area any more: it may be given back. */
  leave(port: Port): Schedule {
    return leave(port);
  }

  /** Standard: 6.4. */
  bcast(port: Port, args: BcastArguments): Schedule {
    return this.#plans(port).bcast.begin(port, args, args.data.byteLength, BUILT_IN);
  }

  /** Standard: 6.9.1. */
  reduce(port: Port, args: ReduceArguments): Schedule {
    return this.#plans(port).reduce.begin(port, args, args.input.byteLength, kindOf(args.op));
  }

  /** Standard: 6.9.6. */
  allreduce(port: Port, args: AllreduceArguments): Schedule {
    return this.#plans(port).allreduce.begin(port, args, args.input.byteLength, kindOf(args.op));
  }

  /** Standard: 6.5. */
  gather(port: Port, args: GatherArguments): Schedule {
    return this.#plans(port).gather.begin(port, args, args.count * bytesPerElement(args.data ?? args.into), BUILT_IN);
  }

  /** Standard: 6.5. */
  gatherv(port: Port, args: GathervArguments): Schedule {
    return this.#plans(port).gatherv.begin(port, args, 0, BUILT_IN);
  }

  /** Standard: 6.6. */
  scatter(port: Port, args: ScatterArguments): Schedule {
    return this.#plans(port).scatter.begin(port, args, args.count * bytesPerElement(args.into ?? args.data), BUILT_IN);
  }

  /** Standard: 6.7. */
  allgather(port: Port, args: AllgatherArguments): Schedule {
    return this.#plans(port).allgather.begin(port, args, args.count * args.into.BYTES_PER_ELEMENT, BUILT_IN);
  }

  /** Standard: 6.8. */
  alltoall(port: Port, args: AlltoallArguments): Schedule {
    return this.#plans(port).alltoall.begin(port, args, args.count * args.into.BYTES_PER_ELEMENT, BUILT_IN);
  }

  /** Standard: 6.6. */
  scatterv(port: Port, args: ScattervArguments): Schedule {
    return this.#plans(port).scatterv.begin(port, args, 0, BUILT_IN);
  }

  /** Standard: 6.7. */
  allgatherv(port: Port, args: AllgathervArguments): Schedule {
    return this.#plans(port).allgatherv.begin(port, args, 0, BUILT_IN);
  }

  /** Standard: 6.8. */
  alltoallv(port: Port, args: AlltoallvArguments): Schedule {
    return this.#plans(port).alltoallv.begin(port, args, 0, BUILT_IN);
  }

  /** Standard: 6.10; blocks of one length are a case of it. */
  reduceScatter(port: Port, args: ReduceScatterArguments): Schedule {
    return this.#plans(port).reduceScatter.begin(port, args, args.input.byteLength, kindOf(args.op));
  }

  /** Standard: 6.11.1. */
  scan(port: Port, args: ScanArguments): Schedule {
    return this.#plans(port).scan.begin(port, args, args.input.byteLength, kindOf(args.op));
  }

  /** Standard: 6.11.2. */
  exscan(port: Port, args: ScanArguments): Schedule {
    return this.#plans(port).exscan.begin(port, args, args.input.byteLength, kindOf(args.op));
  }

  #plans(port: Port): Plans {
    return port.area === undefined ? this.#byMessages : this.#inArea;
  }
}

function bytesPerElement(data: TypedArray | undefined): number {
  return data!.BYTES_PER_ELEMENT;
}
