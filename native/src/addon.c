/*
 * Entry of the addon: called once in each environment that loads it.
 *
 * One binary serves Node 20 to 26 (Node-API 9), the main thread and worker threads. Each part of the interface that
 * src/native/addon.ts describes lies in a file of its own and registers its functions here.
 */

#include "addon.h"

#include <stdlib.h>
#include <unistd.h>

/* Hash of sources and flags, by which native/build.mjs knows whether this binary is up to date. It reads the file's bytes. */
#ifndef TSMPI_BUILD_KEY
#define TSMPI_BUILD_KEY "unknown"
#endif
__attribute__((used)) static const char build_key[] = "tsmpi-build-key:" TSMPI_BUILD_KEY;

void addon_state_acquire(struct addon_state *state) {
  state->holders++;
}

void addon_state_release(struct addon_state *state) {
  if (--state->holders == 0) free(state);
}

struct addon_state *addon_state_of(napi_env env) {
  void *state = NULL;
  napi_get_instance_data(env, &state);
  return state;
}

static void finalize_state(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  addon_state_release(data);
}

napi_status addon_export(napi_env env, napi_value exports, const char *name, napi_callback callback) {
  napi_value function;
  napi_status status = napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, NULL, &function);
  if (status != napi_ok) return status;
  return napi_set_named_property(env, exports, name, function);
}

static napi_status export_constants(napi_env env, napi_value exports) {
  napi_value constants, value;
  napi_status status = napi_create_object(env, &constants);
  if (status != napi_ok) return status;
  napi_create_int32(env, TSMPI_CELL_BYTE_LENGTH, &value);
  napi_set_named_property(env, constants, "cellByteLength", value);
  napi_set_named_property(env, exports, "constants", constants);
  napi_create_double(env, (double)sysconf(_SC_PAGESIZE), &value);
  return napi_set_named_property(env, exports, "pageByteLength", value);
}

NAPI_MODULE_INIT() {
  struct addon_state *state = calloc(1, sizeof *state);
  if (state == NULL) {
    napi_throw_error(env, "ENOMEM", "no memory for the addon's state");
    return NULL;
  }
  state->holders = 1;
  if (napi_set_instance_data(env, state, finalize_state, NULL) != napi_ok) {
    free(state);
    napi_throw_error(env, NULL, "the environment takes no instance data");
    return NULL;
  }
  if (export_constants(env, exports) != napi_ok || segment_register(env, exports) != napi_ok ||
      park_register(env, exports) != napi_ok || watch_register(env, exports) != napi_ok ||
      socket_register(env, exports) != napi_ok || copy_register(env, exports) != napi_ok || file_register(env, exports) != napi_ok ||
      reduce_register(env, exports) != napi_ok || process_register(env, exports) != napi_ok ||
      lifeline_register(env, exports) != napi_ok || exit_register(env, exports) != napi_ok || mates_register(env, exports) != napi_ok ||
      checksum_register(env, exports) != napi_ok || rdma_register(env, exports) != napi_ok ||
      reference_register(env, exports) != napi_ok) {
    napi_throw_error(env, NULL, "the addon's functions could not be registered");
    return NULL;
  }
  return exports;
}
