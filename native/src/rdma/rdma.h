/*
 * What the files of this folder share: ports, connections, regions, and the tables by which their numbers find them.
 *
 * A port is an RDMA device opened by an address of it: a listener, a protection domain, completion queues and the channels
 * of their events. A connection is one queue pair, with its ring of receive and send buffers. A region is registered memory.
 * Ownership: the tables own all three; each is given back by its own close function, by number. What is registered belongs
 * to JavaScript, which keeps it until the region or the connection is gone; the ring and the results are also held here.
 * Threads: all of it belongs to the process's main thread (rdmaOpen refuses others), so nothing is locked.
 */
#ifndef TSMPI_RDMA_H
#define TSMPI_RDMA_H

#include "verbs.h"

#ifdef TSMPI_HAS_VERBS

#include "../argument.h"

enum {
  kMaxPorts = 16,
  kMaxConnections = 16384,
  kMaxRegions = 65536,
  kMaxQueues = 256,
  /* Words of one result of rdmaPoll. */
  kResultWords = 4,
  kHostCapacity = 64,
};

/* What a work request was; in the top byte of its id, since a failed completion says nothing else. */
enum work_kind { kSend, kReceive, kRead, kWrite };

/* A completion queue takes as many connections as its capacity holds all work requests of. */
struct queue {
  struct ibv_cq *cq;
  int used;
};

struct port {
  struct rdma_event_channel *events;
  struct rdma_cm_id *listener;
  struct ibv_pd *domain;
  struct ibv_comp_channel *completions;
  struct queue queues[kMaxQueues];
  int queue_count;
  int queue_capacity;
  /* Where rdmaPoll writes. */
  int32_t *results;
  int result_limit;
  napi_ref results_reference;
};

struct connection {
  int number;
  struct port *port;
  struct rdma_cm_id *id;
  int queue;
  int depth;
  struct ibv_mr *ring;
  uint8_t *ring_start;
  uint32_t slot_byte_length;
  uint32_t receive_count;
  uint64_t ring_byte_length;
  napi_ref ring_reference;
};

struct region {
  struct ibv_mr *registration;
};

/* Read a number and find what it stands for. NULL: a RangeError or TypeError is pending. */
struct port *read_port(napi_env env, napi_value value);
struct connection *read_connection(napi_env env, napi_value value, int32_t *number);
struct region *read_region(napi_env env, napi_value value, int32_t *number);

/* Take a free number for it; -1: there is none. */
int keep_port(struct port *port);
int keep_connection(struct connection *connection);
int keep_region(struct region *region);
void forget_port(const struct port *port);
void forget_connection(int number);
void forget_region(int number);

/* Read IPv4 host and port. False: *error is a negative errno, or 0 with an exception pending. */
bool read_ipv4(napi_env env, napi_value host, napi_value port, struct sockaddr_storage *address, int *error);

napi_value rdma_devices(napi_env env, napi_callback_info info);
napi_value rdma_device_at(napi_env env, napi_callback_info info);
napi_value rdma_open(napi_env env, napi_callback_info info);
napi_value rdma_describe_port(napi_env env, napi_callback_info info);
napi_value rdma_close_port(napi_env env, napi_callback_info info);
napi_value rdma_poll(napi_env env, napi_callback_info info);
napi_value rdma_arm(napi_env env, napi_callback_info info);
napi_value rdma_async_event(napi_env env, napi_callback_info info);
napi_value rdma_status_text(napi_env env, napi_callback_info info);
napi_value rdma_dial(napi_env env, napi_callback_info info);
napi_value rdma_find_route(napi_env env, napi_callback_info info);
napi_value rdma_prepare(napi_env env, napi_callback_info info);
napi_value rdma_request(napi_env env, napi_callback_info info);
napi_value rdma_accept_request(napi_env env, napi_callback_info info);
napi_value rdma_refuse(napi_env env, napi_callback_info info);
napi_value rdma_hang_up(napi_env env, napi_callback_info info);
napi_value rdma_destroy(napi_env env, napi_callback_info info);
napi_value rdma_next_event(napi_env env, napi_callback_info info);
napi_value rdma_post_send(napi_env env, napi_callback_info info);
napi_value rdma_post_receive(napi_env env, napi_callback_info info);
napi_value rdma_post_read(napi_env env, napi_callback_info info);
napi_value rdma_post_write(napi_env env, napi_callback_info info);
napi_value rdma_register_memory(napi_env env, napi_callback_info info);
napi_value rdma_deregister_memory(napi_env env, napi_callback_info info);

#endif
#endif
