/**
 * Policy: how a rank chooses algorithms, and the plans that follow from it, made once.
 *
 * The idea: one policy a rank, given to every call. Plans depend on a communicator's size and on whether it has an area,
 * nothing else, so communicators of one size share them.
 */

import type { AllreduceArguments, BarrierArguments, BcastArguments, ReduceArguments } from './arguments.ts';
import { CATALOGUE } from './catalogue.ts';
import { Plan, type PlanSettings } from './plan.ts';
import type { OperationName } from './restrictions.ts';
import type { Port } from './schedule.ts';

/** The plans for communicators of one size, with or without an area. */
class Plans {
  readonly barrier: Plan<BarrierArguments>;
  readonly bcast: Plan<BcastArguments>;
  readonly reduce: Plan<ReduceArguments>;
  readonly allreduce: Plan<AllreduceArguments>;

  constructor(settings: PlanSettings) {
    this.barrier = new Plan('barrier', CATALOGUE.barrier, settings);
    this.bcast = new Plan('bcast', CATALOGUE.bcast, settings);
    this.reduce = new Plan('reduce', CATALOGUE.reduce, settings);
    this.allreduce = new Plan('allreduce', CATALOGUE.allreduce, settings);
  }
}

export class Policy {
  /** Whether results must not depend on placement, areas or timing. */
  readonly isDeterministic: boolean;
  /** The same without force, for collectives that no user called: those inside split, free and object collectives. */
  readonly internal: Policy;
  readonly #forced: ReadonlyMap<OperationName, string>;
  readonly #withArea: (Plans | undefined)[] = [];
  readonly #withoutArea: (Plans | undefined)[] = [];

  /** `forced` is what readForced() found in the environment; areas of one job all have slots of one size. */
  constructor(isDeterministic: boolean, forced: ReadonlyMap<OperationName, string>) {
    this.isDeterministic = isDeterministic;
    this.#forced = forced;
    this.internal = forced.size === 0 ? this : new Policy(isDeterministic, new Map());
  }

  /** Return the plans for a port's communicator. */
  plansFor(port: Port): Plans {
    const { size, area } = port;
    return (area === undefined ? this.#withoutArea : this.#withArea)[size] ?? this.#make(size, area?.slotBytes ?? 0);
  }

  #make(size: number, slotBytes: number): Plans {
    const plans = new Plans({ size, slotBytes, isDeterministic: this.isDeterministic, forced: this.#forced });
    (slotBytes === 0 ? this.#withoutArea : this.#withArea)[size] = plans;
    return plans;
  }
}
