/*
 * The blocks of the cavity and the exchange of their edges: domain.ts and halo.ts of ../../examples/cavity. Part of cavity.c.
 *
 * A field of nx * ny cells is stored by rows with one ring around them; fields that are traded together lie one behind the
 * other. An edge of all of them is a subarray datatype, an exchange a list of persistent requests.
 */

enum { kGatheredCells = 32, kMostRequests = 8 };

/* First cell and number of cells of a rank's block, on the finest grid. */
struct window {
  int x0, y0, nx, ny;
};

/* The whole square: cells a side, those of the finest grid that is gathered, the ranks. Then this rank's part of it. */
static struct {
  int cells, gathered, ranks_x, ranks_y;
  MPI_Comm comm;
  int west, east, south, north;
  struct window own;
} domain;

/* Microseconds that this rank spent in exchanges and collectives. */
static double message_us;

static struct window window_of(int r) {
  int unit = domain.cells / domain.gathered, column = r % domain.ranks_x, row = r / domain.ranks_x;
  int x0 = column * domain.gathered / domain.ranks_x * unit, x1 = (column + 1) * domain.gathered / domain.ranks_x * unit;
  int y0 = row * domain.gathered / domain.ranks_y * unit, y1 = (row + 1) * domain.gathered / domain.ranks_y * unit;
  return (struct window){x0, y0, x1 - x0, y1 - y0};
}

static void create_domain(int cells) {
  domain.cells = cells;
  domain.gathered = cells / 2;
  while (domain.gathered > kGatheredCells && domain.gathered % 2 == 0) domain.gathered /= 2;
  domain.ranks_y = (int)sqrt(ranks);
  while (ranks % domain.ranks_y != 0) domain.ranks_y--;
  domain.ranks_x = ranks / domain.ranks_y;
  if (cells < 8 || cells % 2 != 0 || domain.ranks_x > domain.gathered) fail("so many cells cannot be shared by so many ranks");
  MPI_Cart_create(comm, 2, (int[]){domain.ranks_y, domain.ranks_x}, (int[]){0, 0}, 0, &domain.comm);
  MPI_Cart_shift(domain.comm, 0, 1, &domain.south, &domain.north);
  MPI_Cart_shift(domain.comm, 1, 1, &domain.west, &domain.east);
  domain.own = window_of(rank);
}

/* `count` fields with their rings, all 0. */
static double *create_fields(int count, int nx, int ny) {
  size_t bytes = sizeof(double) * count * (nx + 2) * (ny + 2);
  return memset(allocate(bytes), 0, bytes);
}

/* Requests that are started together: receives, then sends. */
struct trade {
  MPI_Request requests[kMostRequests];
  int count;
};

struct halo {
  struct trade edges, columns, rows;
};

/* A rectangle of each field: its first row and column, and how many of them. */
struct rectangle {
  int row, column, rows, columns;
};

struct edge {
  int peer, tag;
  struct rectangle inner, outer;
};

static MPI_Datatype layout(struct rectangle part, int fields, int nx, int ny) {
  MPI_Datatype type;
  int shape[3] = {fields, ny + 2, nx + 2}, lengths[3] = {fields, part.rows, part.columns}, starts[3] = {0, part.row, part.column};
  MPI_Type_create_subarray(3, shape, lengths, starts, MPI_ORDER_C, MPI_DOUBLE, &type);
  MPI_Type_commit(&type);
  return type;
}

static struct trade create_trade(double *all, int fields, int nx, int ny, const struct edge *edges, int count) {
  struct trade trade = {.count = 0};
  for (int is_send = 0; is_send < 2; is_send++) {
    for (int k = 0; k < count; k++) {
      if (edges[k].peer == MPI_PROC_NULL) continue;
      MPI_Datatype type = layout(is_send ? edges[k].inner : edges[k].outer, fields, nx, ny);
      MPI_Request *request = &trade.requests[trade.count++];
      if (is_send) MPI_Send_init(all, 1, type, edges[k].peer, edges[k].tag, domain.comm, request);
      else MPI_Recv_init(all, 1, type, edges[k].peer, edges[k].tag ^ 1, domain.comm, request);
      MPI_Type_free(&type);
    }
  }
  return trade;
}

static struct halo create_halo(double *all, int fields, int nx, int ny) {
  struct edge edges[] = {
    {domain.west, 0, {1, 1, ny, 1}, {1, 0, ny, 1}},
    {domain.east, 1, {1, nx, ny, 1}, {1, nx + 1, ny, 1}},
    {domain.south, 2, {1, 1, 1, nx}, {0, 1, 1, nx}},
    {domain.north, 3, {ny, 1, 1, nx}, {ny + 1, 1, 1, nx}},
  };
  struct edge rows[] = {
    {domain.south, 4, {1, 0, 1, nx + 2}, {0, 0, 1, nx + 2}},
    {domain.north, 5, {ny, 0, 1, nx + 2}, {ny + 1, 0, 1, nx + 2}},
  };
  return (struct halo){
    create_trade(all, fields, nx, ny, edges, 4),
    create_trade(all, fields, nx, ny, edges, 2),
    create_trade(all, fields, nx, ny, rows, 2),
  };
}

static void perform(struct trade *trade) {
  if (trade->count == 0) return;
  double start = now_us();
  MPI_Startall(trade->count, trade->requests);
  MPI_Waitall(trade->count, trade->requests, MPI_STATUSES_IGNORE);
  message_us += now_us() - start;
}

/* Fill the ring of each field but its corners. */
static void exchange(struct halo *halo) { perform(&halo->edges); }

/* Columns, then rows with the ring's ends: corners come in two hops. */
static void exchange_with_corners(struct halo *halo) {
  perform(&halo->columns);
  perform(&halo->rows);
}

static void free_halo(struct halo *halo) {
  struct trade *trades[] = {&halo->edges, &halo->columns, &halo->rows};
  for (int t = 0; t < 3; t++)
    for (int k = 0; k < trades[t]->count; k++) MPI_Request_free(&trades[t]->requests[k]);
}
