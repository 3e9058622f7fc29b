/**
 * Paths: where in a value something stands, written as a program would write it, for messages about what cannot be sent.
 *
 * The idea: the nodes written so far say who points at whom, so a path is found backwards, from the node that was being
 * written to the value, and only when there is an error.
 */

import { ARRAY, type Entry, ERROR, isReference, LEAVES, MAP, OBJECT, type ObjectNode, SET } from './object-node.ts';

const LONGEST_PATH = 200;

/**
 * Return the path of what is being encoded: the next entry of the open node, else the next node's own object.
 * `list`: the value's entry, then the complete nodes; empty when the value itself is meant.
 */
export function pathOf(list: readonly Entry[], open: ObjectNode | undefined): string {
  if (list.length === 0) return 'value';
  const nodes = list.slice(1) as ObjectNode[];
  let path = open === undefined ? '' : stepOf(open, open.length);
  // An object is met, and so pointed at, first by one with a lower number; the value itself has number 0.
  for (let number = nodes.length; number > 0; ) {
    const pointsHere = (entry: Entry): boolean => isReference(entry) && entry[0] === number;
    const parent = nodes.findIndex((node) => node[0] !== LEAVES && node.some(pointsHere));
    path = stepOf(nodes[parent]!, nodes[parent]!.findIndex(pointsHere)) + path;
    number = parent;
  }
  if (path.length > LONGEST_PATH) path = `${path.slice(0, LONGEST_PATH / 2)} … ${path.slice(-LONGEST_PATH / 2)}`;
  return `value${path}`;
}

/** Return how one gets from a node's object to what its entry at `position` stands for. */
function stepOf(node: ObjectNode, position: number): string {
  switch (node[0]) {
    case ARRAY:
      return `[${position - 1}]`;
    case OBJECT: {
      const key = String(node[position - 1]);
      return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
    }
    case MAP:
      return position % 2 === 0 ? `.get(${describe(node[position - 1])})` : `.keys()[${(position - 1) / 2}]`;
    case SET:
      return `.values()[${position - 1}]`;
    case ERROR:
      return '.cause';
    default:
      return '';
  }
}

function describe(key: Entry): string {
  if (typeof key === 'string') return JSON.stringify(key);
  return Array.isArray(key) ? '…' : String(key);
}
