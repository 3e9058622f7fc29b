/*
 * RDMA devices of this host: what there is and what each says of itself.
 *
 * A driver's attributes may be constants that mean little (a port that is always active, no limits): they are reported, and
 * users keep bounds of their own. Whether a device works is known by a connection only.
 */

#include "rdma.h"

#ifdef TSMPI_HAS_VERBS

#include <errno.h>
#include <string.h>

static void set_number(napi_env env, napi_value object, const char *name, double value) {
  napi_set_named_property(env, object, name, make_number(env, value));
}

static void set_text(napi_env env, napi_value object, const char *name, const char *text) {
  napi_value value;
  if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) == napi_ok) {
    napi_set_named_property(env, object, name, value);
  }
}

/* The function of that name fills an older and shorter structure, which has all that is asked for here. */
static int query_port(struct ibv_context *context, struct ibv_port_attr *port) {
  memset(port, 0, sizeof *port);
  return verbs.ibv_query_port_(context, 1, (struct _compat_ibv_port_attr *)port);
}

static const char *node_name(enum ibv_node_type type) {
  return type == IBV_NODE_RNIC ? "iwarp" : type == IBV_NODE_CA ? "infiniband" : "other";
}

static const char *link_name(uint8_t layer) {
  return layer == IBV_LINK_LAYER_ETHERNET ? "ethernet" : layer == IBV_LINK_LAYER_INFINIBAND ? "infiniband" : "unspecified";
}

/* Return what a device says of itself, or NULL where it says nothing. */
static napi_value describe(napi_env env, struct ibv_context *context) {
  struct ibv_device_attr device;
  struct ibv_port_attr port;
  if (verbs.ibv_query_device_(context, &device) != 0 || query_port(context, &port) != 0) return NULL;
  napi_value object;
  if (napi_create_object(env, &object) != napi_ok) return NULL;
  set_text(env, object, "name", verbs.ibv_get_device_name_(context->device));
  set_text(env, object, "nodeType", node_name(context->device->node_type));
  set_text(env, object, "linkLayer", link_name(port.link_layer));
  set_text(env, object, "firmware", device.fw_ver);
  set_number(env, object, "vendorId", device.vendor_id);
  set_number(env, object, "partId", device.vendor_part_id);
  set_number(env, object, "portState", port.state);
  set_number(env, object, "maxMessage", port.max_msg_sz);
  set_number(env, object, "maxWorkRequests", device.max_qp_wr);
  set_number(env, object, "maxCompletions", device.max_cqe);
  set_number(env, object, "maxRegions", device.max_mr);
  set_number(env, object, "maxRegionBytes", (double)device.max_mr_size);
  set_number(env, object, "maxParts", device.max_sge);
  set_number(env, object, "maxReadsIn", device.max_qp_rd_atom);
  set_number(env, object, "maxReadsOut", device.max_qp_init_rd_atom);
  return object;
}

napi_value rdma_devices(napi_env env, napi_callback_info info) {
  (void)info;
  if (verbs_load() != NULL) return make_int32(env, -ENOSYS);
  int count = 0;
  struct ibv_device **list = verbs.ibv_get_device_list_(&count);
  if (list == NULL) return make_int32(env, errno == 0 ? -ENODEV : -errno);
  napi_value result;
  napi_create_array(env, &result);
  uint32_t found = 0;
  for (int index = 0; index < count; index++) {
    struct ibv_context *context = verbs.ibv_open_device_(list[index]);
    if (context == NULL) continue;
    napi_value object = describe(env, context);
    if (object != NULL) napi_set_element(env, result, found++, object);
    verbs.ibv_close_device_(context);
  }
  verbs.ibv_free_device_list_(list);
  return result;
}

/* The name of the device that an address of this host belongs to, or -errno. */
napi_value rdma_device_at(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  struct sockaddr_storage address;
  int error;
  if (!read_ipv4(env, arguments[0], make_int32(env, 0), &address, &error)) return error == 0 ? NULL : make_int32(env, error);
  if (verbs_load() != NULL) return make_int32(env, -ENOSYS);
  struct rdma_event_channel *channel = verbs.rdma_create_event_channel_();
  if (channel == NULL) return make_int32(env, -errno);
  struct rdma_cm_id *id = NULL;
  napi_value result = NULL;
  int outcome = verbs.rdma_create_id_(channel, &id, NULL, RDMA_PS_TCP);
  if (outcome == 0) outcome = verbs.rdma_bind_addr_(id, (struct sockaddr *)&address);
  if (outcome != 0) result = make_int32(env, -errno);
  else if (id->verbs == NULL) result = make_int32(env, -ENODEV);
  else napi_create_string_utf8(env, verbs.ibv_get_device_name_(id->verbs->device), NAPI_AUTO_LENGTH, &result);
  if (id != NULL) verbs.rdma_destroy_id_(id);
  verbs.rdma_destroy_event_channel_(channel);
  return result;
}

/* What the device of an open port says, with where it listens and the descriptors to watch. */
napi_value rdma_describe_port(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  struct port *port = read_port(env, arguments[0]);
  if (port == NULL) return NULL;
  napi_value object = describe(env, port->listener->verbs);
  if (object == NULL) return make_int32(env, -EIO);
  set_number(env, object, "port", ntohs(verbs.rdma_get_src_port_(port->listener)));
  set_number(env, object, "eventsFd", port->events->fd);
  set_number(env, object, "completionsFd", port->completions->fd);
  set_number(env, object, "asyncFd", port->listener->verbs->async_fd);
  return object;
}

#endif
