/*
 * Connections: queue pairs by rdma_cm, their rings of buffers, and work requests.
 *
 * Rules that hold on every kind of device: reliable-connected queue pairs only, no shared receive queue, no inline data, one
 * part a work request, receives posted before the connection is asked for or accepted. Sends are signalled where the caller
 * says so; a completion of one stands for all sends before it.
 *
 *     ring:   [receive buffer 0] ... [receive buffer n - 1] [memory of send buffers, by offset]
 */

#include "rdma.h"

#ifdef TSMPI_HAS_VERBS

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of a packet that nobody acknowledges: the most but one, since Soft-RoCE takes the most (7) for ever. */
enum { kResolveMs = 2000, kRetries = 6 };

/* Work requests carry what they are and whose in their id: a failed completion says nothing else. */
static uint64_t work_id(enum work_kind kind, int32_t connection, int32_t id) {
  return (uint64_t)kind << 56 | (uint64_t)(uint32_t)connection << 32 | (uint32_t)id;
}

/* Make the connection of an id, with a number of its own; NULL: there is no room for it. */
static struct connection *make_connection(struct port *port, struct rdma_cm_id *id) {
  struct connection *connection = calloc(1, sizeof *connection);
  if (connection == NULL) return NULL;
  connection->port = port;
  connection->id = id;
  connection->queue = -1;
  connection->number = keep_connection(connection);
  if (connection->number < 0) {
    free(connection);
    return NULL;
  }
  id->context = connection;
  return connection;
}

/* (port, host, port number): begin to find the way there. Return the connection's number or -errno. */
napi_value rdma_dial(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(3);
  struct sockaddr_storage address;
  int error;
  struct port *port = read_port(env, arguments[0]);
  if (port == NULL) return NULL;
  if (!read_ipv4(env, arguments[1], arguments[2], &address, &error)) return error == 0 ? NULL : make_int32(env, error);
  struct rdma_cm_id *id;
  if (verbs.rdma_create_id_(port->events, &id, NULL, RDMA_PS_TCP) != 0) return make_int32(env, -errno);
  struct connection *connection = make_connection(port, id);
  int outcome = connection == NULL ? -ENOMEM : 0;
  if (outcome == 0) {
    /* From the port's own address, so that it is the port's device. */
    struct sockaddr_in from;
    memcpy(&from, &port->listener->route.addr.src_sin, sizeof from);
    from.sin_port = 0;
    if (verbs.rdma_resolve_addr_(id, (struct sockaddr *)&from, (struct sockaddr *)&address, kResolveMs) != 0) outcome = -errno;
  }
  if (outcome == 0) return make_int32(env, connection->number);
  if (connection != NULL) forget_connection(connection->number);
  free(connection);
  verbs.rdma_destroy_id_(id);
  return make_int32(env, outcome);
}

/* (connection): the address is resolved; find the route. 0 or -errno. */
napi_value rdma_find_route(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  int32_t number;
  struct connection *connection = read_connection(env, arguments[0], &number);
  if (connection == NULL) return NULL;
  return make_int32(env, verbs.rdma_resolve_route_(connection->id, kResolveMs) == 0 ? 0 : -errno);
}

/* Find a completion queue with that much room, or make one. Return its index or -errno. */
static int take_queue(struct port *port, int depth) {
  for (int index = 0; index < port->queue_count; index++) {
    if (port->queues[index].used + depth > port->queue_capacity) continue;
    port->queues[index].used += depth;
    return index;
  }
  if (port->queue_count == kMaxQueues || depth > port->queue_capacity) return -ENOSPC;
  struct queue *queue = &port->queues[port->queue_count];
  queue->cq = verbs.ibv_create_cq_(port->listener->verbs, port->queue_capacity, port, port->completions, 0);
  if (queue->cq == NULL) return -errno;
  queue->used = depth;
  return port->queue_count++;
}

static int post_receive(struct connection *connection, int32_t number, uint32_t slot) {
  struct ibv_sge part = {.addr = (uintptr_t)(connection->ring_start + (size_t)slot * connection->slot_byte_length),
                         .length = connection->slot_byte_length,
                         .lkey = connection->ring->lkey};
  struct ibv_recv_wr work = {.wr_id = work_id(kReceive, number, (int32_t)slot), .sg_list = &part, .num_sge = 1};
  struct ibv_recv_wr *bad;
  struct ibv_qp *qp = connection->id->qp;
  verbs_counters[kCountReceive]++;
  return -qp->context->ops.post_recv(qp, &work, &bad);
}

