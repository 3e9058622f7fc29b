/**
 * Sphere: the equiangular gnomonic map of a cube's six panels, and its metric.
 *
 * A panel has the angles (α, β), each from −π/4 to π/4; with X = tan α, Y = tan β the point is the direction of c + X a + Y b,
 * where c points to the panel's middle and (a, b, c) is right-handed. Along an edge of the cube both panels have the same
 * angle, or its negative.
 * Vectors are kept by covariant components u₁ = v · ∂r/∂α, u₂ = v · ∂r/∂β; their contravariant ones are vⁱ = gⁱʲ uⱼ.
 * See: Ronchi, Iacono and Paolucci, The "cubed sphere" (1996), J. Comput. Phys. 124.
 */

/** Metres. Williamson et al. (1992). */
export const EARTH_RADIUS = 6.37122e6;
/** Radians per second. */
export const EARTH_ROTATION = 7.292e-5;
/** Metres per second squared. */
export const GRAVITY = 9.80616;

export type Vector = readonly [x: number, y: number, z: number];

/** Directions of each panel: to its middle, along α, along β. The first four lie around the equator, then north and south. */
export const PANELS: readonly { readonly c: Vector; readonly a: Vector; readonly b: Vector }[] = [
  { c: [1, 0, 0], a: [0, 1, 0], b: [0, 0, 1] },
  { c: [0, 1, 0], a: [-1, 0, 0], b: [0, 0, 1] },
  { c: [-1, 0, 0], a: [0, -1, 0], b: [0, 0, 1] },
  { c: [0, -1, 0], a: [1, 0, 0], b: [0, 0, 1] },
  { c: [0, 0, 1], a: [0, 1, 0], b: [-1, 0, 0] },
  { c: [0, 0, -1], a: [0, 1, 0], b: [1, 0, 0] },
];

/** A point of a panel: where it is, the tangents ∂r/∂α and ∂r/∂β in metres per radian, and the metric. */
export interface Point {
  /** Unit vector. */
  readonly position: Vector;
  readonly tangents: readonly [Vector, Vector];
  /** g₁₁, g₂₂ in m². */
  readonly g11: number;
  readonly g22: number;
  /** g¹¹, g¹², g²² in m⁻². */
  readonly inverse: readonly [g11: number, g12: number, g22: number];
  /** Area per angle², m². */
  readonly jacobian: number;
}

/** Return the point (α, β) of a panel. */
export function locatePoint(panel: number, alpha: number, beta: number): Point {
  const { c, a, b } = PANELS[panel];
  const [x, y] = [Math.tan(alpha), Math.tan(beta)];
  const [xx, yy] = [1 + x * x, 1 + y * y];
  const rho2 = 1 + x * x + y * y;
  const rho = Math.sqrt(rho2);
  const R2 = EARTH_RADIUS ** 2;
  const [g11, g12, g22] = [(R2 * xx * xx * yy) / rho2 ** 2, (-R2 * x * y * xx * yy) / rho2 ** 2, (R2 * xx * yy * yy) / rho2 ** 2];
  const jacobian = (R2 * xx * yy) / (rho2 * rho);
  const J2 = jacobian * jacobian;
  const along = (direction: Vector, offset: number, stretch: number): Vector =>
    combine((k) => (EARTH_RADIUS * stretch * (direction[k] - (offset * (c[k] + x * a[k] + y * b[k])) / rho2)) / rho);
  return {
    position: combine((k) => (c[k] + x * a[k] + y * b[k]) / rho),
    tangents: [along(a, x, xx), along(b, y, yy)],
    g11,
    g22,
    inverse: [g22 / J2, -g12 / J2, g11 / J2],
    jacobian,
  };
}

/** Return the panel that a direction lies in, and the angles there. */
export function findPanel(direction: Vector): { panel: number; alpha: number; beta: number } {
  let [panel, height] = [0, 0];
  for (let k = 0; k < PANELS.length; k += 1) {
    const own = dot(PANELS[k].c, direction);
    if (own > height) [panel, height] = [k, own];
  }
  const { a, b } = PANELS[panel];
  return { panel, alpha: Math.atan(dot(a, direction) / height), beta: Math.atan(dot(b, direction) / height) };
}

/** Return the direction of a place, angles in radians. */
export function toDirection(longitude: number, latitude: number): Vector {
  const radius = Math.cos(latitude);
  return [radius * Math.cos(longitude), radius * Math.sin(longitude), Math.sin(latitude)];
}

/** Return the longitude (−π to π) and latitude of a direction. */
export function toPlace([x, y, z]: Vector): { longitude: number; latitude: number } {
  return { longitude: Math.atan2(y, x), latitude: Math.atan2(z, Math.hypot(x, y)) };
}

/** Return the vector of a wind with these components to the east and north at a place. */
export function toVector(longitude: number, latitude: number, east: number, north: number): Vector {
  const [sinL, cosL, sinP, cosP] = [Math.sin(longitude), Math.cos(longitude), Math.sin(latitude), Math.cos(latitude)];
  return [-sinL * east - sinP * cosL * north, cosL * east - sinP * sinL * north, cosP * north];
}

export function dot(left: Vector, right: Vector): number {
  return left[0] * right[0] + left[1] * right[1] + left[2] * right[2];
}

function combine(component: (k: number) => number): Vector {
  return [component(0), component(1), component(2)];
}
