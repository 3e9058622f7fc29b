/*
 * Memory: memfds, shared mappings, page-aligned private memory, and the descriptors that lead to them.
 *
 * The idea: an ArrayBuffer lies over each mapping and owns it. unmap() detaches the ArrayBuffer first, so that a stale
 * view throws instead of touching memory that is gone; the finalizer, which runs later, then finds nothing left to do.
 * Limits: whether the memory can be had at all (cgroup, MemAvailable) is looked at before, in src/segment.
 */

#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "argument.h"
#include "watch.h"

static const size_t kHugePage = 2u << 20;

static napi_value create_memory(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(2);
  char name[128];
  size_t name_length;
  uint64_t byte_length;
  if (napi_get_value_string_utf8(env, arguments[0], name, sizeof name, &name_length) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "name is not a string");
    return NULL;
  }
  if (!read_count(env, arguments[1], "byteLength", &byte_length)) return NULL;
  int fd = memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) return make_int32(env, -errno);
  int outcome = ftruncate(fd, (off_t)byte_length);
  /* A tmpfs that is full lets ftruncate succeed and kills by SIGBUS later: reserve every page now. */
  if (outcome == 0 && byte_length > 0) {
    do {
      outcome = fallocate(fd, 0, 0, (off_t)byte_length);
    } while (outcome != 0 && errno == EINTR);
  }
  if (outcome == 0) return make_int32(env, fd);
  int error = errno;
  close(fd);
  return make_int32(env, -error);
}

static void forget(struct mapping *mapping) {
  for (struct mapping **link = &mapping->state->mappings; *link != NULL; link = &(*link)->next) {
    if (*link != mapping) continue;
    *link = mapping->next;
    return;
  }
}

static void give_back(struct mapping *mapping) {
  if (mapping->address == NULL) return;
  munmap(mapping->address, mapping->byte_length);
  mapping->address = NULL;
}

static void finalize_mapping(napi_env env, void *data, void *hint) {
  (void)env;
  (void)data;
  struct mapping *mapping = hint;
  /* At the environment's end ArrayBuffers go before clean-up hooks run, so a watch may still be looking in. */
  if (mapping->address != NULL && watch_lies_in(mapping->state->watch, mapping->address, mapping->byte_length)) {
    watch_stop(mapping->state->watch);
  }
  give_back(mapping);
  forget(mapping);
  addon_state_release(mapping->state);
  free(mapping);
}

/*
 * Lay an ArrayBuffer over memory. Takes ownership of [address, address + byte_length), on failure too. The ArrayBuffer
 * is `visible_byte_length` long and starts at the address. V8 counts it among what presses for garbage collection.
 */
static napi_value adopt(napi_env env, void *address, size_t byte_length, size_t visible_byte_length) {
  struct mapping *mapping = calloc(1, sizeof *mapping);
  if (mapping == NULL) {
    munmap(address, byte_length);
    throw_errno(env, "mapping failed", ENOMEM);
    return NULL;
  }
  mapping->address = address;
  mapping->byte_length = byte_length;
  mapping->state = addon_state_of(env);
  napi_value buffer = NULL;
  napi_status status = napi_create_external_arraybuffer(env, address, visible_byte_length, finalize_mapping, mapping, &buffer);
  if (status != napi_ok) {
    munmap(address, byte_length);
    free(mapping);
    napi_throw_error(env, "ERR_NO_EXTERNAL_BUFFERS", "this runtime allows no ArrayBuffer over foreign memory");
    return NULL;
  }
  addon_state_acquire(mapping->state);
  mapping->next = mapping->state->mappings;
  mapping->state->mappings = mapping;
  return buffer;
}

