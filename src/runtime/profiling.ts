/**
 * Profiling: the report on all ranks, for programs and for the end of a job.
 *
 * Ranks tell rank 0 by messages on a communicator that all of them make at their start where there is a profile, so
 * nothing of it stands in the way of the program's own, and every transport will do.
 */

import { writeFileSync } from 'node:fs';
import { DoneOperation } from '../p2p/done-operation.ts';
import { MappedOperation } from '../p2p/mapped-operation.ts';
import type { RankProfile } from '../p2p/profile.ts';
import type { Operation, Request } from '../p2p/request.ts';
import { formatProfile, mergeProfiles, type ProfileReport } from './profile-report.ts';
import type { Rank } from './rank.ts';

/** Gather the profiles of all ranks; rank 0 gets the report. Undefined where there is no profile. */
export function gatherProfile({ profile, profileWorld }: Rank): Request<ProfileReport | undefined> {
  if (profile === undefined || profileWorld === undefined) return new DoneOperation(undefined, 'profile');
  const gathered = profileWorld.gatherObject<RankProfile>(profile.report(), 0) as Operation<RankProfile[] | undefined>;
  return new MappedOperation(gathered, () => (gathered.value === undefined ? undefined : mergeProfiles(gathered.value)));
}

/** The rank ends: tell rank 0, which prints the table and writes the file. Return what went wrong. */
export function reportProfile(rank: Rank, print: (text: string) => void): string[] {
  if (rank.profile === undefined) return [];
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
