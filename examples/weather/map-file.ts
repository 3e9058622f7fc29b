/**
 * Map file: weather.nc, the series of maps, written by all ranks into one file.
 *
 * Each rank writes its rows of every field at their offsets. A record counts only when all ranks have written theirs: then
 * rank 0 raises the number of records. The file has a temporary name until close(), so a reader never sees a header without
 * a complete series behind it. Of a run that can go on it grows beside the checkpoints (keeper.ts) and is copied at the end.
 * Limits: all ranks must reach the folder under one path, as on one host or a shared file system.
 */

import {
  closeSync,
  copyFileSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Communicator, job } from 'tsmpi';
import { encodeCount, encodeDoubles, type Layout, layOutNetcdf } from './netcdf.ts';
import type { MapRows } from './regrid.ts';
import { EARTH_RADIUS } from './sphere.ts';

/** Fields of a record, with what CF wants to know of them. */
const MEAN = { cell_methods: 'area: mean', cell_measures: 'area: cell_area', grid_mapping: 'crs' };
const FIELDS = {
  height: { long_name: 'height of the free surface above mean sea level', units: 'm', ...MEAN },
  depth: { long_name: 'depth of the fluid', units: 'm', ...MEAN },
  vorticity: { standard_name: 'atmosphere_relative_vorticity', long_name: 'relative vorticity', units: 's-1', ...MEAN },
  eastward_wind: { standard_name: 'eastward_wind', long_name: 'wind to the east', units: 'm s-1', ...MEAN },
  northward_wind: { standard_name: 'northward_wind', long_name: 'wind to the north', units: 'm s-1', ...MEAN },
} as const;

/** Attributes of the whole file. */
export type About = Readonly<Record<string, string>>;

/** A file that outlives its run, and how many of its records are to stay. */
export interface KeptMaps {
  readonly path: string;
  readonly records: number;
}

export class MapFile {
  readonly #comm: Communicator;
  readonly #target: string;
  readonly #temporary: string;
  /** Where it grows: there, or where it is kept. */
  readonly #path: string;
  readonly #layout: Layout;
  readonly #fd: number;
  #records: number;

