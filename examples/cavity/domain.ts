/**
 * Domain: which block of the square belongs to which rank.
 *
 * The idea: blocks are cut in units of the coarsest grid that is still distributed, so that their borders lie on cell
 * borders of every grid down to it. Cells, colours and levels are numbered globally; a rank only knows its window.
 * Limits: one block a rank; ranks form a rectangle as square as their number allows.
 */

import type { Cartesian, Communicator } from 'tsmpi';

/** Grids of at most this many cells a side are gathered and solved alike on every rank. */
const GATHERED_CELLS = 32;
/** The coarsest grid may have at most this many cells a side: it is solved by plain sweeps. */
const COARSEST_CELLS = 15;

/** The window of one rank in the grid of `cells` × `cells`. */
export interface Window {
  readonly cells: number;
  /** Cells a side of the finest grid that is gathered. */
  readonly gatheredCells: number;
  readonly ranksX: number;
  readonly ranksY: number;
  /** First cell and number of cells, on the finest grid. */
  readonly x0: number;
  readonly y0: number;
  readonly nx: number;
  readonly ny: number;
}

/** A rank's own window and who is beside it. */
export interface Domain extends Window {
  /** Neighbouring ranks; PROC_NULL at a wall. */
  readonly west: number;
  readonly east: number;
  readonly south: number;
  readonly north: number;
}

/** Return why a square of that many cells a side cannot be halved down to a coarsest grid, or undefined. */
export function whyNotGrid(cells: number): string | undefined {
  let coarsest = cells;
  while (coarsest % 2 === 0 && coarsest > 2) coarsest /= 2;
  if (cells >= 8 && cells % 2 === 0 && coarsest <= COARSEST_CELLS) return undefined;
  const block = 2 ** Math.max(1, Math.ceil(Math.log2(Math.max(cells, 8) / COARSEST_CELLS)));
  const near = Math.max(8, Math.round(cells / block) * block);
  return `${cells} cells a side cannot be halved often enough for the multigrid: take ${near}, for example`;
}

/** Return cells a side of the finest gathered grid: small, and at least once coarser than the finest. */
export function findGatheredCells(cells: number): number {
  let gathered = cells / 2;
  while (gathered > GATHERED_CELLS && gathered % 2 === 0) gathered /= 2;
  return gathered;
}

/** Return the split of `size` ranks into columns and rows, as square as possible, columns first. */
export function splitRanks(size: number): { ranksX: number; ranksY: number } {
  let ranksY = Math.floor(Math.sqrt(size));
  while (size % ranksY !== 0) ranksY -= 1;
  return { ranksX: size / ranksY, ranksY };
}

/** Return why that many ranks cannot share the grid, or undefined. */
export function whyNotRanks(cells: number, size: number): string | undefined {
  const { ranksX, ranksY } = splitRanks(size);
  const most = findGatheredCells(cells);
  if (ranksX <= most) return undefined;
  return `${size} ranks form ${ranksX} × ${ranksY} blocks, but ${cells} cells a side are cut into at most ${most} × ${most}`;
}

/** Return the window of `rank` among `size` ranks. */
export function createWindow(cells: number, size: number, rank: number): Window {
  const { ranksX, ranksY } = splitRanks(size);
  const gatheredCells = findGatheredCells(cells);
  const unit = cells / gatheredCells;
  const column = rank % ranksX;
  const row = Math.floor(rank / ranksX);
  const start = (part: number, parts: number): number => Math.floor((part * gatheredCells) / parts) * unit;
  const x0 = start(column, ranksX);
  const y0 = start(row, ranksY);
  return {
    cells,
    gatheredCells,
    ranksX,
    ranksY,
    x0,
    y0,
    nx: start(column + 1, ranksX) - x0,
    ny: start(row + 1, ranksY) - y0,
  };
}

/** Lay the ranks out in rows of blocks, the columns running fastest. Collective. */
export function layOutRanks(comm: Communicator): Cartesian {
  const { ranksX, ranksY } = splitRanks(comm.size);
  return comm.cartesian([ranksY, ranksX]).wait();
}

/** Return the domain of this rank of the layout. */
export function createDomain(cells: number, layout: Cartesian): Domain {
  const { source: south, dest: north } = layout.shift(0, 1);
  const { source: west, dest: east } = layout.shift(1, 1);
  return { ...createWindow(cells, layout.size, layout.rank), west, east, south, north };
}
