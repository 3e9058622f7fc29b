/*
 * What the machine does meanwhile, and the bare reference that runs around each repetition. Part of measure.h.
 */

struct machine {
  double busy, steal, at_us;
  long throttled;
};

static struct machine read_machine(void) {
  struct machine state = {0, 0, now_us(), 0};
  double user, nice, system, idle, iowait, irq, softirq, steal;
  FILE *file = fopen("/proc/stat", "r");
  if (file != NULL) {
    if (fscanf(file, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal) == 8) {
      state.busy = (user + nice + system + irq + softirq) / 100;
      state.steal = steal / 100;
    }
    fclose(file);
  }
  const char *names[] = {"/sys/fs/cgroup/cpu.stat", "/sys/fs/cgroup/cpu/cpu.stat", "/sys/fs/cgroup/cpu,cpuacct/cpu.stat"};
  for (int k = 0; k < 3; k++) {
    char line[128];
    long count;
    if ((file = fopen(names[k], "r")) == NULL) continue;
    while (fgets(line, sizeof line, file) != NULL)
      if (sscanf(line, "nr_throttled %ld", &count) == 1) state.throttled += count;
    fclose(file);
  }
  return state;
}

static double cpu_seconds(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  return use.ru_utime.tv_sec + use.ru_stime.tv_sec + (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static size_t last_cache(void) {
  for (int index = 4; index >= 2; index--) {
    char name[96], unit = 0;
    long bytes = 0;
    snprintf(name, sizeof name, "/sys/devices/system/cpu/cpu0/cache/index%d/size", index);
    FILE *file = fopen(name, "r");
    if (file == NULL) continue;
    int found = fscanf(file, "%ld%c", &bytes, &unit);
    fclose(file);
    if (found == 2) return (size_t)bytes << (unit == 'K' ? 10 : 20);
  }
  return 1 << 25;
}

static uint32_t *flags;
static int is_oversubscribed, is_pinned, cores;

static void create_reference(void) {
  MPI_Comm host;
  cpu_set_t set;
  int here, core = -1, distinct = 0, *all = malloc(sizeof(int) * ranks);
  sched_getaffinity(0, sizeof set, &set);
  for (int k = 0; k < CPU_SETSIZE && CPU_COUNT(&set) == 1; k++)
    if (CPU_ISSET(k, &set)) core = k;
  MPI_Allgather(&core, 1, MPI_INT, all, 1, MPI_INT, control);
  is_pinned = ranks < 2 || all[0] != all[1];
  for (int k = 0; k < ranks; k++) {
    int is_new = 1;
    if (all[k] < 0) is_pinned = 0;
    for (int j = 0; j < k; j++)
      if (all[j] == all[k]) is_new = 0;
    distinct += is_new;
  }
  free(all);
  cores = is_pinned ? distinct : CPU_COUNT(&set);
  is_oversubscribed = ranks > cores;
  MPI_Comm_split_type(control, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host);
  MPI_Comm_size(host, &here);
  if (here < ranks || ranks < 2 || is_oversubscribed) return;
  MPI_Win window;
  MPI_Aint length;
  int unit;
  void *base;
  MPI_Win_allocate_shared(rank == 0 ? 4096 : 0, 1, MPI_INFO_NULL, host, &base, &window);
  MPI_Win_shared_query(window, 0, &length, &unit, &flags);
  if (rank == 0) memset(flags, 0, 4096);
  MPI_Barrier(control);
}

static double ping_pong(void) {
  uint32_t *mine = flags + 32 * rank, *other = flags + 32 * (1 - rank);
  uint32_t base = __atomic_load_n(mine, __ATOMIC_ACQUIRE);
  double start = now_us();
  for (uint32_t turn = 1; turn <= kTurns; turn++) {
    if (rank == 0) __atomic_store_n(mine, base + turn, __ATOMIC_RELEASE);
    while (__atomic_load_n(other, __ATOMIC_ACQUIRE) != base + turn) continue;
    if (rank == 1) __atomic_store_n(mine, base + turn, __ATOMIC_RELEASE);
  }
  return (now_us() - start) / (2.0 * kTurns);
}

static uint32_t kept = 1;

static void compute(long steps) {
  uint32_t value = kept;
  for (long k = 0; k < steps; k++) {
    value = value * 1664525u + 1013904223u;
    __asm__ volatile("" : "+r"(value));
  }
  kept = value;
}

static double reference(void) {
  double samples[kReferenceSamples];
  if (flags == NULL ? rank != 0 : rank > 1) return 0;
  for (int k = 0; k < kReferenceSamples; k++) {
    double start = now_us();
    if (flags == NULL) compute(kFixedSteps);
    samples[k] = flags == NULL ? now_us() - start : ping_pong();
  }
  return median(samples, kReferenceSamples);
}
