/*
 * A file's pages as a string or as memory, without reading the file: how a rank loads its code (src/load-bundle.mjs).
 *
 * The idea: V8 needs the source of code whose compiled form it has been given, but hardly looks at it. Reading and copying
 * half a megabyte of it cost a rank a tenth of its start (bench/job/start.mjs); pages that nobody looks at cost nothing.
 * Limits: replace such a file by renaming another over it: one that shrinks would end whoever looks at it.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "addon.h"
#include "argument.h"

/* Of Node-API 10. Node has it since 20.4, but its headers show it only to addons that call themselves experimental. */
typedef void (*text_finalizer)(napi_env env, void *data, void *hint);
__attribute__((weak, visibility("default"))) napi_status node_api_create_external_string_latin1(
    napi_env env, char *text, size_t length, text_finalizer finalize, void *hint, napi_value *result, bool *was_copied);

static void unmap_file(napi_env env, void *data, void *hint) {
  (void)env;
  munmap(data, (size_t)(uintptr_t)hint);
}

/* Map a file read-only. Return its start and length, or NULL and -errno in `outcome`. */
static void *map_path(const char *path, int flags, size_t *length, int *outcome) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    *outcome = -errno;
    return NULL;
  }
  struct stat status;
  void *start = NULL;
  if (fstat(fd, &status) != 0) *outcome = -errno;
  else if (status.st_size <= 0 || status.st_size > INT32_MAX) *outcome = -EINVAL;
  else {
    *length = (size_t)status.st_size;
    start = mmap(NULL, *length, PROT_READ, MAP_PRIVATE | flags, fd, 0);
    if (start == MAP_FAILED) {
      *outcome = -errno;
      start = NULL;
    }
  }
  close(fd);
  return start;
}

static bool read_path(napi_env env, napi_value value, char path[PATH_MAX + 2]) {
  size_t length;
  if (napi_get_value_string_utf8(env, value, path, PATH_MAX + 2, &length) == napi_ok) return true;
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "path is not a string");
  return false;
}

static napi_value map_text(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  char path[PATH_MAX + 2];
  if (!read_path(env, arguments[0], path)) return NULL;
  if (node_api_create_external_string_latin1 == NULL) return make_int32(env, -ENOSYS);
  size_t length = 0;
  int outcome = 0;
  char *text = map_path(path, 0, &length, &outcome);
  if (text == NULL) return make_int32(env, outcome);
  napi_value string;
  /* A runtime that copies calls the finalizer at once. */
  bool was_copied = false;
  void *hint = (void *)(uintptr_t)length;
  if (node_api_create_external_string_latin1(env, text, length, unmap_file, hint, &string, &was_copied) == napi_ok) return string;
  munmap(text, length);
  return make_int32(env, -ENOSYS);
}

static napi_value map_bytes(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  char path[PATH_MAX + 2];
  if (!read_path(env, arguments[0], path)) return NULL;
  size_t length = 0;
  int outcome = 0;
  void *start = map_path(path, MAP_POPULATE, &length, &outcome);
  if (start == NULL) return make_int32(env, outcome);
  napi_value buffer;
  void *hint = (void *)(uintptr_t)length;
  if (napi_create_external_arraybuffer(env, start, length, unmap_file, hint, &buffer) == napi_ok) return buffer;
  munmap(start, length);
  return make_int32(env, -ENOSYS);
}

napi_status file_register(napi_env env, napi_value exports) {
  addon_export(env, exports, "mapText", map_text);
  return addon_export(env, exports, "mapBytes", map_bytes);
}
