/*
 * The suite's programs over any MPI, in C: the sizes of ../suite by the method of measure.h.
 *
 * Collectives of graphs and alltoallw are not written here.
 *
 *     mpicc -O3 -march=native -o osu osu.c -lm
 *     mpirun -n 2 osu program=latency sizes=8,1024 repetitions=5 window=64 settle=1000
 */

#include "measure.h"

enum { kTag = 1, kAck = 2 };

#include "pairs.h"
#include "collectives.h"

/* The line of init and hello: microseconds that MPI_Init took. */
static void print_init(double us) {
  double low, high, mean;
  MPI_Reduce(&us, &low, 1, MPI_DOUBLE, MPI_MIN, 0, control);
  MPI_Reduce(&us, &high, 1, MPI_DOUBLE, MPI_MAX, 0, control);
  MPI_Reduce(&us, &mean, 1, MPI_DOUBLE, MPI_SUM, 0, control);
  if (rank != 0) return;
  printf("{\"kind\":\"row\",\"program\":\"%s\",\"size\":0,\"us\":%.6g,\"batch\":1,\"iterations\":1,\"tail\":{", settings.program, mean / ranks);
  print_tail((double[]){low, mean / ranks, high}, 3);
  printf("},\"repetitions\":[],\"rejectedShare\":0,\"disturbed\":[],\"isSettled\":true,\"firstUs\":%.6g,\"firstHundredUs\":%.6g,", us, us);
  printf("\"ranks\":{\"min\":%.6g,\"max\":%.6g}}\n", low, high);
}

int main(int argc, char **argv) {
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  MPI_Init(&argc, &argv);
  clock_gettime(CLOCK_MONOTONIC, &to);
  open_job(argc, argv);
  char stem[64];
  snprintf(stem, sizeof stem, "%s", settings.program);
  char *suffix = strstr(stem, "_persistent");
  if (suffix != NULL) *suffix = 0;
  static const char *pairs[] = {"latency", "bw", "bibw", "mbw_mr", "multi_lat"};
  int is_pair = 0, is_start = strcmp(stem, "init") == 0 || strcmp(stem, "hello") == 0;
  for (int k = 0; k < 5; k++) is_pair |= strcmp(stem, pairs[k]) == 0;
  if (is_start) print_init((to.tv_sec - from.tv_sec) * 1e6 + (to.tv_nsec - from.tv_nsec) / 1e3);
  else if (is_pair && ranks < 2) fail("two ranks are needed");
  else if (!is_pair && suffix != NULL) fail("persistent collectives are not written here");
  is_nonblocking = !is_pair && stem[0] == 'i';
  collective = is_nonblocking ? stem + 1 : stem;
  for (int k = 0; k < settings.size_count && !is_start; k++) {
    size = settings.sizes[k];
    done = 0;
    struct operation operation = is_pair ? pair_operation(stem, suffix != NULL) : collective_operation();
    measure(&operation);
    if (is_pair) free_pair();
    else free_collective();
  }
  if (isnan(sink)) fail("received data summed up to no number");
  MPI_Finalize();
  return 0;
}
