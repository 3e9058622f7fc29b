/* Native threads that only wait: see the header. */

#include "thread.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

int start_small_thread(pthread_t *thread, void *(*run)(void *), void *data) {
  pthread_attr_t attributes;
  int error = pthread_attr_init(&attributes);
  if (error != 0) return error;
  long minimum = sysconf(_SC_THREAD_STACK_MIN);
  size_t stack = minimum > 32768 ? (size_t)minimum : 32768;
  sigset_t all, previous;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &previous);
  /* Thread-local memory comes out of the stack: where it is large, the C library refuses a small one. */
  for (error = EINVAL; error == EINVAL && stack <= 1 << 20; stack *= 2) {
    pthread_attr_setstacksize(&attributes, stack);
    error = pthread_create(thread, &attributes, run, data);
  }
  pthread_sigmask(SIG_SETMASK, &previous, NULL);
  pthread_attr_destroy(&attributes);
  return error;
}
