/*
 * The peers' side of ../osu/latency.ts and ../osu/bw.ts: the same method in C over any MPI, two ranks.
 *
 * latency: microseconds of half a round trip of a blocking send and receive. bw: MB/s and millions of messages a second from
 * rank 0 to rank 1, windows of messages in flight, each answered by a byte. Buffers are written before anything is timed;
 * medians over the repetitions behind the warm-up, a barrier before each.
 *
 *     mpicc -O2 -o pair pair.c; mpirun -n 2 pair latency|bw BYTES ITERATIONS WARM-UP REPETITIONS
 */

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kWindow = 64, kLongWindow = 16, kHugeWindow = 4 };

static int rank;

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double exchange(char *data, char *into, int size, int count) {
  double start = MPI_Wtime();
  for (int k = 0; k < count; k++) {
    if (rank == 0) MPI_Send(data, size, MPI_BYTE, 1, 1, MPI_COMM_WORLD);
    MPI_Recv(into, size, MPI_BYTE, 1 - rank, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (rank == 1) MPI_Send(data, size, MPI_BYTE, 0, 1, MPI_COMM_WORLD);
  }
  return (MPI_Wtime() - start) / (2.0 * count);
}

static double stream(char *data, int size, int count) {
  int window = size >= 1 << 22 ? kHugeWindow : size >= 1 << 20 ? kLongWindow : kWindow;
  MPI_Request requests[kWindow];
  char ready = 0;
  double start = MPI_Wtime();
  for (int w = 0; w < count; w++) {
    for (int k = 0; k < window; k++) {
      if (rank == 0) MPI_Isend(data, size, MPI_BYTE, 1, 1, MPI_COMM_WORLD, &requests[k]);
      else MPI_Irecv(data, size, MPI_BYTE, 0, 1, MPI_COMM_WORLD, &requests[k]);
    }
    MPI_Waitall(window, requests, MPI_STATUSES_IGNORE);
    if (rank == 0) MPI_Recv(&ready, 1, MPI_BYTE, 1, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    else MPI_Send(&ready, 1, MPI_BYTE, 0, 2, MPI_COMM_WORLD);
  }
  return (MPI_Wtime() - start) / ((double)count * window);
}

int main(int argc, char **argv) {
  int ranks;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  if (argc != 6 || ranks != 2) {
    fprintf(stderr, "expected two ranks and: pair latency|bw BYTES ITERATIONS WARM-UP REPETITIONS\n");
    MPI_Abort(MPI_COMM_WORLD, 2);
  }
  int is_latency = strcmp(argv[1], "latency") == 0;
  int size = atoi(argv[2]), count = atoi(argv[3]), warm_up = atoi(argv[4]), repetitions = atoi(argv[5]);
  char *data = malloc(size + 1), *into = malloc(size + 1);
  double *seconds = malloc(sizeof(double) * repetitions);
  memset(data, rank + 1, size);
  memset(into, 7, size);
  for (int k = -warm_up; k < repetitions; k++) {
    MPI_Barrier(MPI_COMM_WORLD);
    double one = is_latency ? exchange(data, into, size, count) : stream(data, size, count);
    if (k >= 0) seconds[k] = one;
  }
  qsort(seconds, repetitions, sizeof(double), compare);
  double median = (seconds[(repetitions - 1) / 2] + seconds[repetitions / 2]) / 2;
  if (rank == 0) {
    if (is_latency) printf("%-12d%16.2f\n", size, median * 1e6);
    else printf("%-12d%16.2f%16.4f\n", size, size / median / 1e6, 1e-6 / median);
  }
  MPI_Finalize();
  return 0;
}
