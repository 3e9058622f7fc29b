/*
 * The loop watch: an event loop that has control sleeps on the same epoll descriptor as a blocking wait.
 *
 * One turn of the loop:
 *   prepare   raise the sleeping flag; then look at the next cell: published, or the engine polls: do not block (idle)
 *   poll      the doorbell rang: read it empty, remember it
 *   check     lower the flag; call `wake` if it rang, the next cell is published or the polling word is set
 * The flag's store and the mark's load are sequentially consistent and pair with the producer's store of the mark and
 * its load of the flag: at least one side sees the other, so no cell waits while the loop sleeps.
 *
 * Ownership: a watch belongs to its four libuv handles and to the JavaScript object that stands for it, and is freed
 * with the last of them. It holds the segment's ArrayBuffer and `wake` until it is stopped. The environment's end stops
 * it (asynchronous clean-up hook: the handles must be closed before the loop is).
 */

#include "watch.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <uv.h>

#include "addon.h"
#include "argument.h"
#include "park.h"

enum { kHandleCount = 4 };

/* The polling word: any bit makes `wake` run at each turn, this one also keeps the loop from blocking. */
static const int32_t kPollingBusy = 1;

struct watch {
  uv_prepare_t prepare;
  uv_check_t check;
  uv_idle_t idle;
  uv_poll_t poll;
  napi_env env;
  struct addon_state *state;
  napi_async_cleanup_hook_handle hook;
  napi_ref segment;
  napi_ref wake;
  napi_async_context context;
  int32_t *sleeping;
  const int32_t *head;
  const int32_t *polling;
  const uint8_t *cells;
  uint32_t cell_byte_length;
  uint32_t cell_mask;
  int bell;
  bool has_rung;
  int open_handles;
  int holders;
};

bool watch_lies_in(const struct watch *watch, const void *address, size_t byte_length) {
  if (watch == NULL) return false;
  uintptr_t first = (uintptr_t)address;
  uintptr_t place = (uintptr_t)watch->sleeping;
  return place >= first && place - first < byte_length;
}

static bool is_next_cell_published(const struct watch *watch) {
  /* Head and polling word are written by this very thread: no order needed. */
  uint32_t head = (uint32_t)__atomic_load_n(watch->head, __ATOMIC_RELAXED);
  const uint8_t *cell = watch->cells + (size_t)(head & watch->cell_mask) * watch->cell_byte_length;
  /* Pairs with the producer's store of the mark. Unsigned, since the counters wrap. */
  return (uint32_t)__atomic_load_n((const int32_t *)cell, __ATOMIC_SEQ_CST) == head + 1;
}

static int32_t polling_word(const struct watch *watch) {
  return __atomic_load_n(watch->polling, __ATOMIC_RELAXED);
}

static void on_idle(uv_idle_t *handle) {
  (void)handle; /* its presence alone keeps the loop from blocking */
}

static void on_prepare(uv_prepare_t *handle) {
  struct watch *watch = handle->data;
  /* Pairs with the load of the flag by whoever makes work for this rank. */
  __atomic_store_n(watch->sleeping, 1, __ATOMIC_SEQ_CST);
  if ((polling_word(watch) & kPollingBusy) != 0 || is_next_cell_published(watch)) uv_idle_start(&watch->idle, on_idle);
}

static void on_readable(uv_poll_t *handle, int status, int events) {
  (void)events;
  struct watch *watch = handle->data;
  watch->has_rung = true;
  drain_bell(watch->bell);
  /* A descriptor that cannot be watched any more would be reported at every turn. */
  if (status < 0) uv_poll_stop(handle);
}

static void call_wake(struct watch *watch) {
  napi_env env = watch->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value wake, global, result;
  if (napi_get_reference_value(env, watch->wake, &wake) == napi_ok && napi_get_global(env, &global) == napi_ok) {
    /* From here on the watch may be stopped, and freed at the next turn. */
    if (napi_make_callback(env, watch->context, global, wake, 0, NULL, &result) == napi_pending_exception) {
      napi_value error;
      if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
    }
  }
  napi_close_handle_scope(env, scope);
}

