/*
 * Collectives, blocking and nonblocking, as ../suite/collective.ts has them: sizes are bytes for one other rank, of reductions
 * the whole vector of int32. Part of osu.c.
 */

static int *counts, *displacements, *shares, elements, block, is_nonblocking;
static const char *collective;

static int is(const char *name) { return strcmp(collective, name) == 0; }

#define CALL(blocking, nonblocking, ...) (is_nonblocking ? nonblocking(__VA_ARGS__, comm, request) : blocking(__VA_ARGS__, comm))

static void post_collective(int k, MPI_Request *request) {
  int root = settings.is_root_rotating ? k % ranks : 0;
  if (is("barrier")) is_nonblocking ? MPI_Ibarrier(comm, request) : MPI_Barrier(comm);
  else if (is("bcast")) CALL(MPI_Bcast, MPI_Ibcast, out, size, MPI_BYTE, root);
  else if (is("reduce")) CALL(MPI_Reduce, MPI_Ireduce, out, into, elements, MPI_INT, MPI_SUM, root);
  else if (is("allreduce")) CALL(MPI_Allreduce, MPI_Iallreduce, out, into, elements, MPI_INT, MPI_SUM);
  else if (is("scan")) CALL(MPI_Scan, MPI_Iscan, out, into, elements, MPI_INT, MPI_SUM);
  else if (is("exscan")) CALL(MPI_Exscan, MPI_Iexscan, out, into, elements, MPI_INT, MPI_SUM);
  else if (is("reduce_scatter")) CALL(MPI_Reduce_scatter, MPI_Ireduce_scatter, out, into, shares, MPI_INT, MPI_SUM);
  else if (is("reduce_scatter_block")) CALL(MPI_Reduce_scatter_block, MPI_Ireduce_scatter_block, out, into, block, MPI_INT, MPI_SUM);
  else if (is("gather")) CALL(MPI_Gather, MPI_Igather, out, size, MPI_BYTE, into, size, MPI_BYTE, root);
  else if (is("gatherv")) CALL(MPI_Gatherv, MPI_Igatherv, out, size, MPI_BYTE, into, counts, displacements, MPI_BYTE, root);
  else if (is("scatter")) CALL(MPI_Scatter, MPI_Iscatter, out, size, MPI_BYTE, into, size, MPI_BYTE, root);
  else if (is("scatterv")) CALL(MPI_Scatterv, MPI_Iscatterv, out, counts, displacements, MPI_BYTE, into, size, MPI_BYTE, root);
  else if (is("allgather")) CALL(MPI_Allgather, MPI_Iallgather, out, size, MPI_BYTE, into, size, MPI_BYTE);
  else if (is("allgatherv")) CALL(MPI_Allgatherv, MPI_Iallgatherv, out, size, MPI_BYTE, into, counts, displacements, MPI_BYTE);
  else if (is("alltoall")) CALL(MPI_Alltoall, MPI_Ialltoall, out, size, MPI_BYTE, into, size, MPI_BYTE);
  else if (is("alltoallv"))
    CALL(MPI_Alltoallv, MPI_Ialltoallv, out, counts, displacements, MPI_BYTE, into, counts, displacements, MPI_BYTE);
  else fail("unknown program");
}

static void run_collective(int count) {
  for (int k = 0; k < count; k++) {
    MPI_Request request;
    post_collective(done++, &request);
    if (is_nonblocking) MPI_Wait(&request, MPI_STATUS_IGNORE);
  }
}

/* As ../suite/overlap.ts. */
static void print_overlap(double us, int iterations) {
  double overall = 0, computed = 0;
  compute(2000000);
  double begin = now_us();
  compute(2000000);
  double steps_per_us = 2000000 / (now_us() - begin);
  int pieces = settings.tests + 1, count = iterations < 2 ? 2 : iterations, flag;
  long steps = (long)fmax(1, round(us * steps_per_us / pieces));
  for (int k = 0; k < count; k++) {
    MPI_Request request;
    MPI_Barrier(control);
    double start = now_us();
    post_collective(k, &request);
    double from = now_us();
    for (int piece = 0; piece < pieces; piece++) {
      compute(steps);
      if (piece < settings.tests) MPI_Test(&request, &flag, MPI_STATUS_IGNORE);
    }
    double to = now_us();
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    overall += now_us() - start;
    computed += to - from;
  }
  double means[2] = {overall / count / ranks, computed / count / ranks}, sums[2];
  MPI_Reduce(means, sums, 2, MPI_DOUBLE, MPI_SUM, 0, control);
  if (rank != 0) return;
  double percent = fmin(100, fmax(0, 100 * (1 - (sums[0] - sums[1]) / us)));
  printf(",\"overlap\":{\"overall\":%.6g,\"compute\":%.6g,\"pure\":%.6g,\"percent\":%.4g}", sums[0], sums[1], us, percent);
}

static struct operation collective_operation(void) {
  size_t bytes = (size_t)(size > 4 ? size : 4) * ranks;
  counts = malloc(sizeof(int) * ranks);
  displacements = malloc(sizeof(int) * ranks);
  shares = malloc(sizeof(int) * ranks);
  elements = size / 4 > 1 ? size / 4 : 1;
  block = elements / ranks > 1 ? elements / ranks : 1;
  for (int k = 0; k < ranks; k++) {
    counts[k] = size;
    displacements[k] = k * size;
    shares[k] = (int)((long)(k + 1) * elements / ranks - (long)k * elements / ranks);
  }
  out = allocate(bytes);
  into = allocate(bytes);
  memset(out, rank + 1, bytes);
  memset(into, 0, bytes);
  double messages = fmax(10, fmin(20000, floor(2e8 / ((double)size * ranks + 10000.0))));
  int iterations = (int)fmax(10, floor(messages / fmax(1, ranks / 2.0)));
  return (struct operation){run_collective, 1, 1, 1, iterations, kMean, is_nonblocking ? print_overlap : NULL};
}

static void free_collective(void) {
  free(counts);
  free(displacements);
  free(shares);
  free(out);
  free(into);
}
