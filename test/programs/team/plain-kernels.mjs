/** Kernels of plain.mjs. */

export function fill(from, to, array) {
  for (let k = from; k < to; k++) array[k] = k;
}

export function sum(from, to, array) {
  let total = 0;
  for (let k = from; k < to; k++) total += array[k];
  return total;
}
