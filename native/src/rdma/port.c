/*
 * Ports: opening a device by an address of it, completion queues, and what wakes a sleeper.
 *
 * Polling is the way of progress. The completion channel's descriptor is a hint: some drivers never write to it, and others
 * one completion late. A completion queue never holds fewer entries than all work requests of its queue pairs, so it cannot
 * overrun; where a device's queues are short, another is made.
 */

#include "rdma.h"

#ifdef TSMPI_HAS_VERBS

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const int kBacklog = 128;
/* Asynchronous events that a port's users are told of. */
enum { kMessageCapacity = 256 };

static void make_nonblocking(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void close_port(napi_env env, struct port *port) {
  for (int index = 0; index < port->queue_count; index++) verbs.ibv_destroy_cq_(port->queues[index].cq);
  if (port->completions != NULL) verbs.ibv_destroy_comp_channel_(port->completions);
  if (port->domain != NULL) verbs.ibv_dealloc_pd_(port->domain);
  if (port->listener != NULL) verbs.rdma_destroy_id_(port->listener);
  if (port->events != NULL) verbs.rdma_destroy_event_channel_(port->events);
  if (port->results_reference != NULL) napi_delete_reference(env, port->results_reference);
  free(port);
}

/* Open step by step. Return the name of the step that failed, with errno as it was; NULL: all is open. */
static const char *open_port(struct port *port, struct sockaddr_storage *address) {
  port->events = verbs.rdma_create_event_channel_();
  if (port->events == NULL) return "rdma_create_event_channel";
  make_nonblocking(port->events->fd);
  if (verbs.rdma_create_id_(port->events, &port->listener, NULL, RDMA_PS_TCP) != 0) return "rdma_create_id";
  if (verbs.rdma_bind_addr_(port->listener, (struct sockaddr *)address) != 0) return "rdma_bind_addr";
  errno = ENODEV;
  if (port->listener->verbs == NULL) return "rdma_bind_addr (the address belongs to no RDMA device)";
  make_nonblocking(port->listener->verbs->async_fd);
  port->domain = verbs.ibv_alloc_pd_(port->listener->verbs);
  if (port->domain == NULL) return "ibv_alloc_pd";
  port->completions = verbs.ibv_create_comp_channel_(port->listener->verbs);
  if (port->completions == NULL) return "ibv_create_comp_channel";
  make_nonblocking(port->completions->fd);
  if (verbs.rdma_listen_(port->listener, kBacklog) != 0) return "rdma_listen";
  return NULL;
}

static napi_value make_text(napi_env env, const char *text) {
  napi_value result = NULL;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &result);
  return result;
}

/* (host, port, queue capacity, results, huge pages): the port's number, or why it could not be opened. */
napi_value rdma_open(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(5);
  struct sockaddr_storage address;
  struct bytes results;
  int32_t capacity;
  bool has_huge_pages;
  int error;
  if (!read_ipv4(env, arguments[0], arguments[1], &address, &error)) {
    return error == 0 ? NULL : make_text(env, "its address is not IPv4");
  }
  if (!read_int32(env, arguments[2], "queueCapacity", &capacity) || !read_bytes(env, arguments[3], "results", &results) ||
      !read_boolean(env, arguments[4], "hugePages", &has_huge_pages)) {
    return NULL;
  }
  const char *problem = verbs_load();
  if (problem != NULL) return make_text(env, problem);
  /* Some drivers find their state by the thread that opened it. */
  if (syscall(SYS_gettid) != getpid()) return make_text(env, "only the main thread of a process may use it");
  int outcome = verbs_fork_init(has_huge_pages);
  char message[kMessageCapacity];
  if (outcome < 0) {
    snprintf(message, sizeof message, "ibv_fork_init: %s", strerror(-outcome));
    return make_text(env, message);
  }
  struct port *port = calloc(1, sizeof *port);
  if (port == NULL) return make_text(env, "no memory");
  port->queue_capacity = capacity;
  port->results = (int32_t *)results.start;
  port->result_limit = (int)(results.length / (kResultWords * sizeof(int32_t)));
  const char *step = open_port(port, &address);
  int number = step == NULL ? keep_port(port) : -1;
  if (step == NULL && number < 0) {
    step = "rdmaOpen";
    errno = EMFILE;
  }
  if (step != NULL) {
    snprintf(message, sizeof message, "%s: %s", step, strerror(errno));
    close_port(env, port);
    return make_text(env, message);
  }
  napi_create_reference(env, arguments[3], 1, &port->results_reference);
  return make_int32(env, number);
}

