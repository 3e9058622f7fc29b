/* Native threads that only wait: they cost little and disturb no signal. */
#ifndef TSMPI_THREAD_H
#define TSMPI_THREAD_H

#include <pthread.h>

/*
 * Start a thread with the smallest stack that the C library takes and all signals blocked, so that handlers keep running
 * on Node's threads. The caller joins or detaches it. 0 or an errno.
 */
int start_small_thread(pthread_t *thread, void *(*run)(void *), void *data);

#endif
