/*
 * V-cycles for the pressure: multigrid.ts and grid-level.ts of ../../examples/cavity, which see for the why. Part of cavity.c.
 *
 * Red-black Gauss-Seidel by global index, one sweep down and one up on each grid; from domain.gathered cells a side on, the
 * whole grid lies on every rank.
 */

enum { kMostLevels = 16, kCoarsestSweeps = 4 };

/* One grid, or a rank's window of it: the correction, the right-hand side, neighbours that are no walls, and 1 over them. */
struct level {
  int nx, ny, stride, parity, is_west, is_east, is_south, is_north;
  double *e, *b, *d, *inverse;
};

static struct {
  /* Windows of the distributed grids, finest first; behind them that of the first gathered grid. */
  struct level windows[kMostLevels], gathered[kMostLevels];
  struct halo halos[kMostLevels];
  int window_count, gathered_count;
  /* Blocks of all ranks on the first gathered grid, each padded to the largest. */
  struct window *blocks;
  double *outgoing, *incoming;
  int largest;
} grid;

static struct level create_level(int cells, struct window window) {
  int nx = window.nx, ny = window.ny, x0 = window.x0, y0 = window.y0;
  struct level level = {
    nx, ny, nx + 2, (x0 + y0) & 1, x0 == 0, x0 + nx == cells, y0 == 0, y0 + ny == cells,
    create_fields(1, nx, ny), create_fields(1, nx, ny), create_fields(1, nx, ny), create_fields(1, nx, ny),
  };
  for (int j = 0; j < ny; j++) {
    for (int i = 0; i < nx; i++) {
      int walls = (x0 + i == 0) + (x0 + i == cells - 1) + (y0 + j == 0) + (y0 + j == cells - 1);
      level.d[(j + 1) * (nx + 2) + i + 1] = 4 - walls;
      level.inverse[(j + 1) * (nx + 2) + i + 1] = 1.0 / (4 - walls);
    }
  }
  return level;
}

static void clear(struct level *level) { memset(level->e, 0, sizeof(double) * level->stride * (level->ny + 2)); }

static struct window scaled(struct window window, int scale) {
  return (struct window){window.x0 / scale, window.y0 / scale, window.nx / scale, window.ny / scale};
}

static void create_grid(void) {
  int scale = 1;
  grid.window_count = grid.gathered_count = grid.largest = 0;
  for (; domain.cells / scale > domain.gathered; scale *= 2) {
    struct level *level = &grid.windows[grid.window_count];
    *level = create_level(domain.cells / scale, scaled(domain.own, scale));
    grid.halos[grid.window_count++] = create_halo(level->e, 1, level->nx, level->ny);
  }
  grid.windows[grid.window_count] = create_level(domain.gathered, scaled(domain.own, scale));
  for (int cells = domain.gathered;; cells /= 2) {
    grid.gathered[grid.gathered_count++] = create_level(cells, (struct window){0, 0, cells, cells});
    if (cells % 2 == 1 || cells == 2) break;
  }
  grid.blocks = malloc(sizeof(struct window) * ranks);
  for (int r = 0; r < ranks; r++) {
    grid.blocks[r] = scaled(window_of(r), scale);
    int cells = grid.blocks[r].nx * grid.blocks[r].ny;
    if (cells > grid.largest) grid.largest = cells;
  }
  grid.outgoing = allocate(sizeof(double) * grid.largest);
  memset(grid.outgoing, 0, sizeof(double) * grid.largest);
  grid.incoming = allocate(sizeof(double) * grid.largest * ranks);
}

static void free_level(struct level *level) {
  free(level->e);
  free(level->b);
  free(level->d);
  free(level->inverse);
}

static void free_grid(void) {
  for (int k = 0; k <= grid.window_count; k++) free_level(&grid.windows[k]);
  for (int k = 0; k < grid.window_count; k++) free_halo(&grid.halos[k]);
  for (int k = 0; k < grid.gathered_count; k++) free_level(&grid.gathered[k]);
  free(grid.blocks);
  free(grid.outgoing);
  free(grid.incoming);
}

/* Relax the red (0) or the black (1) cells. */
static void relax(const struct level *level, int colour) {
  double *e = level->e;
  const double *restrict b = level->b, *restrict inverse = level->inverse;
  int nx = level->nx, stride = level->stride;
  for (int j = 0; j < level->ny; j++) {
    int row = (j + 1) * stride + 1;
    for (int k = row + ((colour + j + level->parity) & 1); k < row + nx; k += 2)
      e[k] = (e[k - 1] + e[k + 1] + e[k - stride] + e[k + stride] - b[k]) * inverse[k];
  }
}

