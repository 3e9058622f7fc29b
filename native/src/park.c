/*
 * Parking on one epoll descriptor, and the doorbells (pipes) that end it.
 *
 * The caller has raised its sleeping flag and looked once more for work before it parks; whoever makes work looks at the
 * flag afterwards and rings. Both orders are kept by the callers (src/segment), not here. A byte that was written before
 * the sleeper came is still in the pipe, so a ring is never lost.
 */

#include "park.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "addon.h"
#include "argument.h"

/* Descriptors looked at in one call; those beyond are still ready at the next. */
#define MAX_EVENTS 8

/* For a set of descriptors that is itself watched by another. */
static const int32_t kNoBell = -1;

void drain_bell(int bell) {
  char bytes[1024];
  ssize_t count;
  do {
    count = read(bell, bytes, sizeof bytes);
  } while (count == (ssize_t)sizeof bytes || (count < 0 && errno == EINTR));
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* epoll_wait that outlives signals: stopping and continuing a process interrupts it even without a handler. */
static int wait_until(int epoll, struct epoll_event *events, int timeout_ms) {
  int64_t deadline_ms = timeout_ms > 0 ? now_ms() + timeout_ms : 0;
  int remaining_ms = timeout_ms;
  for (;;) {
    int count = epoll_wait(epoll, events, MAX_EVENTS, remaining_ms);
    if (count >= 0 || errno != EINTR) return count;
    if (timeout_ms <= 0) continue;
    int64_t left_ms = deadline_ms - now_ms();
    if (left_ms <= 0) return 0;
    remaining_ms = (int)left_ms;
  }
}

static napi_value park(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(3);
  int32_t epoll, bell, timeout_ms;
  if (!read_int32(env, arguments[0], "epoll", &epoll) || !read_int32(env, arguments[1], "bell", &bell) ||
      !read_int32(env, arguments[2], "timeoutMs", &timeout_ms)) {
    return NULL;
  }
  struct epoll_event events[MAX_EVENTS];
  int count = wait_until(epoll, events, timeout_ms < 0 ? -1 : timeout_ms);
  if (count < 0) return make_int32(env, -errno);
  for (int index = 0; index < count; index++) {
    if (events[index].data.fd == bell) drain_bell(bell);
  }
  return make_int32(env, count > 0);
}

static napi_value ring(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  int32_t bell;
  if (!read_int32(env, arguments[0], "bell", &bell)) return NULL;
  static const char kByte = 1;
  for (;;) {
    if (write(bell, &kByte, 1) == 1) return make_int32(env, 0);
    if (errno == EAGAIN) return make_int32(env, 0); /* full: it rings already */
    if (errno != EINTR) return make_int32(env, -errno);
  }
}

static napi_value drain(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  int32_t bell;
  if (read_int32(env, arguments[0], "bell", &bell)) drain_bell(bell);
  return NULL;
}

static napi_value create_epoll(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  int32_t bell;
  if (!read_int32(env, arguments[0], "bell", &bell)) return NULL;
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0 || bell == kNoBell) return make_outcome(env, epoll);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = bell};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, bell, &event) == 0) return make_int32(env, epoll);
  int error = errno;
  close(epoll);
  return make_int32(env, -error);
}

static napi_value make_pipe(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  bool is_non_blocking;
  if (!read_boolean(env, arguments[0], "nonBlocking", &is_non_blocking)) return NULL;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | (is_non_blocking ? O_NONBLOCK : 0)) != 0) return make_int32(env, -errno);
  napi_value pair = NULL;
  napi_create_array_with_length(env, 2, &pair);
  napi_set_element(env, pair, 0, make_int32(env, ends[0]));
  napi_set_element(env, pair, 1, make_int32(env, ends[1]));
  return pair;
}

static napi_value yield(napi_env env, napi_callback_info info) {
  (void)env;
  (void)info;
  sched_yield();
  return NULL;
}

napi_status park_register(napi_env env, napi_value exports) {
  addon_export(env, exports, "pipe", make_pipe);
  addon_export(env, exports, "createEpoll", create_epoll);
  addon_export(env, exports, "park", park);
  addon_export(env, exports, "ring", ring);
  addon_export(env, exports, "drain", drain);
  return addon_export(env, exports, "yield", yield);
}
