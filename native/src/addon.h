/*
 * State of one environment (the main thread's or a worker thread's) and the parts that register functions with it.
 *
 * Ownership: an addon_state belongs to whoever holds it: the environment's instance data and every mapping that still
 * has an ArrayBuffer. The last holder frees it. All holders live on the environment's thread, so nothing here is locked.
 * No other mutable state exists but the lifeline, which is one per process (lifeline.c).
 */
#ifndef TSMPI_ADDON_H
#define TSMPI_ADDON_H

#include <node_api.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of an inbox cell; src/segment/layout.ts holds the same number, a test compares them. */
#define TSMPI_CELL_BYTE_LENGTH 64

struct mapping;
struct watch;

struct addon_state {
  size_t holders;
  /* Mappings that still have an ArrayBuffer, in no order. */
  struct mapping *mappings;
  /* The loop watch while it runs, else NULL. It owns itself (watch.c). */
  struct watch *watch;
};

void addon_state_acquire(struct addon_state *state);
void addon_state_release(struct addon_state *state);
/* Return the calling environment's state. Borrowed. */
struct addon_state *addon_state_of(napi_env env);

/* Add a function to the exports. */
napi_status addon_export(napi_env env, napi_value exports, const char *name, napi_callback callback);

/* One per concern: add the concern's functions to the exports. */
napi_status segment_register(napi_env env, napi_value exports);
napi_status park_register(napi_env env, napi_value exports);
napi_status watch_register(napi_env env, napi_value exports);
napi_status socket_register(napi_env env, napi_value exports);
napi_status copy_register(napi_env env, napi_value exports);
napi_status file_register(napi_env env, napi_value exports);
napi_status reduce_register(napi_env env, napi_value exports);
napi_status process_register(napi_env env, napi_value exports);
napi_status lifeline_register(napi_env env, napi_value exports);
napi_status exit_register(napi_env env, napi_value exports);
napi_status mates_register(napi_env env, napi_value exports);
napi_status checksum_register(napi_env env, napi_value exports);
napi_status rdma_register(napi_env env, napi_value exports);
napi_status reference_register(napi_env env, napi_value exports);

#endif