/* After a black sweep only the residual of the two red children is not 0. */
static void restrict_to(const struct level *level, const struct level *coarse) {
  const double *restrict e = level->e, *restrict b = level->b, *restrict d = level->d;
  double *restrict to = coarse->b;
  int stride = level->stride;
  for (int j = 0; j < coarse->ny; j++) {
    for (int i = 0; i < coarse->nx; i++) {
      int k = (2 * j + 1) * stride + 2 * i + 1, m = k + stride + 1;
      double lower = b[k] - (e[k - 1] + e[k + 1] + e[k - stride] + e[k + stride] - d[k] * e[k]);
      double upper = b[m] - (e[m - 1] + e[m + 1] + e[m - stride] + e[m + stride] - d[m] * e[m]);
      to[(j + 1) * coarse->stride + i + 1] = lower + upper;
    }
  }
}

static void mirror_walls(const struct level *level) {
  int nx = level->nx, ny = level->ny, stride = level->stride;
  double *e = level->e;
  for (int j = 0; j < ny; j++) {
    int row = (j + 1) * stride;
    if (level->is_west) e[row] = e[row + 1];
    if (level->is_east) e[row + nx + 1] = e[row + nx];
  }
  for (int i = 1; i <= nx; i++) {
    if (level->is_south) e[i] = e[i + stride];
    if (level->is_north) e[i + (ny + 1) * stride] = e[i + ny * stride];
  }
}

static void prolong_from(const struct level *level, const struct level *coarse) {
  mirror_walls(coarse);
  double *restrict e = level->e;
  const double *restrict from = coarse->e;
  int stride = level->stride;
  for (int j = 0; j < coarse->ny; j++) {
    for (int i = 0; i < coarse->nx; i++) {
      int m = (j + 1) * coarse->stride + i + 1, k = (2 * j + 1) * stride + 2 * i + 1;
      double centre = 2 * from[m], west = from[m - 1], east = from[m + 1];
      double south = from[m - coarse->stride], north = from[m + coarse->stride];
      e[k] += 0.25 * (centre + west + south);
      e[k + 1] += 0.25 * (centre + east + south);
      e[k + stride] += 0.25 * (centre + west + north);
      e[k + stride + 1] += 0.25 * (centre + east + north);
    }
  }
}

static void descend_gathered(int depth) {
  const struct level *level = &grid.gathered[depth];
  if (depth + 1 == grid.gathered_count) {
    for (int sweep = 0; sweep < 2 * kCoarsestSweeps * level->nx; sweep++) relax(level, sweep & 1);
    return;
  }
  struct level *below = &grid.gathered[depth + 1];
  relax(level, 0);
  relax(level, 1);
  restrict_to(level, below);
  clear(below);
  descend_gathered(depth + 1);
  prolong_from(level, below);
  relax(level, 0);
  relax(level, 1);
}

/* Gather the right-hand side, solve the whole grid here as every rank does, keep this rank's window with its ring. */
static void solve_gathered(void) {
  struct level *part = &grid.windows[grid.window_count], *whole = &grid.gathered[0];
  size_t row = sizeof(double) * part->nx;
  for (int j = 0; j < part->ny; j++) memcpy(grid.outgoing + j * part->nx, part->b + (j + 1) * part->stride + 1, row);
  double start = now_us();
  MPI_Allgather(grid.outgoing, grid.largest, MPI_DOUBLE, grid.incoming, grid.largest, MPI_DOUBLE, domain.comm);
  message_us += now_us() - start;
  for (int r = 0; r < ranks; r++) {
    struct window block = grid.blocks[r];
    for (int j = 0; j < block.ny; j++) {
      double *to = whole->b + (block.y0 + j + 1) * whole->stride + block.x0 + 1;
      memcpy(to, grid.incoming + r * grid.largest + j * block.nx, sizeof(double) * block.nx);
    }
  }
  clear(whole);
  descend_gathered(0);
  struct window own = grid.blocks[rank];
  for (int j = 0; j < part->ny + 2; j++)
    memcpy(part->e + j * part->stride, whole->e + (own.y0 + j) * whole->stride + own.x0, sizeof(double) * part->stride);
}

static void descend(int depth) {
  if (depth == grid.window_count) {
    solve_gathered();
    return;
  }
  struct level *level = &grid.windows[depth], *below = &grid.windows[depth + 1];
  struct halo *halo = &grid.halos[depth];
  relax(level, 0);
  exchange(halo);
  relax(level, 1);
  exchange(halo);
  restrict_to(level, below);
  clear(below);
  descend(depth + 1);
  prolong_from(level, below);
  exchange(halo);
  relax(level, 0);
  exchange(halo);
  relax(level, 1);
  exchange(halo);
}

/* Run `cycles` V-cycles from 0. Afterwards the ring of the finest e is filled. */
static void solve(int cycles) {
  clear(&grid.windows[0]);
  for (int cycle = 0; cycle < cycles; cycle++) descend(0);
}
