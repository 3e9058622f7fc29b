/*
 * Mates: what keeps the ranks of a job together where no agent holds them (srun, mpiexec), whatever JavaScript does.
 *
 *     rank -- line: a pipe -- lowest rank of its host -- socket -- world rank 0, the lowest of its own host
 *
 * The idea: a native thread in each rank watches the other end of its lines and sockets, and its launcher's descriptor. The
 * lowest rank of a host leaves last there, and world rank 0 last of all, so an end that nobody announced is a death. Then
 * each rank that learns of it lets go of its own ends and leaves with code 1; whoever does not follow within two seconds (a
 * stopped process) is the launcher's to kill, by the farewell that is written to it. The thread of the lowest rank also
 * tells other hosts who finalizes and who has departed, writes down what they tell, and finds ranks that wait for one that
 * has departed.
 *
 * On a socket go Int32: a world rank that has departed, kFinalizes less one that finalizes, or kJobEnds. Before a socket
 * is closed in order both sides have said that they send no more, since a close with bytes unread would take back what was
 * sent last.
 *
 * One per process, started, stopped and ended by its main thread; what it looks at in the segment is mapped by itself.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "addon.h"
#include "argument.h"
#include "thread.h"

enum { kJobEnds = -1, kFinalizes = -2, kLookMs = 100, kFollowMs = 2000, kKillMs = 2000 };
/* A host that is silent so long is gone: its kernel answers for ranks that compute. */
static const int kIdleSeconds = 5, kProbeSeconds = 1, kProbes = 5;

/* Numbers that the caller's layout gives: byte offsets, and values of a rank's state. */
struct places {
  int32_t control_offset, control_byte_length, peer_offset, peer_byte_length;
  int32_t state, sleeping, calls, stuck_on, pid, text, peer_state;
  int32_t finalizing_state, departed_state, aborted_state;
};

/* The far end of a line (local: whose it is, host -1) or of a socket (host: which). Closed: fd -1. */
struct end {
  int fd;
  int32_t local, host;
  uint8_t partial[4];
  size_t partial_length;
};

struct ranks {
  int32_t *values;
  size_t count;
};

/* Owned by the main thread, but for the time that the thread runs. All descriptors in it are its own, the launcher's aside. */
struct mates {
  struct places places;
  uint8_t *segment;
  size_t byte_length;
  int32_t local_rank;
  struct ranks local_ranks, host_of_rank;
  /* Write ends of the local ranks' doorbells, where this is the lowest rank of its host; borrowed. */
  struct ranks bells;
  int launcher, own_line, stop_event;
  char farewell[256];
  size_t farewell_length;
  /* States that were told, and what local ranks wait for and how many calls they had made at the last look. */
  int32_t *told, *stuck_on, *stuck_calls;
  struct end *ends;
  size_t end_count;
  struct pollfd *polled;
  pthread_t thread;
};

static struct mates *current;

static _Atomic int32_t *control(const struct mates *mates, int32_t local, int32_t field) {
  size_t offset = (size_t)mates->places.control_offset + (size_t)local * (size_t)mates->places.control_byte_length;
  return (_Atomic int32_t *)(void *)(mates->segment + offset + field);
}