/* Its connections and regions are gone already. */
napi_value rdma_close_port(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  struct port *port = read_port(env, arguments[0]);
  if (port == NULL) return NULL;
  forget_port(port);
  close_port(env, port);
  return NULL;
}

/*
 * (port): write what completed as [connection, kind | status << 8, id, byte length] into the results, as far as they go.
 * Return how many.
 */
napi_value rdma_poll(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  struct port *port = read_port(env, arguments[0]);
  if (port == NULL) return NULL;
  enum { kBatch = 16 };
  struct ibv_wc batch[kBatch];
  int found = 0;
  for (int index = 0; index < port->queue_count; index++) {
    struct ibv_cq *cq = port->queues[index].cq;
    for (;;) {
      int room = port->result_limit - found;
      if (room == 0) return make_int32(env, found);
      verbs_counters[kCountPoll]++;
      int wanted = room < kBatch ? room : kBatch;
      int count = cq->context->ops.poll_cq(cq, wanted, batch);
      if (count < 0) return make_int32(env, found > 0 ? found : -EIO);
      for (int entry = 0; entry < count; entry++) {
        const struct ibv_wc *completion = &batch[entry];
        int32_t *result = port->results + (size_t)found++ * kResultWords;
        result[0] = (int32_t)(completion->wr_id >> 32) & 0xffffff;
        result[1] = (int32_t)(completion->wr_id >> 56) | (int32_t)completion->status << 8;
        result[2] = (int32_t)completion->wr_id;
        result[3] = (int32_t)completion->byte_len;
      }
      verbs_counters[kCountCompletion] += (uint64_t)count;
      if (count < wanted) break;
    }
  }
  return make_int32(env, found);
}

/* (port): let the next completion write to the channel; what it wrote before is read off. 0 or -errno. */
napi_value rdma_arm(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  struct port *port = read_port(env, arguments[0]);
  if (port == NULL) return NULL;
  struct ibv_cq *cq;
  void *context;
  while (verbs.ibv_get_cq_event_(port->completions, &cq, &context) == 0) verbs.ibv_ack_cq_events_(cq, 1);
  for (int index = 0; index < port->queue_count; index++) {
    cq = port->queues[index].cq;
    verbs_counters[kCountArm]++;
    int outcome = cq->context->ops.req_notify_cq(cq, 0);
    if (outcome != 0) return make_int32(env, -outcome);
  }
  return make_int32(env, 0);
}

/* The connection that an asynchronous event is about; NULL: a whole device or queue. */
static const struct connection *subject_of(const struct ibv_async_event *event) {
  switch (event->event_type) {
    case IBV_EVENT_QP_FATAL:
    case IBV_EVENT_QP_REQ_ERR:
    case IBV_EVENT_QP_ACCESS_ERR:
      return event->element.qp->qp_context;
    default:
      return NULL;
  }
}

/* (port): [number, words, connection or -1] of the next asynchronous event of its device, or undefined. */
napi_value rdma_async_event(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  struct port *port = read_port(env, arguments[0]);
  if (port == NULL) return NULL;
  struct ibv_async_event event;
  napi_value result = NULL;
  if (verbs.ibv_get_async_event_(port->listener->verbs, &event) != 0) {
    napi_get_undefined(env, &result);
    return result;
  }
  const struct connection *connection = subject_of(&event);
  napi_create_array_with_length(env, 3, &result);
  napi_set_element(env, result, 2, make_int32(env, connection == NULL ? -1 : connection->number));
  napi_set_element(env, result, 0, make_int32(env, event.event_type));
  napi_set_element(env, result, 1, make_text(env, verbs.ibv_event_type_str_(event.event_type)));
  verbs.ibv_ack_async_event_(&event);
  return result;
}

/* (status of a completion): it in words. */
napi_value rdma_status_text(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  int32_t status;
  if (!read_int32(env, arguments[0], "status", &status)) return NULL;
  return make_text(env, verbs.ibv_wc_status_str_((enum ibv_wc_status)status));
}

#endif