/*
 * (connection, ring, bytes of a buffer, receive buffers, depth of sends): make the queue pair and post all receives.
 * 0 or -errno.
 */
napi_value rdma_prepare(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(5);
  int32_t number, slot_byte_length, receive_count, send_depth;
  struct bytes ring;
  struct connection *connection = read_connection(env, arguments[0], &number);
  if (connection == NULL || !read_bytes(env, arguments[1], "ring", &ring) ||
      !read_int32(env, arguments[2], "bufferBytes", &slot_byte_length) ||
      !read_int32(env, arguments[3], "receiveCount", &receive_count) ||
      !read_int32(env, arguments[4], "sendDepth", &send_depth) ||
      !check_range(env, &ring, "ring", 0, (uint64_t)slot_byte_length * (uint64_t)receive_count)) {
    return NULL;
  }
  struct port *port = connection->port;
  if (connection->id->verbs != port->listener->verbs) return make_int32(env, -EXDEV);
  int depth = receive_count + send_depth;
  int queue = take_queue(port, depth);
  if (queue < 0) return make_int32(env, queue);
  connection->queue = queue;
  connection->depth = depth;
  struct ibv_qp_init_attr attributes = {
      .qp_context = connection,
      .send_cq = port->queues[queue].cq,
      .recv_cq = port->queues[queue].cq,
      .cap = {.max_send_wr = (uint32_t)send_depth,
              .max_recv_wr = (uint32_t)receive_count,
              .max_send_sge = 1,
              .max_recv_sge = 1},
      .qp_type = IBV_QPT_RC,
  };
  if (verbs.rdma_create_qp_(connection->id, port->domain, &attributes) != 0) return make_int32(env, -errno);
  verbs_counters[kCountRegister]++;
  verbs_counters[kCountRegisteredBytes] += ring.length;
  connection->ring = verbs.ibv_reg_mr_(port->domain, ring.start, ring.length, IBV_ACCESS_LOCAL_WRITE);
  if (connection->ring == NULL) return make_int32(env, -errno);
  connection->ring_start = ring.start;
  connection->ring_byte_length = ring.length;
  connection->slot_byte_length = (uint32_t)slot_byte_length;
  connection->receive_count = (uint32_t)receive_count;
  napi_create_reference(env, arguments[1], 1, &connection->ring_reference);
  for (int32_t slot = 0; slot < receive_count; slot++) {
    int outcome = post_receive(connection, number, (uint32_t)slot);
    if (outcome != 0) return make_int32(env, outcome);
  }
  return make_int32(env, 0);
}

/* Read (private data, reads out, reads in, RNR retries) behind the connection. */
static bool read_parameters(napi_env env, const napi_value *arguments, struct rdma_conn_param *parameters) {
  struct bytes data;
  int32_t reads_out, reads_in, rnr_retries;
  if (!read_bytes(env, arguments[1], "privateData", &data) || !read_int32(env, arguments[2], "readsOut", &reads_out) ||
      !read_int32(env, arguments[3], "readsIn", &reads_in) || !read_int32(env, arguments[4], "rnrRetries", &rnr_retries)) {
    return false;
  }
  if (data.length > UINT8_MAX) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "privateData is longer than 255 bytes");
    return false;
  }
  memset(parameters, 0, sizeof *parameters);
  parameters->private_data = data.start;
  parameters->private_data_len = (uint8_t)data.length;
  parameters->initiator_depth = (uint8_t)reads_out;
  parameters->responder_resources = (uint8_t)reads_in;
  parameters->retry_count = kRetries;
  parameters->rnr_retry_count = (uint8_t)rnr_retries;
  return true;
}

/* Ask for a connection or say yes to a request, by that function of librdmacm. 0 or -errno. */
static napi_value agree_on(napi_env env, napi_callback_info info, int (*call)(struct rdma_cm_id *, struct rdma_conn_param *)) {
  READ_ARGUMENTS(5);
  int32_t number;
  struct rdma_conn_param parameters;
  struct connection *connection = read_connection(env, arguments[0], &number);
  if (connection == NULL || !read_parameters(env, arguments, &parameters)) return NULL;
  return make_int32(env, call(connection->id, &parameters) == 0 ? 0 : -errno);
}