static _Atomic int32_t *peer_state(const struct mates *mates, size_t world_rank) {
  size_t offset = (size_t)mates->places.peer_offset + world_rank * (size_t)mates->places.peer_byte_length;
  return (_Atomic int32_t *)(void *)(mates->segment + offset + mates->places.peer_state);
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Wake the local ranks that sleep. Pairs with the sleeper's store, as everybody's ringing does (src/segment/parking.ts). */
static void wake_all(const struct mates *mates) {
  for (size_t local = 0; local < mates->bells.count; local++) {
    if (atomic_exchange(control(mates, (int32_t)local, mates->places.sleeping), 0) == 0) continue;
    while (write(mates->bells.values[local], "\1", 1) < 0 && errno == EINTR) continue;
  }
}

/* So little goes over a socket that its buffer takes it; where it does not, the other side is gone. */
static void tell(struct mates *mates, int32_t value, const struct end *but) {
  for (size_t index = 0; index < mates->end_count; index++) {
    const struct end *end = &mates->ends[index];
    if (end->fd < 0 || end->host < 0 || end == but) continue;
    while (send(end->fd, &value, sizeof value, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EINTR) continue;
  }
}

static void close_end(struct end *end) {
  if (end->fd >= 0) close(end->fd);
  end->fd = -1;
}

static void say_farewell(const struct mates *mates) {
  if (mates->launcher < 0) return;
  while (write(mates->launcher, mates->farewell, mates->farewell_length) < 0 && errno == EINTR) continue;
}

static size_t poll_ends(struct mates *mates, int timeout_ms) {
  size_t open = 0;
  for (size_t index = 0; index < mates->end_count; index++) {
    const struct end *end = &mates->ends[index];
    mates->polled[index] = (struct pollfd){.fd = end->fd, .events = end->host < 0 ? 0 : POLLIN};
    open += end->fd >= 0;
  }
  struct pollfd *own = &mates->polled[mates->end_count];
  own[0] = (struct pollfd){.fd = mates->stop_event, .events = POLLIN};
  own[1] = (struct pollfd){.fd = mates->launcher, .events = POLLRDHUP};
  if (poll(mates->polled, mates->end_count + 2, timeout_ms) < 0) {
    for (size_t index = 0; index < mates->end_count + 2; index++) mates->polled[index].revents = 0;
  }
  return open;
}

/* Wait until all ends are gone. What still comes is thrown away. True: they are. */
static bool await_ends(struct mates *mates, int patience_ms) {
  int64_t deadline_ms = now_ms() + patience_ms;
  for (;;) {
    int64_t left_ms = deadline_ms - now_ms();
    if (poll_ends(mates, left_ms < 0 ? 0 : left_ms > 50 ? 50 : (int)left_ms) == 0) return true;
    for (size_t index = 0; index < mates->end_count; index++) {
      struct end *end = &mates->ends[index];
      short events = mates->polled[index].revents;
      if (end->fd < 0 || events == 0) continue;
      uint8_t bytes[1024];
      if (end->host < 0 || recv(end->fd, bytes, sizeof bytes, MSG_DONTWAIT) <= 0) close_end(end);
    }
    if (left_ms <= 0) return false;
  }
}

/* Let go of everything, so that the others follow; have the launcher kill those that do not. */
static void part(struct mates *mates) {
  tell(mates, kJobEnds, NULL);
  for (size_t index = 0; index < mates->end_count; index++) {
    if (mates->ends[index].host >= 0 && mates->ends[index].fd >= 0) shutdown(mates->ends[index].fd, SHUT_WR);
  }
  close(mates->own_line);
  mates->own_line = -1;
  if (await_ends(mates, kFollowMs)) return;
  say_farewell(mates);
  await_ends(mates, kKillMs);
}

/* The job ends, and this process with it. The state says that this is a consequence, to those that see its line end. */
static void end_job(struct mates *mates) {
  atomic_store(control(mates, mates->local_rank, mates->places.state), mates->places.aborted_state);
  part(mates);
  _exit(1);
}

static bool has_departed(const struct mates *mates, int32_t local) {
  return atomic_load(control(mates, local, mates->places.state)) == mates->places.departed_state;
}

/* The end of a line: in order where its rank has departed, and where that one stays for this one, where this one has too. */
static void on_line_end(struct mates *mates, struct end *end) {
  int32_t state = atomic_load(control(mates, end->local, mates->places.state));
  close_end(end);
  if (state == mates->places.departed_state && (mates->local_rank == 0 || has_departed(mates, mates->local_rank))) return;
  if (state != mates->places.aborted_state) {
    int32_t pid = atomic_load(control(mates, end->local, mates->places.pid));
    dprintf(STDERR_FILENO, "tsmpi: rank %d (pid %d): died, so the job ends\n", mates->local_ranks.values[end->local], pid);
  }
  end_job(mates);
}

static void on_record(struct mates *mates, const struct end *end, int32_t value) {
  bool finalizes = value <= kFinalizes;
  int32_t rank = finalizes ? kFinalizes - value : value;
  if (rank < 0 || (size_t)rank >= mates->host_of_rank.count) end_job(mates);
  /* Pairs with the loads of ranks (src/runtime). */
  atomic_store(peer_state(mates, (size_t)rank), finalizes ? mates->places.finalizing_state : mates->places.departed_state);
  wake_all(mates);
  tell(mates, value, end);
}

/* The end of a socket: in order where all ranks of its host have departed; world rank 0 stays until all of this one have. */
static void on_socket_end(struct mates *mates, struct end *end) {
  int32_t lowest = -1;
  bool is_order = true;
  for (size_t rank = 0; rank < mates->host_of_rank.count; rank++) {
    if (mates->host_of_rank.values[rank] != end->host) continue;
    if (lowest < 0) lowest = (int32_t)rank;
    if (atomic_load(peer_state(mates, rank)) != mates->places.departed_state) is_order = false;
  }
  for (size_t local = 0; end->host == 0 && local < mates->local_ranks.count; local++) {
    if (!has_departed(mates, (int32_t)local)) is_order = false;
  }
  close_end(end);
  if (is_order) return;
  dprintf(STDERR_FILENO, "tsmpi: rank %d lost the host of rank %d, so the job ends\n",
          mates->local_ranks.values[mates->local_rank], lowest);
  end_job(mates);
}

static void read_socket(struct mates *mates, struct end *end) {
  uint8_t bytes[1024];
  ssize_t count = recv(end->fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    on_socket_end(mates, end);
    return;
  }
  for (ssize_t at = 0; at < count; at++) {
    end->partial[end->partial_length++] = bytes[at];
    if (end->partial_length < sizeof end->partial) continue;
    int32_t value;
    memcpy(&value, end->partial, sizeof value);
    end->partial_length = 0;
    on_record(mates, end, value);
  }
}

/* Tell other hosts who has come to finalize or departed here since the last look. */
static void tell_ends(struct mates *mates) {
  for (size_t local = 0; local < mates->bells.count; local++) {
    int32_t state = atomic_load(control(mates, (int32_t)local, mates->places.state));
    if (state == mates->told[local]) continue;
    mates->told[local] = state;
    int32_t rank = mates->local_ranks.values[local];
    if (state == mates->places.departed_state) tell(mates, rank, NULL);
    else if (state == mates->places.finalizing_state) tell(mates, kFinalizes - rank, NULL);
  }
}

/* A rank that says twice, without a call between, that it waits for one that has departed can never go on. */
static void look_for_stuck(struct mates *mates) {
  for (size_t local = 0; local < mates->bells.count; local++) {
    int32_t stuck_on = atomic_load(control(mates, (int32_t)local, mates->places.stuck_on));
    int32_t calls = atomic_load(control(mates, (int32_t)local, mates->places.calls));
    if (stuck_on != 0 && stuck_on == mates->stuck_on[local] && calls == mates->stuck_calls[local]) {
      const _Atomic int32_t *text = control(mates, (int32_t)local, mates->places.text);
      dprintf(STDERR_FILENO, "tsmpi: rank %d waits for rank %d, which has ended, in %.*s\n", mates->local_ranks.values[local],
              stuck_on - 1, atomic_load(text), (const char *)(text + 1));
      end_job(mates);
    }
    mates->stuck_on[local] = stuck_on;
    mates->stuck_calls[local] = calls;
  }
}

static void *watch_mates(void *data) {
  struct mates *mates = data;
  int64_t look_ms = now_ms();
  for (;;) {
    poll_ends(mates, mates->local_rank == 0 ? kLookMs : -1);
    const struct pollfd *own = &mates->polled[mates->end_count];
    if (own[0].revents != 0) return NULL;
    if (own[1].revents != 0) {
      dprintf(STDERR_FILENO, "tsmpi: rank %d has lost its launcher\n", mates->local_ranks.values[mates->local_rank]);
      mates->launcher = -1;
      end_job(mates);
    }
    for (size_t index = 0; index < mates->end_count; index++) {
      struct end *end = &mates->ends[index];
      if (end->fd < 0 || mates->polled[index].revents == 0) continue;
      if (end->host < 0) on_line_end(mates, end);
      else read_socket(mates, end);
    }
    if (mates->local_rank != 0 || now_ms() < look_ms) continue;
    look_ms = now_ms() + kLookMs;
    tell_ends(mates);
    look_for_stuck(mates);
  }
}

static void destroy(struct mates *mates) {
  for (size_t index = 0; index < mates->end_count; index++) close_end(&mates->ends[index]);
  if (mates->own_line >= 0) close(mates->own_line);
  if (mates->stop_event >= 0) close(mates->stop_event);
  if (mates->segment != NULL) munmap(mates->segment, mates->byte_length);
  free(mates->local_ranks.values);
  free(mates->host_of_rank.values);
  free(mates->bells.values);
  free(mates->told);
  free(mates->stuck_on);
  free(mates->stuck_calls);
  free(mates->ends);
  free(mates->polled);
  free(mates);
}

static bool read_field(napi_env env, napi_value options, const char *name, int32_t *result) {
  napi_value value;
  return napi_get_named_property(env, options, name, &value) == napi_ok && read_int32(env, value, name, result);
}

/* Copy an Int32Array. */
static bool read_ranks(napi_env env, napi_value options, const char *name, struct ranks *result) {
  napi_value value;
  struct bytes bytes;
  if (napi_get_named_property(env, options, name, &value) != napi_ok || !read_bytes(env, value, name, &bytes)) return false;
  result->count = bytes.length / sizeof(int32_t);
  result->values = calloc(result->count + 1, sizeof(int32_t));
  if (result->values == NULL) return napi_throw_error(env, "ENOMEM", "no memory for the watch of mates"), false;
  if (result->count > 0) memcpy(result->values, bytes.start, result->count * sizeof(int32_t));
  return true;
}

static bool read_places(napi_env env, napi_value options, struct places *places) {
  const struct {
    const char *name;
    int32_t *result;
  } fields[] = {
      {"controlOffset", &places->control_offset}, {"controlByteLength", &places->control_byte_length},
      {"peerOffset", &places->peer_offset},       {"peerByteLength", &places->peer_byte_length},
      {"state", &places->state},                  {"sleeping", &places->sleeping},
      {"calls", &places->calls},                  {"stuckOn", &places->stuck_on},
      {"pid", &places->pid},                      {"text", &places->text},
      {"peerState", &places->peer_state},         {"finalizingState", &places->finalizing_state},
      {"departedState", &places->departed_state}, {"abortedState", &places->aborted_state},
  };
  for (size_t index = 0; index < sizeof fields / sizeof *fields; index++) {
    if (!read_field(env, options, fields[index].name, fields[index].result)) return false;
  }
  return true;
}

/* Take the descriptors over: lines as pairs of (descriptor, local rank), sockets as (descriptor, host). */
static bool adopt_ends(napi_env env, napi_value options, struct mates *mates) {
  struct ranks lines = {0}, sockets = {0};
  bool is_read = read_ranks(env, options, "lines", &lines) && read_ranks(env, options, "sockets", &sockets);
  if (is_read) {
    mates->ends = calloc(lines.count + sockets.count + 1, sizeof *mates->ends);
    mates->polled = calloc(lines.count + sockets.count + 3, sizeof *mates->polled);
    if (mates->ends == NULL || mates->polled == NULL) is_read = false, napi_throw_error(env, "ENOMEM", "no memory for the watch of mates");
  }
  for (size_t index = 0; is_read && index + 1 < lines.count; index += 2) {
    mates->ends[mates->end_count++] = (struct end){.fd = lines.values[index], .local = lines.values[index + 1], .host = -1};
  }
  for (size_t index = 0; is_read && index + 1 < sockets.count; index += 2) {
    int fd = sockets.values[index], on = 1;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &kIdleSeconds, sizeof kIdleSeconds);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &kProbeSeconds, sizeof kProbeSeconds);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &kProbes, sizeof kProbes);
    unsigned silence_ms = (unsigned)(kIdleSeconds + kProbeSeconds * kProbes) * 1000;
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms, sizeof silence_ms);
    mates->ends[mates->end_count++] = (struct end){.fd = fd, .local = -1, .host = sockets.values[index + 1]};
  }
  free(lines.values);
  free(sockets.values);
  return is_read;
}

