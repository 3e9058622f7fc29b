/**
 * Cases: initial states and mountains of the test cases.
 *
 * See: Williamson, Drake, Hack, Jakob and Swarztrauber, A standard test set for numerical approximations to the shallow water
 * equations in spherical geometry (1992), J. Comput. Phys. 102: cases 2, 5, 6. Galewsky, Scott and Polvani, An initial-value
 * problem for testing numerical models of the global shallow-water equations (2004), Tellus 56A.
 */

import { createGaussRule } from './quadrature.ts';
import { EARTH_RADIUS, EARTH_ROTATION, GRAVITY } from './sphere.ts';

export const CASE_NAMES = ['2', '5', '6', 'galewsky'] as const;
export type CaseName = (typeof CASE_NAMES)[number];

/** State at a place: depth of the fluid in m, wind to the east and north in m/s. */
export interface Place {
  readonly depth: number;
  readonly east: number;
  readonly north: number;
}

/** A test case; angles in radians. */
export interface Case {
  readonly title: string;
  /** Days that the case runs for in the literature. */
  readonly days: number;
  /** Whether the initial state is the exact solution for ever. */
  readonly steady: boolean;
  /** Height of the ground, m. */
  readonly ground: (longitude: number, latitude: number) => number;
  /** Coriolis parameter, 1/s. */
  readonly coriolis: (longitude: number, latitude: number) => number;
  readonly initial: (longitude: number, latitude: number) => Place;
}

/** Tilt of case 2's axis: the flow crosses corners and edges of the cube. */
const TILT = Math.PI / 4;
const flat = (): number => 0;
const earth = (_: number, latitude: number): number => 2 * EARTH_ROTATION * Math.sin(latitude);

/** Return the case of that name. */
export function createCase(name: CaseName): Case {
  switch (name) {
    case '2':
      return createSteadyFlow();
    case '5':
      return createMountainFlow();
    case '6':
      return createRossbyHaurwitzWave();
    case 'galewsky':
      return createJet();
  }
}

/** Return the wind and the fall of the surface of a solid-body rotation, its axis tilted. */
function rotate(longitude: number, latitude: number, speed: number, tilt: number) {
  const height = -Math.cos(longitude) * Math.cos(latitude) * Math.sin(tilt) + Math.sin(latitude) * Math.cos(tilt);
  return {
    height,
    east: speed * (Math.cos(latitude) * Math.cos(tilt) + Math.cos(longitude) * Math.sin(latitude) * Math.sin(tilt)),
    north: -speed * Math.sin(longitude) * Math.sin(tilt),
    fall: ((EARTH_RADIUS * EARTH_ROTATION * speed + (speed * speed) / 2) * height * height) / GRAVITY,
  };
}

function createSteadyFlow(): Case {
  const speed = (2 * Math.PI * EARTH_RADIUS) / (12 * 86_400);
  return {
    title: 'Williamson 2: steady zonal flow, axis tilted by 45 degrees',
    days: 5,
    steady: true,
    ground: flat,
    coriolis: (longitude, latitude) => 2 * EARTH_ROTATION * rotate(longitude, latitude, speed, TILT).height,
    initial: (longitude, latitude) => {
      const { fall, east, north } = rotate(longitude, latitude, speed, TILT);
      return { depth: 2.94e4 / GRAVITY - fall, east, north };
    },
  };
}

function createMountainFlow(): Case {
  const [radius, top] = [Math.PI / 9, 2000];
  const [atLongitude, atLatitude] = [-Math.PI / 2, Math.PI / 6];
  const ground = (longitude: number, latitude: number): number => {
    const away = Math.abs(longitude - atLongitude);
    const distance = Math.min(radius, Math.hypot(Math.min(away, 2 * Math.PI - away), latitude - atLatitude));
    return top * (1 - distance / radius);
  };
  return {
    title: 'Williamson 5: zonal flow over a mountain',
    days: 15,
    steady: false,
    ground,
    coriolis: earth,
    initial: (longitude, latitude) => {
      const { fall, east, north } = rotate(longitude, latitude, 20, 0);
      return { depth: 5960 - fall - ground(longitude, latitude), east, north };
    },
  };
}

