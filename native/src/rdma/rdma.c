/*
 * RDMA by verbs: what JavaScript sees of it (src/native/rdma.ts), and the tables of ports, connections and regions.
 *
 * Without the headers every function is there and throws the reason, which rdmaProblem() tells beforehand.
 */

#include "rdma.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../addon.h"
#include "../argument.h"

static napi_value rdma_problem(napi_env env, napi_callback_info info) {
  (void)info;
  const char *problem = verbs_load();
  napi_value result = NULL;
  if (problem == NULL) napi_get_undefined(env, &result);
  else napi_create_string_utf8(env, problem, NAPI_AUTO_LENGTH, &result);
  return result;
}

/* Write the counters into a Float64Array. */
static napi_value rdma_counters(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  struct bytes into;
  if (!read_bytes(env, arguments[0], "into", &into) ||
      !check_range(env, &into, "into", 0, kCounterCount * sizeof(double))) {
    return NULL;
  }
  for (int index = 0; index < kCounterCount; index++) {
    double value = (double)verbs_counters[index];
    memcpy(into.start + (size_t)index * sizeof value, &value, sizeof value);
  }
  return NULL;
}

#ifdef TSMPI_HAS_VERBS

#include <arpa/inet.h>

static struct port *ports[kMaxPorts];
static struct connection *connections[kMaxConnections];
static struct region *regions[kMaxRegions];
/* Where the search for a free number begins. */
static int next_connection, next_region;

static void *find_number(napi_env env, napi_value value, const char *name, void *const *table, int limit, int32_t *number) {
  if (!read_int32(env, value, name, number)) return NULL;
  if (*number >= 0 && *number < limit && table[*number] != NULL) return table[*number];
  char message[64];
  snprintf(message, sizeof message, "%s %d is not open", name, (int)*number);
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", message);
  return NULL;
}

struct port *read_port(napi_env env, napi_value value) {
  int32_t number;
  return find_number(env, value, "port", (void *const *)ports, kMaxPorts, &number);
}

struct connection *read_connection(napi_env env, napi_value value, int32_t *number) {
  return find_number(env, value, "connection", (void *const *)connections, kMaxConnections, number);
}

struct region *read_region(napi_env env, napi_value value, int32_t *number) {
  return find_number(env, value, "region", (void *const *)regions, kMaxRegions, number);
}

static int keep(void **table, int limit, int *next, void *what) {
  for (int tried = 0; tried < limit; tried++) {
    int number = (*next + tried) % limit;
    if (table[number] != NULL) continue;
    table[number] = what;
    *next = (number + 1) % limit;
    return number;
  }
  return -1;
}

int keep_port(struct port *port) {
  int next = 0;
  return keep((void **)ports, kMaxPorts, &next, port);
}

/* Numbers are not taken again at once: a completion that is late finds nobody. */
int keep_connection(struct connection *connection) {
  return keep((void **)connections, kMaxConnections, &next_connection, connection);
}

int keep_region(struct region *region) {
  return keep((void **)regions, kMaxRegions, &next_region, region);
}

void forget_port(const struct port *port) {
  for (int number = 0; number < kMaxPorts; number++) {
    if (ports[number] == port) ports[number] = NULL;
  }
}

void forget_connection(int number) {
  connections[number] = NULL;
}

void forget_region(int number) {
  regions[number] = NULL;
}

bool read_ipv4(napi_env env, napi_value host, napi_value port, struct sockaddr_storage *address, int *error) {
  char text[kHostCapacity];
  int32_t number;
  *error = 0;
  if (!read_host_and_port(env, host, port, text, sizeof text, &number)) return false;
  struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number)};
  if (inet_pton(AF_INET, text, &ipv4.sin_addr) != 1) {
    *error = -EINVAL;
    return false;
  }
  memset(address, 0, sizeof *address);
  memcpy(address, &ipv4, sizeof ipv4);
  return true;
}

#define FUNCTION(name, callback) {name, callback}
#else

static napi_value without_verbs(napi_env env, napi_callback_info info) {
  (void)info;
  napi_throw_error(env, "ENOSYS", verbs_load());
  return NULL;
}
#define FUNCTION(name, callback) {name, without_verbs}
#endif

static const struct {
  const char *name;
  napi_callback callback;
} kFunctions[] = {
    {"rdmaProblem", rdma_problem},
    {"rdmaCounters", rdma_counters},
    FUNCTION("rdmaDevices", rdma_devices),
    FUNCTION("rdmaDeviceAt", rdma_device_at),
    FUNCTION("rdmaOpen", rdma_open),
    FUNCTION("rdmaDescribePort", rdma_describe_port),
    FUNCTION("rdmaClosePort", rdma_close_port),
    FUNCTION("rdmaPoll", rdma_poll),
    FUNCTION("rdmaArm", rdma_arm),
    FUNCTION("rdmaAsyncEvent", rdma_async_event),
    FUNCTION("rdmaStatusText", rdma_status_text),
    FUNCTION("rdmaDial", rdma_dial),
    FUNCTION("rdmaFindRoute", rdma_find_route),
    FUNCTION("rdmaPrepare", rdma_prepare),
    FUNCTION("rdmaRequest", rdma_request),
    FUNCTION("rdmaAccept", rdma_accept_request),
    FUNCTION("rdmaRefuse", rdma_refuse),
    FUNCTION("rdmaHangUp", rdma_hang_up),
    FUNCTION("rdmaDestroy", rdma_destroy),
    FUNCTION("rdmaNextEvent", rdma_next_event),
    FUNCTION("rdmaPostSend", rdma_post_send),
    FUNCTION("rdmaPostReceive", rdma_post_receive),
    FUNCTION("rdmaPostRead", rdma_post_read),
    FUNCTION("rdmaPostWrite", rdma_post_write),
    FUNCTION("rdmaRegister", rdma_register_memory),
    FUNCTION("rdmaDeregister", rdma_deregister_memory),
};

napi_status rdma_register(napi_env env, napi_value exports) {
  for (size_t index = 0; index < sizeof kFunctions / sizeof *kFunctions; index++) {
    napi_status status = addon_export(env, exports, kFunctions[index].name, kFunctions[index].callback);
    if (status != napi_ok) return status;
  }
  return napi_ok;
}
