/*
 * The method of ../suite/measure.ts for any MPI, in C: settings, the repetitions of an operation, and the lines of JSON.
 *
 * Settings come as words NAME=VALUE. The bare reference is the same ping-pong of two cache lines, on a shared window of the
 * library; with more ranks than cores it is fixed work, as there.
 */

#define _GNU_SOURCE
#include <math.h>
#include <mpi.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { kTurns = 1000, kReferenceSamples = 5, kFixedSteps = 20000, kTries = 3, kMostSizes = 64, kMostTries = 300 };
static const double kShortUs = 2, kBatchUs = 20, kRepetitionUs = 100000, kBlockUs = 10000, kMoved = 1.1, kSpread = 1.03;

static struct {
  char program[64];
  int sizes[kMostSizes], size_count;
  int iterations, warmup, repetitions, window, tests, is_touched, is_rotating, is_root_rotating;
  double settle_ms;
  /* Of cavity.c. */
  int steps;
  double reynolds;
  const char *fields;
} settings = {.warmup = -1, .repetitions = 5, .window = 64, .is_root_rotating = 1, .settle_ms = 1000, .reynolds = 100};

/* This rank, their number, and the number of the first column that is timed. */
static int rank, ranks, size;
static MPI_Comm control, comm;

static double now_us(void) { return MPI_Wtime() * 1e6; }

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", settings.program, what);
  MPI_Abort(MPI_COMM_WORLD, 2);
}

static void *allocate(size_t bytes) {
  void *memory = NULL;
  if (posix_memalign(&memory, bytes >= 1 << 21 ? 1 << 21 : 4096, bytes + 64) != 0) fail("no memory");
  return memory;
}

