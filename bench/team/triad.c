/*
 * The triad of STREAM, a[k] = b[k] + s * c[k], on one thread and on all that OpenMP gives: the reference of loop.ts.
 *
 *     triad ELEMENTS REPETITIONS      prints the GB/s of one thread and of all, medians; 24 bytes an element count
 */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

static int compare(const void *a, const void *b) {
  double d = *(const double *)a - *(const double *)b;
  return (d > 0) - (d < 0);
}

static double median_gbps(double *a, const double *b, const double *c, long n, int repetitions, int threads) {
  double *rates = malloc(repetitions * sizeof(double));
  for (int r = -1; r < repetitions; r++) {
    double start = omp_get_wtime();
#pragma omp parallel for num_threads(threads) schedule(static)
    for (long k = 0; k < n; k++) a[k] = b[k] + 3.0 * c[k];
    if (r >= 0) rates[r] = 24.0 * n / (omp_get_wtime() - start) / 1e9;
  }
  qsort(rates, repetitions, sizeof(double), compare);
  double rate = rates[repetitions / 2];
  free(rates);
  return rate;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  long n = atol(argv[1]);
  int repetitions = atoi(argv[2]);
  int threads = omp_get_max_threads();
  double *a = malloc(n * sizeof(double)), *b = malloc(n * sizeof(double)), *c = malloc(n * sizeof(double));
#pragma omp parallel for num_threads(threads) schedule(static)
  for (long k = 0; k < n; k++) {
    a[k] = 0;
    b[k] = k;
    c[k] = 1;
  }
  double one = median_gbps(a, b, c, n, repetitions, 1);
  double all = median_gbps(a, b, c, n, repetitions, threads);
  printf("%.3f %.3f %d\n", one, all, a[n - 1] == n - 1 + 3.0 ? threads : -1);
  return 0;
}
