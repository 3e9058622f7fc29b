/*
 * The guard of a process's exit: a native thread that ends the process if its exit has come to a standstill.
 *
 * process.exit() joins V8's own threads. One of them that compiles may wait at that moment for a garbage collection of the
 * main thread, which never comes (nodejs/node issue 54918): the process would hang for ever. A process that stands still
 * uses no CPU time; one that writes a profile or tears down much memory does, and is left alone.
 */

#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "addon.h"
#include "argument.h"
#include "thread.h"

/* Looks without CPU time in between after which the exit has come to a standstill. */
#define kStillLooks 8
#define kLookNs (125L * 1000 * 1000)
/* CPU time between two looks up to which nothing has happened: what the look itself takes. */
#define kStillNs (2L * 1000 * 1000)

static int64_t cpu_ns(void) {
  struct timespec time;
  if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) != 0) return 0;
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void *watch_exit(void *data) {
  int code = (int)(intptr_t)data;
  int64_t before = cpu_ns();
  for (int still = 0; still < kStillLooks;) {
    nanosleep(&(struct timespec){.tv_nsec = kLookNs}, NULL);
    int64_t now = cpu_ns();
    still = now - before <= kStillNs ? still + 1 : 0;
    before = now;
  }
  _exit(code);
}

static napi_value guard_exit(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  int32_t code;
  if (!read_int32(env, arguments[0], "code", &code)) return NULL;
  pthread_t thread;
  int error = start_small_thread(&thread, watch_exit, (void *)(intptr_t)code);
  if (error == 0) pthread_detach(thread);
  return make_int32(env, -error);
}

napi_status exit_register(napi_env env, napi_value exports) {
  return addon_export(env, exports, "guardExit", guard_exit);
}