static double decide(double value) {
  MPI_Bcast(&value, 1, MPI_DOUBLE, 0, control);
  return value;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *values, int count) {
  qsort(values, count, sizeof(double), compare);
  return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

#include "machine.h"

/* What is timed: see Operation there. `add` may print more of a row, on all ranks: its figure and its operations are given. */
struct operation {
  void (*run)(int count);
  int parts, is_timed, is_collective, iterations;
  enum { kRankZero, kMean, kSlowest } clock;
  void (*add)(double us, int iterations);
};

/* One repetition: its mean, its samples on rank 0, the slowest rank of each sample, the reference around it. */
struct repetition {
  double us, *samples, *slowest, low, high, before, after;
  const char *rejected;
};

static double timed(const struct operation *operation, int count) {
  double start = now_us();
  operation->run(count);
  return (now_us() - start) / ((double)count * operation->parts);
}

static double block_of(const struct operation *operation, double count) {
  MPI_Barrier(control);
  return decide(timed(operation, count < 1 ? 1 : (int)count));
}

static void print_tail(double *samples, int count) {
  static const char *names[] = {"min", "p50", "p90", "p99", "p999", "max"};
  static const double points[] = {0, .5, .9, .99, .999, 1};
  qsort(samples, count, sizeof(double), compare);
  for (int k = 0; k < 6; k++) {
    int at = (int)ceil(points[k] * count - 1e-9);
    printf("%s\"%s\":%.6g", k > 0 ? "," : "", names[k], samples[(at < 1 ? 1 : at > count ? count : at) - 1]);
  }
}

static struct repetition repeat(const struct operation *operation, int count, int batch) {
  struct repetition one = {.samples = malloc(sizeof(double) * count), .slowest = calloc(count, sizeof(double))};
  MPI_Barrier(control);
  one.before = reference();
  MPI_Barrier(control);
  struct machine from = read_machine();
  MPI_Barrier(control);
  for (int k = 0; k < count; k++) {
    if (operation->is_collective) MPI_Barrier(control);
    one.samples[k] = timed(operation, batch);
  }
  MPI_Barrier(control);
  struct machine to = read_machine();
  one.after = reference();
  if (fmax(one.before / one.after, one.after / one.before) > kMoved) one.rejected = "reference moved";
  else if (to.throttled > from.throttled) one.rejected = "throttled by cgroup";
  else if (to.steal > from.steal) one.rejected = "steal time";
  return one;
}

/* Put the samples of all ranks together, on rank 0. */
static void combine(const struct operation *operation, struct repetition *one, int count) {
  double mean = 0, *sum, *means;
  for (int k = 0; k < count; k++) mean += one->samples[k] / count;
  one->us = mean;
  if (operation->clock == kRankZero) return;
  sum = calloc(count, sizeof(double));
  means = malloc(sizeof(double) * ranks);
  if (!operation->is_timed) {
    memset(one->samples, 0, sizeof(double) * count);
    mean = -1;
  }
  MPI_Reduce(one->samples, one->slowest, count, MPI_DOUBLE, MPI_MAX, 0, control);
  MPI_Reduce(one->samples, sum, count, MPI_DOUBLE, MPI_SUM, 0, control);
  MPI_Gather(&mean, 1, MPI_DOUBLE, means, 1, MPI_DOUBLE, 0, control);
  if (rank == 0) {
    int timing = 0;
    double total = 0;
    one->low = INFINITY;
    for (int k = 0; k < ranks; k++) {
      if (means[k] < 0) continue;
      timing++;
      total += means[k];
      one->low = fmin(one->low, means[k]);
      one->high = fmax(one->high, means[k]);
    }
    one->us = operation->clock == kSlowest ? one->high : total / timing;
    for (int k = 0; k < count; k++) one->samples[k] = operation->clock == kSlowest ? one->slowest[k] : sum[k] / timing;
  }
  free(sum);
  free(means);
}

/* Print the line of a size but for its end. Return the figure. */
static double print_row(const struct operation *operation, struct repetition *all, int tries, int accepted, int count, int batch) {
  int is_clean = accepted >= (settings.repetitions < 3 ? settings.repetitions : 3), counting = 0;
  double figures[kMostTries], low = 0, high = 0, mean = 0;
  double *tail = malloc(sizeof(double) * tries * count), *slow = malloc(sizeof(double) * tries * count);
  for (int t = 0; t < tries; t++) {
    if (is_clean && all[t].rejected != NULL) continue;
    memcpy(tail + (size_t)counting * count, all[t].samples, sizeof(double) * count);
    memcpy(slow + (size_t)counting * count, all[t].slowest, sizeof(double) * count);
    low += all[t].low;
    high += all[t].high;
    figures[counting++] = all[t].us;
  }
  double figure = median(figures, counting);
  printf("{\"kind\":\"row\",\"program\":\"%s\",\"size\":%d,\"us\":%.6g,\"batch\":%d,\"iterations\":%d,\"tail\":{", settings.program, size,
         figure, batch, count * batch);
  print_tail(tail, counting * count);
  printf("},\"repetitions\":[");
  for (int t = 0; t < tries; t++) {
    printf("%s{\"us\":%.6g,\"reference\":[%.6g,%.6g]", t > 0 ? "," : "", all[t].us, all[t].before, all[t].after);
    if (all[t].rejected != NULL) printf(",\"rejected\":\"%s\"", all[t].rejected);
    printf("}");
  }
  printf("],\"rejectedShare\":%.4g", (double)(tries - accepted) / tries);
  if (operation->clock == kMean) {
    for (int k = 0; k < counting * count; k++) mean += slow[k] / (counting * count);
    printf(",\"ranks\":{\"min\":%.6g,\"max\":%.6g},\"slowest\":{\"mean\":%.6g,", low / counting, high / counting, mean);
    print_tail(slow, counting * count);
    printf("}");
  }
  if (strstr(settings.program, "bw") != NULL) {
    int pairs = strcmp(settings.program, "mbw_mr") == 0 ? ranks / 2 : 1;
    printf(",\"megabytesPerSecond\":%.6g,\"messagesPerSecond\":%.6g", (double)size * pairs / figure, 1e6 * pairs / figure);
  }
  free(tail);
  free(slow);
  return figure;
}

static void print_disturbed(struct machine before, double own, int tries, int accepted) {
  struct machine after = read_machine();
  int is_clean = accepted >= (settings.repetitions < 3 ? settings.repetitions : 3);
  double seconds = (after.at_us - before.at_us) / 1e6, others = fmax(0, (after.busy - before.busy - own) / seconds);
  printf(",\"disturbed\":[");
  if (!is_clean) printf("\"%d of %d repetitions\"", tries - accepted, tries);
  if (seconds >= 0.2 && others > 0.1) printf("%s\"others took %.1f cores\"", is_clean ? "" : ",", others);
  printf("]");
  if (seconds >= 0.2) printf(",\"othersCores\":%.3g", others);
}

static void measure(const struct operation *operation) {
  struct machine machine_before = read_machine();
  double own = -cpu_seconds(), sum_own = 0, first = block_of(operation, 1);
  double most = settings.iterations > 0 ? settings.iterations : operation->iterations;
  double hundred = fmax(1, fmin(fmin(99, most), floor(kRepetitionUs / (first * operation->parts))));
  double first_hundred = (first + block_of(operation, hundred) * hundred) / (hundred + 1);
  double estimate = first_hundred * operation->parts;
  int is_settled = settings.warmup >= 0;
  if (settings.warmup > 0) estimate = block_of(operation, settings.warmup) * operation->parts;
  double last[3] = {0, 0, 0}, end = now_us() + settings.settle_ms * 1000;
  for (int k = 0; !is_settled && decide(now_us() < end) == 1; k++) {
    last[k % 3] = block_of(operation, fmin(operation->iterations, floor(kBlockUs / estimate)));
    estimate = last[k % 3] * operation->parts;
    double low = fmin(last[0], fmin(last[1], last[2])), high = fmax(last[0], fmax(last[1], last[2]));
    is_settled = k >= 2 && high <= low * kSpread;
  }
  double fitting = fmax(2, fmin(operation->iterations, floor(kRepetitionUs / estimate)));
  int iterations = settings.iterations > 0 ? settings.iterations : (int)fitting;
  int batch = estimate >= kShortUs * operation->parts ? 1 : (int)fmax(1, fmin(iterations, ceil(kBatchUs / estimate)));
  int count = iterations / batch > 1 ? iterations / batch : 1, accepted = 0, tries = 0;
  struct repetition all[kMostTries];
  int limit = kTries * settings.repetitions < kMostTries ? kTries * settings.repetitions : kMostTries;
  for (; decide(accepted < settings.repetitions && tries < limit) == 1; tries++) {
    all[tries] = repeat(operation, count, batch);
    accepted += all[tries].rejected == NULL;
  }
  own += cpu_seconds();
  MPI_Reduce(&own, &sum_own, 1, MPI_DOUBLE, MPI_SUM, 0, control);
  for (int t = 0; t < tries; t++) combine(operation, &all[t], count);
  double figure = 0;
  if (rank == 0) {
    figure = print_row(operation, all, tries, accepted, count, batch);
    print_disturbed(machine_before, sum_own, tries, accepted);
    printf(",\"isSettled\":%s,\"firstUs\":%.6g,\"firstHundredUs\":%.6g", is_settled ? "true" : "false", first, first_hundred);
  }
  for (int t = 0; t < tries; t++) {
    free(all[t].samples);
    free(all[t].slowest);
  }
  if (operation->add != NULL) operation->add(decide(figure), count * batch);
  if (rank == 0) {
    printf("}\n");
    fflush(stdout);
  }
}

static void set(const char *name, char *value) {
  static const struct { const char *name; int *to; } numbers[] = {
    {"iterations", &settings.iterations}, {"warmup", &settings.warmup}, {"repetitions", &settings.repetitions},
    {"window", &settings.window}, {"tests", &settings.tests}, {"touch", &settings.is_touched},
    {"rotate", &settings.is_rotating}, {"root", &settings.is_root_rotating}, {"steps", &settings.steps},
  };
  for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
    if (strcmp(name, numbers[k].name) != 0) continue;
    *numbers[k].to = atoi(value);
    return;
  }
  if (strcmp(name, "program") == 0) snprintf(settings.program, sizeof settings.program, "%s", value);
  else if (strcmp(name, "settle") == 0) settings.settle_ms = atof(value);
  else if (strcmp(name, "reynolds") == 0) settings.reynolds = atof(value);
  else if (strcmp(name, "fields") == 0) settings.fields = value;
  else if (strcmp(name, "sizes") == 0) {
    for (char *word = strtok(value, ","); word != NULL && settings.size_count < kMostSizes; word = strtok(NULL, ","))
      settings.sizes[settings.size_count++] = atoi(word);
  } else fail("unknown setting");
}

