/**
 * Quadrature: nodes, weights, derivatives and interpolation on the reference interval [−1, 1].
 *
 * The Gauss–Lobatto rule of p + 1 nodes integrates polynomials up to 2p − 1 exactly, and with its weights W the
 * differentiation matrix D sums by parts: W D + (W D)ᵀ = diag(−1, 0, …, 0, 1). The scheme's balance of energy rests on that.
 * See: Kopriva, Implementing Spectral Methods for Partial Differential Equations (2009), chapter 3.
 */

/** Newton's method on Legendre polynomials ends well within this. */
const NEWTON_STEPS = 50;

export interface Rule {
  readonly nodes: Float64Array;
  readonly weights: Float64Array;
}

/** Return the Gauss–Lobatto rule of `count` nodes, at least 2, ends included. */
export function createLobattoRule(count: number): Rule {
  const degree = count - 1;
  const nodes = Float64Array.from({ length: count }, (_, k) => -Math.cos((Math.PI * k) / degree));
  for (let k = 1; k < degree; k += 1) {
    let x = nodes[k];
    for (let step = 0; step < NEWTON_STEPS; step += 1) {
      // Inner nodes are the zeros of P′; P″ follows from Legendre's equation.
      const [value, slope] = evaluateLegendre(degree, x);
      x -= (slope * (1 - x * x)) / (2 * x * slope - degree * (degree + 1) * value);
    }
    nodes[k] = x;
  }
  makeSymmetric(nodes, -1);
  const weights = nodes.map((x) => 2 / (degree * (degree + 1) * evaluateLegendre(degree, x)[0] ** 2));
  return { nodes, weights: makeSymmetric(weights, 1) };
}

/** Return the Gauss rule of `count` nodes, all inside. */
export function createGaussRule(count: number): Rule {
  const nodes = Float64Array.from({ length: count }, (_, k) => -Math.cos((Math.PI * (k + 0.75)) / (count + 0.5)));
  for (let k = 0; k < count; k += 1) {
    let x = nodes[k];
    for (let step = 0; step < NEWTON_STEPS; step += 1) {
      const [value, slope] = evaluateLegendre(count, x);
      x -= value / slope;
    }
    nodes[k] = x;
  }
  const weights = nodes.map((x) => 2 / ((1 - x * x) * evaluateLegendre(count, x)[1] ** 2));
  return { nodes, weights };
}

/** Return the differentiation matrix by rows: row i gives the derivative at node i of the polynomial through all nodes. */
export function createDerivative(nodes: Float64Array): Float64Array {
  const count = nodes.length;
  const bary = barycentricWeights(nodes);
  const matrix = new Float64Array(count * count);
  for (let i = 0; i < count; i += 1) {
    let sum = 0;
    for (let j = 0; j < count; j += 1) {
      if (i === j) continue;
      matrix[i * count + j] = bary[j] / bary[i] / (nodes[i] - nodes[j]);
      sum += matrix[i * count + j];
    }
    // A constant has the derivative 0 as exactly as it can be had.
    matrix[i * count + i] = -sum;
  }
  return matrix;
}

/** Return what writes the weights with which values at `nodes` make the value at x. */
export function createInterpolation(nodes: Float64Array): (x: number, out: Float64Array) => void {
  const bary = barycentricWeights(nodes);
  return (x, out) => {
    // Lagrange's polynomials: the product of all distances but the own one, from the left and from the right.
    let product = 1;
    for (let i = 0; i < nodes.length; i += 1) {
      out[i] = bary[i] * product;
      product *= x - nodes[i];
    }
    product = 1;
    for (let i = nodes.length - 1; i >= 0; i -= 1) {
      out[i] *= product;
      product *= x - nodes[i];
    }
  };
}

function barycentricWeights(nodes: Float64Array): Float64Array {
  return nodes.map((x, i) => 1 / nodes.reduce((product, y, j) => (i === j ? product : product * (x - y)), 1));
}

/** Return the Legendre polynomial of that degree at x, and its derivative. */
function evaluateLegendre(degree: number, x: number): [value: number, slope: number] {
  let [before, value] = [1, x];
  let [slopeBefore, slope] = [0, 1];
  for (let k = 2; k <= degree; k += 1) {
    const next = ((2 * k - 1) * x * value - (k - 1) * before) / k;
    const nextSlope = slopeBefore + (2 * k - 1) * value;
    [before, value, slopeBefore, slope] = [value, next, slope, nextSlope];
  }
  return [value, slope];
}

/** Make values mirror each other exactly, `sign` times. */
function makeSymmetric(values: Float64Array, sign: number): Float64Array {
  for (let k = 0, m = values.length - 1; k <= m; k += 1, m -= 1) {
    const value = (values[m] + sign * values[k]) / 2;
    values[m] = value;
    values[k] = sign * value;
  }
  return values;
}