/* (connection, private data, reads out, reads in, RNR retries): ask for the connection. */
napi_value rdma_request(napi_env env, napi_callback_info info) {
  return agree_on(env, info, verbs.rdma_connect_);
}

/* The same, to say yes to a request. */
napi_value rdma_accept_request(napi_env env, napi_callback_info info) {
  return agree_on(env, info, verbs.rdma_accept_);
}

/* (connection): say no to a request; some drivers say nothing to the other side. 0 or -errno. */
napi_value rdma_refuse(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  int32_t number;
  struct connection *connection = read_connection(env, arguments[0], &number);
  if (connection == NULL) return NULL;
  return make_int32(env, verbs.rdma_reject_(connection->id, NULL, 0) == 0 ? 0 : -errno);
}

/* (connection): disconnect; its work requests complete, flushed. 0 or -errno. */
napi_value rdma_hang_up(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  int32_t number;
  struct connection *connection = read_connection(env, arguments[0], &number);
  if (connection == NULL) return NULL;
  return make_int32(env, verbs.rdma_disconnect_(connection->id) == 0 ? 0 : -errno);
}

/* (connection): give all of it back. The queue pair goes first: after it the device touches no memory of it. */
napi_value rdma_destroy(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  int32_t number;
  struct connection *connection = read_connection(env, arguments[0], &number);
  if (connection == NULL) return NULL;
  if (connection->id->qp != NULL) verbs.rdma_destroy_qp_(connection->id);
  if (connection->ring != NULL) {
    verbs_counters[kCountDeregister]++;
    verbs.ibv_dereg_mr_(connection->ring);
  }
  if (connection->ring_reference != NULL) napi_delete_reference(env, connection->ring_reference);
  if (connection->queue >= 0) connection->port->queues[connection->queue].used -= connection->depth;
  verbs.rdma_destroy_id_(connection->id);
  forget_connection(number);
  free(connection);
  return NULL;
}

/* Return the connection that an event is about; a request makes one. NULL: it is about the listener, or there is no room. */
static struct connection *connection_of(struct port *port, const struct rdma_cm_event *event) {
  if (event->id == port->listener) return NULL;
  return event->event == RDMA_CM_EVENT_CONNECT_REQUEST ? make_connection(port, event->id) : event->id->context;
}

/*
 * (port): [kind, connection, status, private data, reads out, reads in] of the next event of rdma_cm, or undefined. The
 * connection is -1 where it is about the listener.
 */
napi_value rdma_next_event(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  struct port *port = read_port(env, arguments[0]);
  if (port == NULL) return NULL;
  napi_value result = NULL, data = NULL;
  napi_get_undefined(env, &result);
  struct rdma_cm_event *event;
  if (verbs.rdma_get_cm_event_(port->events, &event) != 0) return result;
  verbs_counters[kCountEvent]++;
  const struct connection *connection = connection_of(port, event);
  struct rdma_cm_id *unwanted = event->event == RDMA_CM_EVENT_CONNECT_REQUEST && connection == NULL ? event->id : NULL;
  const struct rdma_conn_param *parameters = &event->param.conn;
  napi_create_array_with_length(env, 6, &result);
  napi_set_element(env, result, 0, make_int32(env, event->event));
  napi_set_element(env, result, 1, make_int32(env, connection == NULL ? -1 : connection->number));
  napi_set_element(env, result, 2, make_int32(env, event->status));
  if (parameters->private_data == NULL || parameters->private_data_len == 0) napi_get_undefined(env, &data);
  else napi_create_buffer_copy(env, parameters->private_data_len, parameters->private_data, NULL, &data);
  napi_set_element(env, result, 3, data);
  napi_set_element(env, result, 4, make_int32(env, parameters->initiator_depth));
  napi_set_element(env, result, 5, make_int32(env, parameters->responder_resources));
  verbs.rdma_ack_cm_event_(event);
  if (unwanted != NULL) verbs.rdma_destroy_id_(unwanted);
  return result;
}