  /** Create the file, or go on with one that is kept. Collective. */
  constructor(comm: Communicator, folder: string, columns: number, about: About, kept?: KeptMaps) {
    this.#comm = comm;
    this.#target = join(folder, 'weather.nc');
    // The name is rank 0's, so that all ranks open one file.
    this.#temporary = join(folder, comm.bcastObject(`.weather.nc.${process.pid}.tmp`).wait());
    this.#path = kept?.path ?? this.#temporary;
    this.#records = kept?.records ?? 0;
    this.#layout = layOutNetcdf(describe(columns, about));
    if (comm.rank === 0 && this.#records === 0) this.#writeHead(columns);
    comm.barrier().wait();
    this.#fd = openShared(this.#path, kept === undefined ? '--out' : '--checkpoint');
  }

  /** Records there are. */
  get records(): number {
    return this.#records;
  }

  /** Append the maps of a day. Collective. */
  append(day: number, map: MapRows): void {
    const { ground, depth, vorticity, east, north, columns, firstRow } = map;
    const height = depth.map((value, k) => value + ground[k]);
    const offset = 8 * firstRow * columns;
    const fields = { height, depth, vorticity, eastward_wind: east, northward_wind: north };
    for (const [name, values] of Object.entries(fields)) this.#write(name, this.#records, offset, values);
    if (this.#records === 0) this.#write('ground', 0, offset, ground);
    if (this.#comm.rank === 0) this.#write('time', this.#records, 0, [day]);
    this.#records += 1;
    this.#comm.barrier().wait();
    if (this.#comm.rank === 0) this.#writeAt(this.#fd, encodeCount(this.#records), this.#layout.recordCountAt);
  }

  /** Return when this rank's writes are on the disk. */
  sync(): void {
    fsyncSync(this.#fd);
  }

  /** Close the file and give it its name, or remove it unless it is kept. Collective. */
  close(isComplete: boolean): void {
    if (isComplete) this.sync();
    closeSync(this.#fd);
    this.#comm.barrier().wait();
    if (this.#comm.rank !== 0) return;
    const isKept = this.#path !== this.#temporary;
    if (isComplete) {
      if (isKept) this.#copy();
      renameSync(this.#temporary, this.#target);
    } else if (!isKept) rmSync(this.#temporary, { force: true });
  }

  /** What is kept may hold records behind the last, of a run that was killed. */
  #copy(): void {
    copyFileSync(this.#path, this.#temporary);
    truncateSync(this.#temporary, measure(this.#layout, this.#records));
    const fd = openSync(this.#temporary, 'r+');
    fsyncSync(fd);
    closeSync(fd);
  }

  #writeHead(columns: number): void {
    const fd = openSync(this.#path, 'w');
    const step = 360 / columns;
    const bounds = (count: number, from: number): number[] =>
      Array.from({ length: count }, (_, k) => [from + k * step, from + (k + 1) * step]).flat();
    const middles = (count: number, from: number): number[] => Array.from({ length: count }, (_, k) => from + (k + 0.5) * step);
    const values = {
      lon: middles(columns, 0),
      lon_bnds: bounds(columns, 0),
      lat: middles(columns / 2, -90),
      lat_bnds: bounds(columns / 2, -90),
      crs: [0],
      cell_area: Array.from({ length: (columns * columns) / 2 }, (_, cell) => {
        const row = Math.floor(cell / columns);
        const sine = (k: number): number => Math.sin(((k * step - 90) * Math.PI) / 180);
        return (EARTH_RADIUS * EARTH_RADIUS * (sine(row + 1) - sine(row)) * step * Math.PI) / 180;
      }),
    };
    this.#writeAt(fd, this.#layout.header, 0);
    for (const [name, list] of Object.entries(values)) this.#writeAt(fd, encodeDoubles(list), this.#layout.begins.get(name)!);
    closeSync(fd);
  }

  #write(name: string, record: number, offset: number, values: ArrayLike<number>): void {
    const begin = this.#layout.begins.get(name)!;
    this.#writeAt(this.#fd, encodeDoubles(values), begin + record * this.#layout.recordSize + offset);
  }

  /** A write may take only a part. */
  #writeAt(fd: number, bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}

/** Return why a kept file cannot be gone on with, or undefined. */
export function findFault(path: string, columns: number, about: About, records: number): string | undefined {
  const layout = layOutNetcdf(describe(columns, about));
  const byteLength = measure(layout, records);
  try {
    const found = statSync(path).size;
    if (found < byteLength) return `${path} has ${found} bytes: expected ${byteLength}, the header and ${records} maps`;
    const head = readHead(path, layout.header.length);
    head.fill(0, layout.recordCountAt, layout.recordCountAt + 4);
    const expected = Buffer.from(layout.header).fill(0, layout.recordCountAt, layout.recordCountAt + 4);
    return head.equals(expected) ? undefined : `${path} has another header than the checkpoint's: expected that of its first run`;
  } catch (error) {
    return `cannot go on with the maps of the checkpoint: ${(error as Error).message}`;
  }
}

function readHead(path: string, length: number): Buffer {
  const fd = openSync(path, 'r');
  const head = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const count = readSync(fd, head, done, length - done, done);
    if (count === 0) break;
    done += count;
  }
  closeSync(fd);
  return head;
}

/** Bytes of a file of so many records; the time comes first in each. */
function measure({ begins, recordSize }: Layout, records: number): number {
  return begins.get('time')! + records * recordSize;
}

/** Open what rank 0 has created. */
function openShared(path: string, flag: string): number {
  try {
    return openSync(path, 'r+');
  } catch (error) {
    const why = `cannot open what rank 0 created: ${(error as Error).message}`;
    throw new Error(`${why} on ${job.hostname}: expected ${flag} to be one folder for all ranks`);
  }
}

function describe(columns: number, about: About) {
  return {
    dimensions: { time: 0, lat: columns / 2, lon: columns, bnds: 2 },
    attributes: { Conventions: 'CF-1.10', ...about },
    variables: [
      variable('time', ['time'], {
        ...{ standard_name: 'time', long_name: 'time since the start', axis: 'T' },
        ...{ units: 'days since 2000-01-01 00:00:00', calendar: 'proleptic_gregorian' },
      }),
      variable('lon', ['lon'], { standard_name: 'longitude', units: 'degrees_east', axis: 'X', bounds: 'lon_bnds' }),
      variable('lon_bnds', ['lon', 'bnds'], {}),
      variable('lat', ['lat'], { standard_name: 'latitude', units: 'degrees_north', axis: 'Y', bounds: 'lat_bnds' }),
      variable('lat_bnds', ['lat', 'bnds'], {}),
      variable('crs', [], { grid_mapping_name: 'latitude_longitude', earth_radius: EARTH_RADIUS }),
      // Without it programs take a cell's sides for great circles, which parallels are not: 1e-6 of a mean at one degree.
      variable('cell_area', ['lat', 'lon'], {
        standard_name: 'cell_area',
        long_name: 'area between meridians and parallels',
        units: 'm2',
      }),
      variable('ground', ['lat', 'lon'], {
        standard_name: 'surface_altitude',
        long_name: 'height of the ground',
        units: 'm',
        ...MEAN,
      }),
      ...Object.entries(FIELDS).map(([name, attributes]) => variable(name, ['time', 'lat', 'lon'], attributes)),
    ],
  };
}

function variable(name: string, dimensions: readonly string[], attributes: Readonly<Record<string, string | number>>) {
  return { name, dimensions, attributes };
}