static void on_check(uv_check_t *handle) {
  struct watch *watch = handle->data;
  __atomic_store_n(watch->sleeping, 0, __ATOMIC_SEQ_CST);
  uv_idle_stop(&watch->idle);
  bool has_rung = watch->has_rung;
  watch->has_rung = false;
  if (has_rung || polling_word(watch) != 0 || is_next_cell_published(watch)) call_wake(watch);
}

static void release(struct watch *watch) {
  if (--watch->holders == 0) free(watch);
}

static void on_closed(uv_handle_t *handle) {
  struct watch *watch = handle->data;
  if (--watch->open_handles == 0) {
    /* Last: the environment may be gone when this returns. */
    napi_remove_async_cleanup_hook(watch->hook);
    release(watch);
  }
}

void watch_stop(struct watch *watch) {
  if (watch->state->watch != watch) return;
  watch->state->watch = NULL;
  __atomic_store_n(watch->sleeping, 0, __ATOMIC_SEQ_CST);
  napi_delete_reference(watch->env, watch->segment);
  napi_delete_reference(watch->env, watch->wake);
  napi_async_destroy(watch->env, watch->context);
  uv_close((uv_handle_t *)&watch->prepare, on_closed);
  uv_close((uv_handle_t *)&watch->check, on_closed);
  uv_close((uv_handle_t *)&watch->idle, on_closed);
  uv_close((uv_handle_t *)&watch->poll, on_closed);
}

static void on_environment_end(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook; /* removed in on_closed, also when the watch was being closed already */
  watch_stop(data);
}

static void finalize_object(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  release(data);
}

/* Read a byte offset out of the layout and check that `byte_length` bytes lie there. */
static bool read_offset(napi_env env, napi_value layout, const char *name, const struct bytes *segment, uint64_t byte_length,
                        uint64_t *result) {
  napi_value value;
  if (napi_get_named_property(env, layout, name, &value) != napi_ok) return false;
  if (!read_count(env, value, name, result) || !check_range(env, segment, name, *result, byte_length)) return false;
  if (*result % sizeof(int32_t) == 0) return true;
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "an offset of the layout is not a multiple of 4");
  return false;
}

static bool read_layout(napi_env env, napi_value layout, const struct bytes *segment, struct watch *watch) {
  napi_value value;
  uint64_t cell_byte_length, cell_count, offset;
  if (napi_get_named_property(env, layout, "cellByteLength", &value) != napi_ok) {
    bool is_pending = false;
    if (napi_is_exception_pending(env, &is_pending) == napi_ok && !is_pending) {
      napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "layout is not an object");
    }
    return false;
  }
  if (!read_count(env, value, "cellByteLength", &cell_byte_length)) return false;
  if (napi_get_named_property(env, layout, "cellCount", &value) != napi_ok) return false;
  if (!read_count(env, value, "cellCount", &cell_count)) return false;
  if (cell_count == 0 || cell_count > INT32_MAX || (cell_count & (cell_count - 1)) != 0 || cell_byte_length < 4 ||
      cell_byte_length > INT32_MAX || cell_byte_length % 4 != 0) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE",
                           "cellCount is not a power of two or cellByteLength not a multiple of 4");
    return false;
  }
  watch->cell_byte_length = (uint32_t)cell_byte_length;
  watch->cell_mask = (uint32_t)cell_count - 1;
  if (!read_offset(env, layout, "sleepingOffset", segment, 4, &offset)) return false;
  watch->sleeping = (int32_t *)(segment->start + offset);
  if (!read_offset(env, layout, "headOffset", segment, 4, &offset)) return false;
  watch->head = (const int32_t *)(segment->start + offset);
  if (!read_offset(env, layout, "pollingOffset", segment, 4, &offset)) return false;
  watch->polling = (const int32_t *)(segment->start + offset);
  if (!read_offset(env, layout, "cellsOffset", segment, cell_count * cell_byte_length, &offset)) return false;
  watch->cells = segment->start + offset;
  return true;
}

