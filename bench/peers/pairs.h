/*
 * Programs of two ranks, or of pairs, as ../suite/point-to-point.ts has them. Part of osu.c.
 */

static char *out, *into;
static size_t stride;
static unsigned mask, done;
static int peer, is_sender, has_part;
static MPI_Request *requests, *starts;
static double sink;

static void touch(const char *data) {
  const double *words = (const double *)data;
  double sum = 0;
  for (int k = 0; k < size >> 3; k++) sum += words[k];
  for (int k = size & ~7; k < size; k++) sum += (unsigned char)data[k];
  sink += sum;
}

static void verify(void) {
  unsigned char wanted = peer + 1, *data = (unsigned char *)into;
  if (size > 0 && (data[0] != wanted || data[size - 1] != wanted)) fail("a message held what its sender did not send");
}

static void create_buffers(void) {
  size_t count = 1;
  stride = size == 0 ? 64 : (size + 63) / 64 * 64;
  if (settings.is_rotating) {
    size_t wanted = 4 * last_cache() / stride;
    if (wanted > 1 << 16) wanted = 1 << 16;
    for (count = 2; count < wanted;) count *= 2;
  }
  mask = count - 1;
  out = allocate(count * stride);
  into = allocate(count * stride);
  memset(out, rank + 1, count * stride);
  memset(into, 0, count * stride);
}

static char *buffer(char *memory, unsigned k) { return memory + (k & mask) * stride; }

static void run_latency(int count) {
  for (int k = 0; k < count && has_part; k++) {
    if (is_sender) MPI_Send(buffer(out, k), size, MPI_BYTE, peer, kTag, comm);
    MPI_Recv(buffer(into, k), size, MPI_BYTE, peer, kTag, comm, MPI_STATUS_IGNORE);
    if (settings.is_touched) touch(buffer(into, k));
    if (!is_sender) MPI_Send(buffer(out, k), size, MPI_BYTE, peer, kTag, comm);
  }
  if (has_part) verify();
}

/* In `starts` lie sends, then receives, as many of each as are in flight. */
static void run_latency_persistent(int count) {
  for (int k = 0; k < count && has_part; k++) {
    for (int step = 0; step < 2; step++) {
      MPI_Request *one = &starts[(step == 0) == is_sender ? 0 : settings.window];
      MPI_Start(one);
      MPI_Wait(one, MPI_STATUS_IGNORE);
      if (settings.is_touched && (step == 0) != is_sender) touch(into);
    }
  }
  if (has_part) verify();
}

static void acknowledge(void) {
  char byte = 0;
  if (is_sender) MPI_Recv(&byte, 1, MPI_BYTE, peer, kAck, comm, MPI_STATUS_IGNORE);
  else MPI_Send(&byte, 1, MPI_BYTE, peer, kAck, comm);
}

static void run_bandwidth(int count) {
  int window = settings.window, is_persistent = starts != NULL;
  for (int k = 0; k < count && has_part; k++) {
    if (is_persistent) MPI_Startall(window, is_sender ? starts : starts + window);
    for (int w = 0; w < window && !is_persistent; w++) {
      if (is_sender) MPI_Isend(buffer(out, done + w), size, MPI_BYTE, peer, kTag, comm, &requests[w]);
      else MPI_Irecv(buffer(into, done + w), size, MPI_BYTE, peer, kTag, comm, &requests[w]);
    }
    MPI_Waitall(window, !is_persistent ? requests : is_sender ? starts : starts + window, MPI_STATUSES_IGNORE);
    for (int w = 0; w < window && settings.is_touched && !is_sender; w++) touch(buffer(into, done + w));
    done += window;
    acknowledge();
  }
  if (has_part && !is_sender) verify();
}

static void run_both_ways(int count) {
  int window = settings.window, is_persistent = starts != NULL;
  for (int k = 0; k < count && has_part; k++) {
    if (is_persistent) MPI_Startall(2 * window, starts);
    for (int w = 0; w < window && !is_persistent; w++)
      MPI_Irecv(buffer(into, done + w), size, MPI_BYTE, peer, kTag, comm, &requests[w]);
    for (int w = 0; w < window && !is_persistent; w++)
      MPI_Isend(buffer(out, done + w), size, MPI_BYTE, peer, kTag, comm, &requests[window + w]);
    MPI_Waitall(2 * window, is_persistent ? starts : requests, MPI_STATUSES_IGNORE);
    for (int w = 0; w < window && settings.is_touched; w++) touch(buffer(into, done + w));
    done += window;
  }
  if (has_part) verify();
}

static struct operation pair_operation(const char *stem, int is_persistent) {
  int is_pairs = strcmp(stem, "multi_lat") == 0 || strcmp(stem, "mbw_mr") == 0, half = is_pairs ? ranks / 2 : 1;
  int window = settings.window;
  is_sender = rank < half;
  has_part = rank < 2 * half;
  peer = is_sender ? rank + half : rank - half;
  create_buffers();
  requests = malloc(sizeof(MPI_Request) * 2 * window);
  starts = NULL;
  if (is_persistent && has_part) {
    starts = malloc(sizeof(MPI_Request) * 2 * window);
    for (int w = 0; w < window; w++) {
      MPI_Send_init(buffer(out, w), size, MPI_BYTE, peer, kTag, comm, &starts[w]);
      MPI_Recv_init(buffer(into, w), size, MPI_BYTE, peer, kTag, comm, &starts[window + w]);
    }
  }
  if (strstr(stem, "bw") == NULL) {
    double messages = fmax(10, fmin(20000, floor(2e8 / (size + 10000.0))));
    void (*run)(int) = strcmp(stem, "latency") == 0 && is_persistent ? run_latency_persistent : run_latency;
    return (struct operation){run, 2, has_part, 0, (int)messages, is_pairs ? kMean : kRankZero, NULL};
  }
  double windows = fmax(2, fmin(500, floor(4e8 / ((size + 2000.0) * window))));
  if (strcmp(stem, "bibw") == 0) return (struct operation){run_both_ways, 2 * window, 1, 0, (int)windows, kRankZero, NULL};
  return (struct operation){run_bandwidth, window, is_sender, 0, (int)windows, is_pairs ? kSlowest : kRankZero, NULL};
}

static void free_pair(void) {
  for (int w = 0; starts != NULL && w < 2 * settings.window; w++) MPI_Request_free(&starts[w]);
  free(starts);
  free(requests);
  free(out);
  free(into);
}