static bool read_options(napi_env env, napi_value options, struct mates *mates) {
  napi_value value;
  int32_t memory, byte_length;
  if (!read_places(env, options, &mates->places) || !read_field(env, options, "memory", &memory) ||
      !read_field(env, options, "byteLength", &byte_length) || !read_field(env, options, "localRank", &mates->local_rank) ||
      !read_field(env, options, "launcher", &mates->launcher) || !read_ranks(env, options, "localRanks", &mates->local_ranks) ||
      !read_ranks(env, options, "hostOfRank", &mates->host_of_rank) || !read_ranks(env, options, "bells", &mates->bells) ||
      napi_get_named_property(env, options, "farewell", &value) != napi_ok ||
      napi_get_value_string_utf8(env, value, mates->farewell, sizeof mates->farewell, &mates->farewell_length) != napi_ok) {
    return false;
  }
  mates->byte_length = (size_t)byte_length;
  void *address = mmap(NULL, mates->byte_length, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  if (address == MAP_FAILED) {
    throw_errno(env, "the segment could not be mapped once more", errno);
    return false;
  }
  mates->segment = address;
  mates->told = calloc(mates->local_ranks.count, sizeof *mates->told);
  mates->stuck_on = calloc(mates->local_ranks.count, sizeof *mates->stuck_on);
  mates->stuck_calls = calloc(mates->local_ranks.count, sizeof *mates->stuck_calls);
  mates->stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (mates->told == NULL || mates->stuck_on == NULL || mates->stuck_calls == NULL || mates->stop_event < 0) {
    napi_throw_error(env, "ENOMEM", "no memory for the watch of mates");
    return false;
  }
  return adopt_ends(env, options, mates) && read_field(env, options, "ownLine", &mates->own_line);
}

static napi_value start_mates(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  if (current != NULL) return make_int32(env, -EALREADY);
  struct mates *mates = calloc(1, sizeof *mates);
  if (mates == NULL) return make_int32(env, -ENOMEM);
  mates->own_line = -1;
  mates->stop_event = -1;
  if (!read_options(env, arguments[0], mates)) {
    destroy(mates);
    return NULL;
  }
  int error = start_small_thread(&mates->thread, watch_mates, mates);
  if (error != 0) destroy(mates);
  else current = mates;
  return make_int32(env, -error);
}

/* End the thread; everything is this one's again. NULL: there was none. */
static struct mates *take_back(void) {
  static const uint64_t kOne = 1;
  struct mates *mates = current;
  if (mates == NULL) return NULL;
  current = NULL;
  while (write(mates->stop_event, &kOne, sizeof kOne) < 0 && errno == EINTR) continue;
  pthread_join(mates->thread, NULL);
  return mates;
}

static napi_value stop_mates(napi_env env, napi_callback_info info) {
  (void)env;
  (void)info;
  struct mates *mates = take_back();
  if (mates == NULL) return NULL;
  tell_ends(mates);
  for (size_t index = 0; index < mates->end_count; index++) {
    struct end *end = &mates->ends[index];
    if (end->host < 0) close_end(end);
    else if (end->fd >= 0) shutdown(end->fd, SHUT_WR);
  }
  await_ends(mates, kKillMs);
  destroy(mates);
  return NULL;
}

static napi_value end_mates(napi_env env, napi_callback_info info) {
  (void)env;
  (void)info;
  struct mates *mates = take_back();
  if (mates == NULL) return NULL;
  part(mates);
  destroy(mates);
  return NULL;
}

napi_status mates_register(napi_env env, napi_value exports) {
  addon_export(env, exports, "startMates", start_mates);
  addon_export(env, exports, "stopMates", stop_mates);
  return addon_export(env, exports, "endMates", end_mates);
}