/* Start the handles, none of which keeps the loop alive. 0 or a negative errno, then none is open. */
static int start_handles(struct watch *watch, uv_loop_t *loop, int epoll) {
  /* The only one that can fail comes first, and leaves nothing to close when it does. */
  int outcome = uv_poll_init(loop, &watch->poll, epoll);
  if (outcome != 0) return outcome;
  uv_prepare_init(loop, &watch->prepare);
  uv_check_init(loop, &watch->check);
  uv_idle_init(loop, &watch->idle);
  uv_handle_t *handles[kHandleCount] = {(uv_handle_t *)&watch->prepare, (uv_handle_t *)&watch->check,
                                        (uv_handle_t *)&watch->idle, (uv_handle_t *)&watch->poll};
  for (int index = 0; index < kHandleCount; index++) {
    handles[index]->data = watch;
    uv_unref(handles[index]);
  }
  watch->open_handles = kHandleCount;
  uv_prepare_start(&watch->prepare, on_prepare);
  uv_check_start(&watch->check, on_check);
  uv_poll_start(&watch->poll, UV_READABLE, on_readable);
  return 0;
}

static napi_value start_watch(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(5);
  struct bytes segment;
  int32_t epoll, bell;
  napi_valuetype type;
  if (!read_bytes(env, arguments[0], "segment", &segment) || !read_int32(env, arguments[2], "epoll", &epoll) ||
      !read_int32(env, arguments[3], "bell", &bell)) {
    return NULL;
  }
  if (napi_typeof(env, arguments[4], &type) != napi_ok || type != napi_function) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "wake is not a function");
    return NULL;
  }
  struct addon_state *state = addon_state_of(env);
  if (state->watch != NULL) {
    napi_throw_error(env, "EBUSY", "this environment has a loop watch already");
    return NULL;
  }
  struct watch *watch = calloc(1, sizeof *watch);
  if (watch == NULL) {
    throw_errno(env, "startWatch failed", ENOMEM);
    return NULL;
  }
  watch->env = env;
  watch->state = state;
  watch->bell = bell;
  uv_loop_t *loop = NULL;
  if (!read_layout(env, arguments[1], &segment, watch) || napi_get_uv_event_loop(env, &loop) != napi_ok) {
    free(watch);
    return NULL;
  }
  napi_value object = NULL, name;
  if (napi_create_external(env, watch, finalize_object, NULL, &object) != napi_ok) {
    free(watch);
    napi_throw_error(env, NULL, "the watch's object could not be made");
    return NULL;
  }
  watch->holders = 1; /* the object */
  int outcome = start_handles(watch, loop, epoll);
  if (outcome != 0) {
    throw_errno(env, "startWatch: the epoll descriptor cannot be watched", -outcome);
    return NULL;
  }
  watch->holders++; /* the handles */
  napi_create_string_utf8(env, "tsmpi", NAPI_AUTO_LENGTH, &name);
  napi_async_init(env, NULL, name, &watch->context);
  napi_create_reference(env, arguments[0], 1, &watch->segment);
  napi_create_reference(env, arguments[4], 1, &watch->wake);
  napi_add_async_cleanup_hook(env, on_environment_end, watch, &watch->hook);
  state->watch = watch;
  return object;
}

/* Return the running watch that the object stands for, or NULL: it was stopped, or (with a TypeError) is none. */
static struct watch *running_watch(napi_env env, napi_value object) {
  void *data = NULL;
  if (napi_get_value_external(env, object, &data) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "watch is not what startWatch returned");
    return NULL;
  }
  struct watch *running = addon_state_of(env)->watch;
  /* Compared, not followed: the pointer may be another addon's. */
  return data == running ? running : NULL;
}

static napi_value ref_watch(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(2);
  bool is_referenced;
  struct watch *watch = running_watch(env, arguments[0]);
  if (watch == NULL || !read_boolean(env, arguments[1], "isReferenced", &is_referenced)) return NULL;
  if (is_referenced) uv_ref((uv_handle_t *)&watch->poll);
  else uv_unref((uv_handle_t *)&watch->poll);
  return NULL;
}

static napi_value stop_watch(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  struct watch *watch = running_watch(env, arguments[0]);
  if (watch != NULL) watch_stop(watch);
  return NULL;
}

napi_status watch_register(napi_env env, napi_value exports) {
  addon_export(env, exports, "startWatch", start_watch);
  addon_export(env, exports, "refWatch", ref_watch);
  return addon_export(env, exports, "stopWatch", stop_watch);
}
