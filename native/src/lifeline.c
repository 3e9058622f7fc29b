/*
 * The lifeline: a native thread that waits for the hang-up of a pipe whose write end the agent holds, and then kills
 * this process and its whole group, whatever JavaScript does.
 *
 * One per process: mutable state that environments share, kept under one lock. The thread is detached.
 * Limits: the process must lead a group of its own (the agent starts ranks in sessions), since kill(0) takes them all.
 * The watched descriptor stays the caller's; the addon is linked with -z nodelete, so the thread's code stays mapped.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "addon.h"
#include "argument.h"
#include "thread.h"

/* A line that a thread watches. Owned by the thread, which frees it; `current` borrows it until it is stopped. */
struct lifeline {
  int watched;
  int stop_event;
  bool is_stopped;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct lifeline *current;

static void *watch_line(void *data) {
  struct lifeline *line = data;
  struct pollfd polled[2] = {{.fd = line->watched, .events = 0}, {.fd = line->stop_event, .events = POLLIN}};
  for (;;) {
    if (poll(polled, 2, -1) < 0) continue;
    pthread_mutex_lock(&lock);
    if (line->is_stopped) break;
    if ((polled[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) {
      kill(0, SIGKILL);
      _exit(128 + SIGKILL);
    }
    pthread_mutex_unlock(&lock);
  }
  pthread_mutex_unlock(&lock);
  close(line->stop_event);
  free(line);
  return NULL;
}

static int start(int fd) {
  if (current != NULL) return -EALREADY;
  struct lifeline *line = calloc(1, sizeof *line);
  if (line == NULL) return -ENOMEM;
  line->watched = fd;
  line->stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (line->stop_event < 0) {
    int error = errno;
    free(line);
    return -error;
  }
  pthread_t thread;
  int error = start_small_thread(&thread, watch_line, line);
  if (error != 0) {
    close(line->stop_event);
    free(line);
    return -error;
  }
  pthread_detach(thread);
  current = line;
  return 0;
}

static napi_value start_lifeline(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  int32_t fd;
  if (!read_int32(env, arguments[0], "fd", &fd)) return NULL;
  /* A closed descriptor is told to the caller; the thread would take it for a hang-up. */
  struct pollfd probe = {.fd = fd, .events = 0};
  if (fd < 0 || (poll(&probe, 1, 0) > 0 && (probe.revents & POLLNVAL) != 0)) return make_int32(env, -EBADF);
  pthread_mutex_lock(&lock);
  int outcome = start(fd);
  pthread_mutex_unlock(&lock);
  return make_int32(env, outcome);
}

static napi_value stop_lifeline(napi_env env, napi_callback_info info) {
  (void)env;
  (void)info;
  pthread_mutex_lock(&lock);
  if (current != NULL) {
    static const uint64_t kOne = 1;
    current->is_stopped = true;
    /* Only wakes the thread: a fresh eventfd takes one. */
    while (write(current->stop_event, &kOne, sizeof kOne) < 0 && errno == EINTR) continue;
    current = NULL;
  }
  pthread_mutex_unlock(&lock);
  return NULL;
}

napi_status lifeline_register(napi_env env, napi_value exports) {
  addon_export(env, exports, "startLifeline", start_lifeline);
  return addon_export(env, exports, "stopLifeline", stop_lifeline);
}
