/**
 * Map file: weather.nc, the series of maps, written by all ranks into one file.
 *
 * Each rank writes its rows of every field at their offsets. A record counts only when all ranks have written theirs: then
 * rank 0 raises the number of records. The file has a temporary name until close(), so a reader never sees a header without
 * a complete series behind it.
 * Limits: all ranks must reach the folder under one path, as on one host or a shared file system.
 */

import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
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

export class MapFile {
  readonly #comm: Communicator;
  readonly #target: string;
  readonly #temporary: string;
  readonly #layout: Layout;
  readonly #fd: number;
  #records = 0;

  /** Create the file. Collective. `about` are attributes of the whole file. */
  constructor(comm: Communicator, folder: string, columns: number, about: Readonly<Record<string, string>>) {
    this.#comm = comm;
    this.#target = join(folder, 'weather.nc');
    // The name is rank 0's, so that all ranks open one file.
    this.#temporary = join(folder, comm.bcastObject(`.weather.nc.${process.pid}.tmp`).wait());
    this.#layout = layOutNetcdf(describe(columns, about));
    if (comm.rank === 0) this.#writeHead(columns);
    comm.barrier().wait();
    this.#fd = openShared(this.#temporary);
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

  /** Close the file and give it its name, or remove it. Collective. */
  close(isComplete: boolean): void {
    if (isComplete) fsyncSync(this.#fd);
    closeSync(this.#fd);
    this.#comm.barrier().wait();
    if (this.#comm.rank !== 0) return;
    if (isComplete) renameSync(this.#temporary, this.#target);
    else rmSync(this.#temporary, { force: true });
  }

  #writeHead(columns: number): void {
    const fd = openSync(this.#temporary, 'w');
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

/** Open what rank 0 has created. */
function openShared(path: string): number {
  try {
    return openSync(path, 'r+');
  } catch (error) {
    const why = `cannot open what rank 0 created: ${(error as Error).message}`;
    throw new Error(`${why} on ${job.hostname}: expected --out to be one folder for all ranks`);
  }
}

function describe(columns: number, about: Readonly<Record<string, string>>) {
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
