/*
 * The lid-driven cavity of ../../examples/cavity over any MPI, in C: the same algorithm, steps and cycles, so that the fields
 * are the same to rounding. Timed by measure.h; `sizes` are cells a side.
 *
 * From rest it first makes `steps` steps, which warm up and whose fields go to the file that `fields` begins, then those that
 * are timed. The file holds u, v and p as field.ts gathers them, in doubles.
 *
 *     mpicc -O3 -march=native -ffp-contract=off -o cavity cavity.c -lm
 *     mpirun -n 2 cavity program=cavity sizes=128,1024 reynolds=100 steps=10 fields=out
 */

#include "measure.h"
#include "cavity-domain.h"
#include "cavity-multigrid.h"
#include "cavity-flow.h"

/* What a cell takes in nanoseconds, to say how many steps fill a repetition: as ../suite/cavity.ts. */
static const double kCellNs = 200;

static double stepped_us, residual;

static void run_steps(int count) {
  double start = now_us();
  for (int k = 0; k < count; k++) residual = step();
  stepped_us += now_us() - start;
}

/* The share of the steps' time that the mean rank spent in messages. */
static void print_share(double us, int iterations) {
  (void)us, (void)iterations;
  double share = message_us / stepped_us, sum = 0;
  MPI_Reduce(&share, &sum, 1, MPI_DOUBLE, MPI_SUM, 0, control);
  if (rank == 0) printf(",\"messageShare\":%.4g", sum / ranks);
}

/* Put the block of one rank into a whole field whose rows are `stride` long; return what is behind it. */
static const double *place(const double *from, struct window block, double *field, int stride) {
  for (int j = 0; j < block.ny; j++, from += block.nx)
    memcpy(field + (size_t)(block.y0 + j) * stride + block.x0, from, sizeof(double) * block.nx);
  return from;
}

/* Gather u, v and p on rank 0 and write them. */
static void write_fields(void) {
  struct window own = domain.own;
  size_t cells = domain.cells, length = (size_t)(own.nx + 2) * (own.ny + 2), to = 0;
  int *counts = malloc(sizeof(int) * ranks), *starts = malloc(sizeof(int) * ranks), total = 0;
  for (int r = 0; r < ranks; r++) {
    struct window block = window_of(r);
    counts[r] = 3 * block.nx * block.ny;
    starts[r] = total;
    total += counts[r];
  }
  double *block = malloc(sizeof(double) * counts[rank]), *parts = rank == 0 ? malloc(sizeof(double) * total) : NULL;
  for (int part = 0; part < 3; part++)
    for (int j = 0; j < own.ny; j++, to += own.nx)
      memcpy(block + to, flow.values + part * length + (j + 1) * (own.nx + 2) + 1, sizeof(double) * own.nx);
  MPI_Gatherv(block, counts[rank], MPI_DOUBLE, parts, counts, starts, MPI_DOUBLE, 0, domain.comm);
  if (rank == 0) {
    size_t faces = (cells + 1) * cells, count = 2 * faces + cells * cells;
    double *u = calloc(count, sizeof(double)), *v = u + faces, *p = v + faces, mean = 0;
    for (int r = 0; r < ranks; r++) {
      const double *from = place(parts + starts[r], window_of(r), u, cells + 1);
      from = place(from, window_of(r), v, cells);
      place(from, window_of(r), p, cells);
    }
    for (size_t k = 0; k < cells * cells; k++) mean += p[k];
    for (size_t k = 0; k < cells * cells; k++) p[k] -= mean / (cells * cells);
    char name[4096];
    snprintf(name, sizeof name, "%s-%d", settings.fields, size);
    FILE *file = fopen(name, "wb");
    if (file == NULL || fwrite(u, sizeof(double), count, file) != count || fclose(file) != 0) fail("the fields cannot be written");
    free(u);
  }
  free(counts);
  free(starts);
  free(block);
  free(parts);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  open_job(argc, argv);
  for (int k = 0; k < settings.size_count; k++) {
    size = settings.sizes[k];
    create_domain(size);
    create_flow(settings.reynolds);
    run_steps(settings.steps);
    if (settings.fields != NULL) write_fields();
    message_us = stepped_us = 0;
    double steps = floor(1e9 * ranks / (kCellNs * size * size));
    struct operation operation = {run_steps, 1, 1, 0, (int)fmax(2, steps), kSlowest, print_share};
    measure(&operation);
    if (!isfinite(residual)) fail("the flow blew up");
    free_flow();
    MPI_Comm_free(&domain.comm);
  }
  MPI_Finalize();
  return 0;
}