function createRossbyHaurwitzWave(): Case {
  const [rate, waves] = [7.848e-6, 4];
  return {
    title: 'Williamson 6: Rossby-Haurwitz wave number 4',
    days: 14,
    steady: false,
    ground: flat,
    coriolis: earth,
    initial: (longitude, latitude) => {
      const [sin, cos] = [Math.sin(latitude), Math.cos(latitude)];
      const [R, R2, c2] = [waves, waves * waves, cos * cos];
      const power = cos ** (2 * R);
      const a =
        0.5 * rate * (2 * EARTH_ROTATION + rate) * c2 +
        // The published form has cos⁻² φ inside the bracket; multiplied out it stays finite at the poles.
        0.25 * rate * rate * power * ((R + 1) * c2 + (2 * R2 - R - 2)) -
        0.5 * rate * rate * R2 * cos ** (2 * R - 2);
      const b = ((2 * (EARTH_ROTATION + rate) * rate) / ((R + 1) * (R + 2))) * cos ** R * (R2 + 2 * R + 2 - (R + 1) ** 2 * c2);
      const c = 0.25 * rate * rate * power * ((R + 1) * c2 - (R + 2));
      const geopotential = a + b * Math.cos(R * longitude) + c * Math.cos(2 * R * longitude);
      return {
        depth: 8000 + (EARTH_RADIUS * EARTH_RADIUS * geopotential) / GRAVITY,
        east: EARTH_RADIUS * rate * cos + EARTH_RADIUS * rate * cos ** (R - 1) * (R * sin * sin - c2) * Math.cos(R * longitude),
        north: -EARTH_RADIUS * rate * R * cos ** (R - 1) * sin * Math.sin(R * longitude),
      };
    },
  };
}

function createJet(): Case {
  const [south, north, speed, meanDepth] = [Math.PI / 7, Math.PI / 2 - Math.PI / 7, 80, 10_000];
  const scale = Math.exp(-4 / (north - south) ** 2);
  const wind = (latitude: number): number =>
    latitude <= south || latitude >= north ? 0 : (speed / scale) * Math.exp(1 / ((latitude - south) * (latitude - north)));
  const slope = (latitude: number): number => {
    const u = wind(latitude);
    return (EARTH_RADIUS * u * (2 * EARTH_ROTATION * Math.sin(latitude) + (Math.tan(latitude) / EARTH_RADIUS) * u)) / GRAVITY;
  };
  const fall = integrate(slope, south, north);
  const level = meanDepth + meanFall(fall, south, north);
  return {
    title: 'Galewsky: barotropic instability of a jet',
    days: 6,
    steady: false,
    ground: flat,
    coriolis: earth,
    initial: (longitude, latitude) => {
      const bump = 120 * Math.cos(latitude) * Math.exp(-((3 * longitude) ** 2) - (15 * (Math.PI / 4 - latitude)) ** 2);
      return { depth: level - fall(latitude) + bump, east: wind(latitude), north: 0 };
    },
  };
}

/** Panels between the ends of the jet, Gauss nodes in each: the integrand is smooth but has no derivatives at the ends. */
const INTEGRAL_PANELS = 200;
const INTEGRAL_NODES = 8;

/** Return x ↦ ∫ f from `from` to x, 0 below, constant above `to`. */
function integrate(f: (x: number) => number, from: number, to: number): (x: number) => number {
  const { nodes, weights } = createGaussRule(INTEGRAL_NODES);
  const width = (to - from) / INTEGRAL_PANELS;
  const over = (a: number, b: number): number =>
    nodes.reduce((sum, x, k) => sum + ((b - a) / 2) * weights[k] * f((a + b) / 2 + ((b - a) / 2) * x), 0);
  const sums = new Float64Array(INTEGRAL_PANELS + 1);
  for (let k = 0; k < INTEGRAL_PANELS; k += 1) sums[k + 1] = sums[k] + over(from + k * width, from + (k + 1) * width);
  return (x) => {
    if (x <= from) return 0;
    if (x >= to) return sums[INTEGRAL_PANELS];
    const panel = Math.floor((x - from) / width);
    return sums[panel] + over(from + panel * width, x);
  };
}

/** Return the mean over the sphere of what falls between two latitudes. */
function meanFall(fall: (latitude: number) => number, south: number, north: number): number {
  const between = integrate((latitude) => 0.5 * Math.cos(latitude) * fall(latitude), south, north)(north);
  return between + 0.5 * (1 - Math.sin(north)) * fall(north);
}
