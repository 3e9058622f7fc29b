/*
 * A step of the cavity: momentum.ts and flow.ts of ../../examples/cavity, which see for the scheme. Part of cavity.c.
 */

enum { kMomentumSweeps = 4, kPressureCycles = 2 };
static const double kCfl = 4, kMostDiffusion = 400;

/* One velocity component: its field, its increment and the coefficients of the step. */
struct component {
  double *field, *delta, *right, *west, *east, *south, *north, *inverse;
};

static struct {
  double h, nu, dt, omega;
  int sweeps;
  /* u, v and p, the increments of u and v, and the six coefficients of either, one behind the other. */
  double *values, *deltas, *coefficients, *p;
  struct component u, v;
  struct halo value_halo, delta_halo;
} flow;

static void apply_walls(double *u, double *v) {
  struct window own = domain.own;
  int nx = own.nx, ny = own.ny, stride = nx + 2, top = (ny + 1) * stride;
  if (own.y0 == 0) for (int i = 0; i < stride; i++) u[i] = -u[i + stride];
  if (own.y0 + ny == domain.cells) for (int i = 0; i < stride; i++) u[top + i] = 2 - u[top + i - stride];
  for (int k = stride; k < top; k += stride) {
    if (own.x0 == 0) v[k] = -v[k + 1];
    if (own.x0 + nx == domain.cells) v[k + nx + 1] = -v[k + nx];
  }
}

static struct component create_component(int index, size_t length) {
  double *c = flow.coefficients + 6 * index * length;
  return (struct component){
    flow.values + index * length, flow.deltas + index * length,
    c, c + length, c + 2 * length, c + 3 * length, c + 4 * length, c + 5 * length,
  };
}

/* Fluid at rest; the lid moves from the first step on. */
static void create_flow(double reynolds) {
  int nx = domain.own.nx, ny = domain.own.ny;
  size_t length = (size_t)(nx + 2) * (ny + 2);
  flow.h = 1.0 / domain.cells;
  flow.nu = 1 / reynolds;
  flow.dt = fmin(kCfl * flow.h, kMostDiffusion * flow.h * flow.h / flow.nu);
  double diffusion = flow.nu * flow.dt / (flow.h * flow.h), jacobi = 4 * diffusion / (1 + 4 * diffusion);
  flow.omega = 2 / (1 + sqrt(1 - jacobi * jacobi));
  flow.sweeps = (int)fmax(kMomentumSweeps, ceil(1 + 0.8 * sqrt(diffusion)));
  flow.values = create_fields(3, nx, ny);
  flow.deltas = create_fields(2, nx, ny);
  flow.coefficients = create_fields(12, nx, ny);
  flow.u = create_component(0, length);
  flow.v = create_component(1, length);
  flow.p = flow.values + 2 * length;
  flow.value_halo = create_halo(flow.values, 3, nx, ny);
  flow.delta_halo = create_halo(flow.deltas, 2, nx, ny);
  create_grid();
  apply_walls(flow.u.field, flow.v.field);
}

static void free_flow(void) {
  free_grid();
  free_halo(&flow.value_halo);
  free_halo(&flow.delta_halo);
  free(flow.values);
  free(flow.deltas);
  free(flow.coefficients);
}

static double positive(double value) { return value > 0 ? value : 0; }

static void assemble_u(void) {
  struct window own = domain.own;
  int stride = own.nx + 2;
  const double *restrict u = flow.u.field, *restrict v = flow.v.field, *restrict p = flow.p;
  double *restrict right = flow.u.right, *restrict west = flow.u.west, *restrict east = flow.u.east;
  double *restrict south = flow.u.south, *restrict north = flow.u.north, *restrict inverse = flow.u.inverse;
  double per_h = 1 / flow.h, diffusion = flow.nu / (flow.h * flow.h), rate = 1 / flow.dt;
  for (int j = 0; j < own.ny; j++) {
    int is_south = own.y0 + j == 0, is_north = own.y0 + j == domain.cells - 1, row = (j + 1) * stride + 1;
    // A wall half a cell away: twice the coefficient, on the diagonal only.
    double walls = (is_south ? 2 * diffusion : 0) + (is_north ? 2 * diffusion : 0);
    for (int k = row; k < row + own.nx; k++) {
      double centre = u[k], u_east = 0.5 * (centre + u[k + 1]), u_west = 0.5 * (u[k - 1] + centre);
      double v_north = 0.5 * (v[k - 1 + stride] + v[k + stride]), v_south = 0.5 * (v[k - 1] + v[k]);
      double u_north = 0.5 * (centre + u[k + stride]), u_south = 0.5 * (u[k - stride] + centre);
      double spread = u[k + 1] + u[k - 1] + u[k + stride] + u[k - stride] - 4 * centre;
      right[k] = diffusion * spread -
                 per_h * (u_east * u_east - u_west * u_west + v_north * u_north - v_south * u_south + (p[k] - p[k - 1]));
      west[k] = diffusion + per_h * positive(u_west);
      east[k] = diffusion + per_h * positive(-u_east);
      south[k] = is_south ? 0 : diffusion + per_h * positive(v_south);
      north[k] = is_north ? 0 : diffusion + per_h * positive(-v_north);
      inverse[k] = 1 / (rate + west[k] + east[k] + south[k] + north[k] + walls);
    }
    if (own.x0 == 0) inverse[row] = 0;
  }
}

