/**
 * Projection: places on the globe to a plane and back. Degrees on the globe; the plane is a rectangle from 0 to 1 both ways,
 * y downwards.
 */

export interface Place {
  readonly longitude: number;
  readonly latitude: number;
}

export interface Projection {
  readonly title: string;
  /** Width of the rectangle over its height. */
  readonly aspect: number;
  /** Latitudes that it shows. */
  readonly south: number;
  readonly north: number;
  project(place: Place): readonly [x: number, y: number];
  /** Return the place at a point, undefined outside the globe. */
  locate(x: number, y: number): Place | undefined;
}

const RADIANS = Math.PI / 180;

/** Mollweide's equal-area map of the whole globe, Greenwich in the middle. */
export const MOLLWEIDE: Projection = {
  title: 'Mollweide projection',
  aspect: 2,
  south: -90,
  north: 90,
  project({ longitude, latitude }) {
    const angle = solveMollweide(latitude * RADIANS);
    return [0.5 + (longitude / 360) * Math.cos(angle), 0.5 - 0.5 * Math.sin(angle)];
  },
  locate(x, y) {
    const angle = Math.asin(1 - 2 * y);
    const longitude = (360 * (x - 0.5)) / Math.cos(angle);
    if (!(Math.abs(longitude) <= 180)) return undefined;
    return { longitude, latitude: Math.asin((2 * angle + Math.sin(2 * angle)) / Math.PI) / RADIANS };
  },
};

/** Equal steps of longitude and latitude between two latitudes, true to scale on the one in their middle. */
export function createEquirectangular(south: number, north: number): Projection {
  const middle = (south + north) / 2;
  return {
    title: `equirectangular projection, true at ${middle}°`,
    aspect: (360 * Math.cos(middle * RADIANS)) / (north - south),
    south,
    north,
    project: ({ longitude, latitude }) => [0.5 + longitude / 360, (north - latitude) / (north - south)],
    locate: (x, y) => ({ longitude: 360 * (x - 0.5), latitude: north - y * (north - south) }),
  };
}

/** Return θ with 2θ + sin 2θ = π sin φ, by Newton's method; its derivative vanishes at the poles. */
function solveMollweide(latitude: number): number {
  const wanted = Math.PI * Math.sin(latitude);
  if (Math.abs(Math.abs(latitude) - Math.PI / 2) < 1e-9) return latitude;
  let angle = latitude;
  for (let step = 0; step < 60; step += 1) {
    const change = (2 * angle + Math.sin(2 * angle) - wanted) / Math.max(2 + 2 * Math.cos(2 * angle), 1e-9);
    angle -= change;
    if (Math.abs(change) < 1e-10) break;
  }
  return angle;
}
