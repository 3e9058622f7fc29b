/**
 * Profiling: a rank begins to measure; the report on all ranks, for programs and for the end of a job.
 *
 * The idea: nothing that measures is there until somebody asks for it. Then it takes the place of methods: of progress and
 * parking (p2p/profiled.ts), and of those that note calls.
 *
 * Ranks tell rank 0 by messages on a communicator of their own, so nothing of it stands in the way of the program's, and every
 * transport will do. It has no journal and no area, so that what it does is not counted among the program's calls.
 */

import { writeFileSync } from 'node:fs';
import { operationCode } from '../base/operation.ts';
import { Intracommunicator } from '../comm/intracommunicator.ts';
import { contextId } from '../p2p/context.ts';
import { DoneOperation } from '../p2p/done-operation.ts';
import { MappedOperation } from '../p2p/mapped-operation.ts';
import { Profile, type RankProfile } from '../p2p/profile.ts';
import { timeWaits } from '../p2p/profiled.ts';
import type { Operation, Request } from '../p2p/request.ts';
import { formatProfile, mergeProfiles, type ProfileReport } from './profile-report.ts';
import { PROFILE_NUMBER, type Rank } from './rank.ts';

const PROFILE = operationCode('profile');

/** Measure from now on, if that is not done already. */
export function startProfiling(rank: Rank): void {
  if (rank.profiling !== undefined) return;
  const { description, worldRank, engine, progress, parking, environment } = rank;
  const { size, rankKind, localRanks } = description;
  const profile = new Profile(rankKind === 'thread' ? localRanks.length : 1);
  const world = new Intracommunicator({ ...environment, journal: undefined, areas: undefined }, contextId(0, PROFILE_NUMBER), {
    name: 'profile',
    rank: worldRank,
    worldOf: Int32Array.from({ length: size }, (_, k) => k),
  });
  rank.profiling = { profile, world };
  engine.profile = profile;
  timeWaits(progress, parking, profile);
  countCalls(environment, profile);
}

function countCalls(environment: Rank['environment'], profile: Profile): void {
  const { journal, note } = environment;
  environment.note = (operation, peer, tag) => {
    profile.beginCall(operation);
    note(operation, peer, tag);
  };
  if (journal === undefined) return;
  const write = journal.write.bind(journal);
  journal.write = (context, number, call, check) => {
    profile.beginCollective(call);
    write(context, number, call, check);
  };
}

/** Gather the profiles of all ranks; rank 0 gets the report. Undefined where nothing is measured. */
export function gatherProfile({ profiling }: Rank): Request<ProfileReport | undefined> {
  if (profiling === undefined) return new DoneOperation(undefined, 'profile');
  const { profile, world } = profiling;
  const own = profile.report();
  profile.beginCall(PROFILE);
  return new ProfileGathering(world.gatherObject<RankProfile>(own, 0) as Operation<RankProfile[] | undefined>);
}

/** Known by the name of what the program called. */
class ProfileGathering extends MappedOperation<RankProfile[] | undefined, ProfileReport | undefined> {
  constructor(gathered: Operation<RankProfile[] | undefined>) {
    super(gathered, () => (gathered.value === undefined ? undefined : mergeProfiles(gathered.value)));
  }

  override describe(): string {
    return `profile: ${super.describe()}`;
  }
}

/** The rank ends: tell rank 0, which prints the table and writes the file. Return what went wrong. */
export function reportProfile(rank: Rank, print: (text: string) => void): string[] {
  const report = gatherProfile(rank).wait();
  if (report === undefined) return [];
  const { profile } = rank.description;
  if (profile?.isPrinted) print(formatProfile(report));
  if (profile?.file === undefined) return [];
  try {
    writeFileSync(profile.file, `${JSON.stringify(report, undefined, 2)}\n`);
    return [];
  } catch (error) {
    return [`the profile could not be written: ${(error as Error).message}`];
  }
}