static void assemble_v(void) {
  struct window own = domain.own;
  int stride = own.nx + 2;
  const double *restrict u = flow.u.field, *restrict v = flow.v.field, *restrict p = flow.p;
  double *restrict right = flow.v.right, *restrict west = flow.v.west, *restrict east = flow.v.east;
  double *restrict south = flow.v.south, *restrict north = flow.v.north, *restrict inverse = flow.v.inverse;
  double per_h = 1 / flow.h, diffusion = flow.nu / (flow.h * flow.h), rate = 1 / flow.dt;
  for (int j = 0; j < own.ny; j++) {
    int row = (j + 1) * stride + 1;
    for (int i = 0; i < own.nx; i++) {
      int k = row + i, is_west = own.x0 + i == 0, is_east = own.x0 + i == domain.cells - 1;
      double centre = v[k], v_north = 0.5 * (centre + v[k + stride]), v_south = 0.5 * (v[k - stride] + centre);
      double u_east = 0.5 * (u[k + 1 - stride] + u[k + 1]), u_west = 0.5 * (u[k - stride] + u[k]);
      double v_east = 0.5 * (centre + v[k + 1]), v_west = 0.5 * (v[k - 1] + centre);
      double spread = v[k + 1] + v[k - 1] + v[k + stride] + v[k - stride] - 4 * centre;
      double walls = (is_west ? 2 * diffusion : 0) + (is_east ? 2 * diffusion : 0);
      right[k] = diffusion * spread -
                 per_h * (u_east * v_east - u_west * v_west + v_north * v_north - v_south * v_south + (p[k] - p[k - stride]));
      west[k] = is_west ? 0 : diffusion + per_h * positive(u_west);
      east[k] = is_east ? 0 : diffusion + per_h * positive(-u_east);
      south[k] = diffusion + per_h * positive(v_south);
      north[k] = diffusion + per_h * positive(-v_north);
      inverse[k] = own.y0 + j == 0 ? 0 : 1 / (rate + west[k] + east[k] + south[k] + north[k] + walls);
    }
  }
}

/* Relax the increment on the red (0) or black (1) faces. */
static void relax_delta(const struct component *c, int colour) {
  struct window own = domain.own;
  int stride = own.nx + 2, parity = colour + own.x0 + own.y0;
  double *delta = c->delta, omega = flow.omega;
  const double *restrict right = c->right, *restrict inverse = c->inverse;
  const double *restrict west = c->west, *restrict east = c->east, *restrict south = c->south, *restrict north = c->north;
  for (int j = 0; j < own.ny; j++) {
    int row = (j + 1) * stride + 1;
    for (int k = row + ((parity + j) & 1); k < row + own.nx; k += 2) {
      double around = west[k] * delta[k - 1] + east[k] * delta[k + 1] + south[k] * delta[k - stride] + north[k] * delta[k + stride];
      delta[k] += omega * ((right[k] + around) * inverse[k] - delta[k]);
    }
  }
}

/* Project the velocity onto one without divergence; the pressure in rotational form. */
static void project_velocity(void) {
  struct window own = domain.own;
  int stride = own.nx + 2, first_u = own.x0 == 0, first_v = own.y0 == 0;
  double *restrict u = flow.u.field, *restrict v = flow.v.field, *restrict p = flow.p;
  double *restrict b = grid.windows[0].b, *e = grid.windows[0].e;
  for (int j = 0; j < own.ny; j++) {
    int row = (j + 1) * stride + 1;
    for (int k = row; k < row + own.nx; k++) b[k] = u[k + 1] - u[k] + (v[k + stride] - v[k]);
  }
  solve(kPressureCycles);
  for (int j = 0; j < own.ny; j++) {
    int row = (j + 1) * stride + 1;
    for (int k = row + first_u; k < row + own.nx; k++) u[k] -= e[k] - e[k - 1];
    if (j < first_v) continue;
    for (int k = row; k < row + own.nx; k++) v[k] -= e[k] - e[k - stride];
  }
  double scale = flow.h / flow.dt, viscous = flow.nu / flow.h;
  for (int k = 0; k < stride * (own.ny + 2); k++) p[k] += scale * e[k] - viscous * b[k];
  exchange_with_corners(&flow.value_halo);
  apply_walls(u, v);
}

/* The largest change of a velocity in this step, over all ranks. */
static double largest_change(void) {
  struct window own = domain.own;
  int stride = own.nx + 2, first_u = own.x0 == 0, first_v = own.y0 == 0;
  const double *du = flow.u.delta, *dv = flow.v.delta, *e = grid.windows[0].e;
  double most = 0;
  for (int j = 0; j < own.ny; j++) {
    int row = (j + 1) * stride + 1;
    for (int k = row + first_u; k < row + own.nx; k++) most = fmax(most, fabs(du[k] - (e[k] - e[k - 1])));
    if (j < first_v) continue;
    for (int k = row; k < row + own.nx; k++) most = fmax(most, fabs(dv[k] - (e[k] - e[k - stride])));
  }
  double start = now_us();
  MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_DOUBLE, MPI_MAX, domain.comm);
  message_us += now_us() - start;
  return most;
}

/* Advance by one step; return max|du/dt|. */
static double step(void) {
  assemble_u();
  assemble_v();
  for (int sweep = 0; sweep < flow.sweeps; sweep++) {
    for (int colour = 0; colour < 2; colour++) {
      relax_delta(&flow.u, colour);
      relax_delta(&flow.v, colour);
      exchange(&flow.delta_halo);
    }
  }
  int both = 2 * (domain.own.nx + 2) * (domain.own.ny + 2);
  double *restrict values = flow.values;
  const double *restrict deltas = flow.deltas;
  // u and v lie one behind the other, and so do their increments.
  for (int k = 0; k < both; k++) values[k] += deltas[k];
  project_velocity();
  return largest_change() / flow.dt;
}
