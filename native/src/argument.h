/*
 * Reading arguments and making results.
 *
 * Every read_* function returns false with a TypeError or RangeError pending, which names the argument; the caller then
 * returns NULL. Results are borrowed: they are valid until the call of the addon returns.
 */
#ifndef TSMPI_ARGUMENT_H
#define TSMPI_ARGUMENT_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Memory of a typed array, DataView, ArrayBuffer or SharedArrayBuffer. Not owned; `start` is NULL when detached. */
struct bytes {
  uint8_t *start;
  uint64_t length;
};

/* Fetch exactly the arguments that a function takes; those left out read as undefined. */
#define READ_ARGUMENTS(count)                                                     \
  napi_value arguments[count];                                                    \
  do {                                                                            \
    size_t argument_count = (count);                                              \
    napi_get_cb_info(env, info, &argument_count, arguments, NULL, NULL);          \
  } while (0)

bool read_int32(napi_env env, napi_value value, const char *name, int32_t *result);
bool read_boolean(napi_env env, napi_value value, const char *name, bool *result);
/* A count, offset or address: an integer from 0 to 2^53. */
bool read_count(napi_env env, napi_value value, const char *name, uint64_t *result);
/* A distance: an integer that may be negative. */
bool read_stride(napi_env env, napi_value value, const char *name, int64_t *result);
bool read_bytes(napi_env env, napi_value value, const char *name, struct bytes *result);
/* Host, as text, cut off at the capacity, and port from 0 to 65535. */
bool read_host_and_port(napi_env env, napi_value host, napi_value port, char *text, size_t capacity, int32_t *number);
/* Check that [offset, offset + length) lies in the memory. */
bool check_range(napi_env env, const struct bytes *bytes, const char *name, uint64_t offset, uint64_t length);

napi_value make_int32(napi_env env, int32_t value);
napi_value make_number(napi_env env, double value);
/* Return the result of a system call: the value itself, or -errno where it is negative. */
napi_value make_outcome(napi_env env, int64_t value);
/* Throw an Error whose code is the errno's name and whose message says what failed. */
void throw_errno(napi_env env, const char *what, int error);

#endif