/* (connection, offset in the ring, byte length, id, signalled): send from the ring. 0 or -errno. */
napi_value rdma_post_send(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(5);
  int32_t number, offset, byte_length, id;
  bool is_signalled;
  struct connection *connection = read_connection(env, arguments[0], &number);
  if (connection == NULL || !read_int32(env, arguments[1], "offset", &offset) ||
      !read_int32(env, arguments[2], "byteLength", &byte_length) || !read_int32(env, arguments[3], "id", &id) ||
      !read_boolean(env, arguments[4], "signalled", &is_signalled)) {
    return NULL;
  }
  if (offset < 0 || byte_length < 0 || (uint32_t)byte_length > connection->slot_byte_length ||
      (uint64_t)offset + (uint64_t)byte_length > connection->ring_byte_length) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "what is sent is longer than a buffer or lies outside the ring");
    return NULL;
  }
  struct ibv_sge part = {.addr = (uintptr_t)(connection->ring_start + offset),
                         .length = (uint32_t)byte_length,
                         .lkey = connection->ring->lkey};
  struct ibv_send_wr work = {.wr_id = work_id(kSend, number, id),
                             .sg_list = &part,
                             .num_sge = 1,
                             .opcode = IBV_WR_SEND,
                             .send_flags = is_signalled ? IBV_SEND_SIGNALED : 0};
  struct ibv_send_wr *bad;
  struct ibv_qp *qp = connection->id->qp;
  verbs_counters[kCountSend]++;
  return make_int32(env, -qp->context->ops.post_send(qp, &work, &bad));
}

/* (connection, buffer): let a receive buffer take the next message. 0 or -errno. */
napi_value rdma_post_receive(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(2);
  int32_t number, slot;
  struct connection *connection = read_connection(env, arguments[0], &number);
  if (connection == NULL || !read_int32(env, arguments[1], "buffer", &slot)) return NULL;
  if (slot < 0 || (uint32_t)slot >= connection->receive_count) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "there is no such receive buffer");
    return NULL;
  }
  return make_int32(env, post_receive(connection, number, (uint32_t)slot));
}

/* (connection, region, offset in it, byte length, remote address, remote key, id): always signalled, one part. 0 or -errno. */
static napi_value post_one_sided(napi_env env, napi_callback_info info, enum work_kind kind) {
  READ_ARGUMENTS(7);
  int32_t number, region_number, id;
  uint64_t offset, byte_length, remote_address, remote_key;
  struct connection *connection = read_connection(env, arguments[0], &number);
  if (connection == NULL) return NULL;
  struct region *region = read_region(env, arguments[1], &region_number);
  if (region == NULL || !read_count(env, arguments[2], "offset", &offset) ||
      !read_count(env, arguments[3], "byteLength", &byte_length) ||
      !read_count(env, arguments[4], "remoteAddress", &remote_address) ||
      !read_count(env, arguments[5], "remoteKey", &remote_key) || !read_int32(env, arguments[6], "id", &id)) {
    return NULL;
  }
  struct ibv_mr *memory = region->registration;
  if (offset + byte_length > memory->length || byte_length > UINT32_MAX) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "the bytes lie outside the region");
    return NULL;
  }
  struct ibv_sge part = {.addr = (uintptr_t)memory->addr + offset, .length = (uint32_t)byte_length, .lkey = memory->lkey};
  struct ibv_send_wr work = {.wr_id = work_id(kind, number, id),
                             .sg_list = &part,
                             .num_sge = 1,
                             .opcode = kind == kRead ? IBV_WR_RDMA_READ : IBV_WR_RDMA_WRITE,
                             .send_flags = IBV_SEND_SIGNALED,
                             .wr.rdma = {.remote_addr = remote_address, .rkey = (uint32_t)remote_key}};
  struct ibv_send_wr *bad;
  struct ibv_qp *qp = connection->id->qp;
  verbs_counters[kind == kRead ? kCountRead : kCountWrite]++;
  return make_int32(env, -qp->context->ops.post_send(qp, &work, &bad));
}

napi_value rdma_post_read(napi_env env, napi_callback_info info) {
  return post_one_sided(env, info, kRead);
}

napi_value rdma_post_write(napi_env env, napi_callback_info info) {
  return post_one_sided(env, info, kWrite);
}

#endif
