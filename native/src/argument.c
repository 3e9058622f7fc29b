/* Reading arguments and making results: see the header for the rules. */

#include "argument.h"

#include <errno.h>
#include <stdio.h>
#include <uv.h>

/* Integers up to here are exact in a JavaScript number. */
static const double kMaxCount = 9007199254740992.0;

static bool throw_wrong_type(napi_env env, const char *name, const char *expected) {
  char message[128];
  snprintf(message, sizeof message, "%s is not %s", name, expected);
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
  return false;
}

bool read_int32(napi_env env, napi_value value, const char *name, int32_t *result) {
  if (napi_get_value_int32(env, value, result) == napi_ok) return true;
  return throw_wrong_type(env, name, "a number");
}

bool read_boolean(napi_env env, napi_value value, const char *name, bool *result) {
  if (napi_get_value_bool(env, value, result) == napi_ok) return true;
  return throw_wrong_type(env, name, "a boolean");
}

bool read_count(napi_env env, napi_value value, const char *name, uint64_t *result) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok) return throw_wrong_type(env, name, "a number");
  /* Written so that NaN fails too. */
  if (!(number >= 0 && number <= kMaxCount) || number != (double)(uint64_t)number) {
    char message[128];
    snprintf(message, sizeof message, "%s is %g, expected an integer from 0 to 2^53", name, number);
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", message);
    return false;
  }
  *result = (uint64_t)number;
  return true;
}

bool read_stride(napi_env env, napi_value value, const char *name, int64_t *result) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok) return throw_wrong_type(env, name, "a number");
  if (!(number >= -kMaxCount && number <= kMaxCount) || number != (double)(int64_t)number) {
    char message[128];
    snprintf(message, sizeof message, "%s is %g, expected an integer from -2^53 to 2^53", name, number);
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", message);
    return false;
  }
  *result = (int64_t)number;
  return true;
}

/* Bytes of one element, or 0 for a kind this file does not know. */
static uint64_t element_byte_length(napi_typedarray_type type) {
  switch ((int)type) {
    case napi_int8_array:
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      return 1;
    case napi_int16_array:
    case napi_uint16_array:
    case 11: /* napi_float16_array, which older headers lack */
      return 2;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array:
      return 4;
    case napi_float64_array:
    case napi_bigint64_array:
    case napi_biguint64_array:
      return 8;
    default:
      return 0;
  }
}

/*
 * Before Node 24 Node-API answers nothing about a bare SharedArrayBuffer, but a view over one gives its memory, so make
 * a view. Slow (about a microsecond); callers on a hot path pass views.
 */
static bool read_shared_array_buffer(napi_env env, napi_value value, struct bytes *result) {
  napi_value global, constructor, view;
  bool is_shared = false;
  if (napi_get_global(env, &global) != napi_ok) return false;
  if (napi_get_named_property(env, global, "SharedArrayBuffer", &constructor) != napi_ok) return false;
  if (napi_instanceof(env, value, constructor, &is_shared) != napi_ok || !is_shared) return false;
  if (napi_get_named_property(env, global, "Uint8Array", &constructor) != napi_ok) return false;
  if (napi_new_instance(env, constructor, 1, &value, &view) != napi_ok) return false;
  void *start = NULL;
  size_t length = 0;
  if (napi_get_typedarray_info(env, view, NULL, &length, &start, NULL, NULL) != napi_ok) return false;
  result->start = start;
  result->length = length;
  return true;
}

bool read_bytes(napi_env env, napi_value value, const char *name, struct bytes *result) {
  void *start = NULL;
  size_t length = 0;
  napi_typedarray_type type = (napi_typedarray_type)-1;
  /* Each of these refuses a value of another kind at once, so asking `is` first would only cost a call. */
  if (napi_get_typedarray_info(env, value, &type, &length, &start, NULL, NULL) == napi_ok) {
    uint64_t element = element_byte_length(type);
    if (element == 0) return throw_wrong_type(env, name, "a typed array of a known element type");
    result->start = start;
    result->length = length * element;
    return true;
  }
  if (napi_get_arraybuffer_info(env, value, &start, &length) == napi_ok ||
      napi_get_dataview_info(env, value, &length, &start, NULL, NULL) == napi_ok) {
    result->start = start;
    result->length = length;
    return true;
  }
  if (read_shared_array_buffer(env, value, result)) return true;
  bool is_pending = false;
  if (napi_is_exception_pending(env, &is_pending) == napi_ok && is_pending) return false;
  return throw_wrong_type(env, name, "a typed array, DataView, ArrayBuffer or SharedArrayBuffer");
}

bool read_host_and_port(napi_env env, napi_value host, napi_value port, char *text, size_t capacity, int32_t *number) {
  size_t length;
  if (napi_get_value_string_utf8(env, host, text, capacity, &length) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "host is not a string");
    return false;
  }
  if (!read_int32(env, port, "port", number)) return false;
  if (*number >= 0 && *number <= 65535) return true;
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "port is not from 0 to 65535");
  return false;
}

bool check_range(napi_env env, const struct bytes *bytes, const char *name, uint64_t offset, uint64_t length) {
  /* Both are at most 2^53, so the sum cannot wrap. */
  if (offset + length <= bytes->length) return true;
  char message[160];
  snprintf(message, sizeof message, "bytes %llu to %llu lie outside %s, which has %llu bytes", (unsigned long long)offset,
           (unsigned long long)(offset + length), name, (unsigned long long)bytes->length);
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", message);
  return false;
}

napi_value make_int32(napi_env env, int32_t value) {
  napi_value result = NULL;
  napi_create_int32(env, value, &result);
  return result;
}

napi_value make_number(napi_env env, double value) {
  napi_value result = NULL;
  napi_create_double(env, value, &result);
  return result;
}

napi_value make_outcome(napi_env env, int64_t value) {
  return make_number(env, value < 0 ? (double)-errno : (double)value);
}

void throw_errno(napi_env env, const char *what, int error) {
  char message[160];
  snprintf(message, sizeof message, "%s: %s (%s)", what, uv_strerror(-error), uv_err_name(-error));
  napi_throw_error(env, uv_err_name(-error), message);
}