static void print_job(void) {
  char library[MPI_MAX_LIBRARY_VERSION_STRING];
  int length;
  MPI_Get_library_version(library, &length);
  library[strcspn(library, ",\n")] = 0;
  for (char *c = library; *c != 0; c++)
    if (*c == '\t' || *c == '"') *c = ' ';
  printf("{\"kind\":\"job\",\"program\":\"%s\",\"ranks\":%d,\"library\":\"%s\",\"hosts\":1,\"cores\":%d,", settings.program, ranks, library, cores);
  printf("\"isOversubscribed\":%s,\"isPinned\":%s,\"rankKind\":\"process\",\"reference\":\"%s\"}\n", is_oversubscribed ? "true" : "false",
         is_pinned ? "true" : "false", flags != NULL ? "C ping-pong" : "fixed work");
}

/* Read the words and start the job's lines, behind MPI_Init. */
static void open_job(int argc, char **argv) {
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  MPI_Comm_dup(MPI_COMM_WORLD, &control);
  MPI_Comm_dup(MPI_COMM_WORLD, &comm);
  for (int k = 1; k < argc; k++) {
    char *value = strchr(argv[k], '=');
    if (value == NULL) fail("expected settings as NAME=VALUE");
    *value = 0;
    set(argv[k], value + 1);
  }
  create_reference();
  if (rank == 0) print_job();
}