static napi_value map(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(2);
  int32_t fd;
  uint64_t byte_length;
  if (!read_int32(env, arguments[0], "fd", &fd) || !read_count(env, arguments[1], "byteLength", &byte_length)) return NULL;
  struct stat status;
  if (fstat(fd, &status) != 0) {
    throw_errno(env, "map: fstat failed", errno);
    return NULL;
  }
  /* Beyond its end the mapping would answer with SIGBUS. */
  if ((uint64_t)status.st_size < byte_length) {
    throw_errno(env, "map: the descriptor holds fewer bytes than wanted", EINVAL);
    return NULL;
  }
  void *address = mmap(NULL, byte_length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) {
    throw_errno(env, "map: mmap failed", errno);
    return NULL;
  }
  return adopt(env, address, byte_length, byte_length);
}

static napi_value allocate(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(2);
  uint64_t wanted;
  bool is_huge;
  if (!read_count(env, arguments[0], "byteLength", &wanted) || !read_boolean(env, arguments[1], "huge", &is_huge)) return NULL;
  if (wanted == 0) {
    napi_value empty = NULL;
    void *nothing;
    napi_create_arraybuffer(env, 0, &nothing, &empty);
    return empty;
  }
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t alignment = is_huge && wanted >= kHugePage ? kHugePage : page;
  size_t byte_length = (wanted + page - 1) & ~(page - 1);
  /* Reserve one alignment more and give back what lies before and behind the aligned part. */
  size_t reserved = byte_length + alignment - page;
  char *start = mmap(NULL, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) {
    throw_errno(env, "allocate: mmap failed", errno);
    return NULL;
  }
  char *aligned = (char *)(((uintptr_t)start + alignment - 1) & ~(uintptr_t)(alignment - 1));
  size_t before = (size_t)(aligned - start);
  if (before > 0) munmap(start, before);
  if (reserved - before > byte_length) munmap(aligned + byte_length, reserved - before - byte_length);
  /* Advice only: a kernel without huge pages refuses, and the memory is as good. */
  if (is_huge) madvise(aligned, byte_length, MADV_HUGEPAGE);
  return adopt(env, aligned, byte_length, wanted);
}

static napi_value unmap(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  void *address = NULL;
  size_t byte_length = 0;
  if (napi_get_arraybuffer_info(env, arguments[0], &address, &byte_length) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "buffer is not an ArrayBuffer");
    return NULL;
  }
  bool is_detached = false;
  napi_is_detached_arraybuffer(env, arguments[0], &is_detached);
  if (is_detached) return NULL;
  struct addon_state *state = addon_state_of(env);
  struct mapping *mapping = state->mappings;
  while (mapping != NULL && (mapping->address == NULL || mapping->address != address)) mapping = mapping->next;
  if (mapping == NULL) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", "buffer is not a mapping of this addon");
    return NULL;
  }
  if (watch_lies_in(state->watch, mapping->address, mapping->byte_length)) {
    napi_throw_error(env, "EBUSY", "the loop watch still looks into this mapping, stop it first");
    return NULL;
  }
  if (napi_detach_arraybuffer(env, arguments[0]) != napi_ok) {
    napi_throw_error(env, NULL, "the ArrayBuffer cannot be detached");
    return NULL;
  }
  give_back(mapping);
  return NULL;
}

static napi_value open_path(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(2);
  char path[PATH_MAX + 2];
  size_t length;
  int32_t flags;
  if (napi_get_value_string_utf8(env, arguments[0], path, sizeof path, &length) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "path is not a string");
    return NULL;
  }
  if (!read_int32(env, arguments[1], "flags", &flags)) return NULL;
  if (length >= PATH_MAX) return make_int32(env, -ENAMETOOLONG);
  return make_outcome(env, open(path, flags | O_CLOEXEC, 0600));
}

static napi_value close_descriptor(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  int32_t fd;
  if (!read_int32(env, arguments[0], "fd", &fd)) return NULL;
  return make_outcome(env, close(fd));
}

napi_status segment_register(napi_env env, napi_value exports) {
  addon_export(env, exports, "createMemory", create_memory);
  addon_export(env, exports, "map", map);
  addon_export(env, exports, "unmap", unmap);
  addon_export(env, exports, "open", open_path);
  addon_export(env, exports, "close", close_descriptor);
  return addon_export(env, exports, "allocate", allocate);
}
