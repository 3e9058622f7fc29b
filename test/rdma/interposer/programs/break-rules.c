/* break-rules ADDRESS RULE: connects two queue pairs of this process over the device with that address, exchanges messages by
 * SEND, WRITE and READ by all the rules, then breaks the one that is named, which the interposer must not survive. Ends with
 * 0 when all went well, with 3 when the device failed, with 4 when a rule was broken and nobody said so.
 *
 * `good N`     N rounds, all bytes checked
 * `failure`    rounds until a completion fails; prints its status
 * `regions`    registrations until one fails; prints how many there were
 * `order N`    N SENDs on each of four connections; prints the order in which they completed
 */
#include <arpa/inet.h>
#include <infiniband/verbs.h>
#include <poll.h>
#include <pthread.h>
#include <rdma/rdma_cma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kBytes = 4096, kDepth = 8, kPort = 7471 };

struct End {
  struct rdma_cm_id *id;
  struct ibv_cq *cq;
  struct ibv_mr *mr;
  uint8_t *memory; /* to send, to receive, to be written or read */
  int posted;
};

static const char *address, *rule;
static struct rdma_event_channel *channel;
static struct ibv_pd *pd;

static int is(const char *name) { return strcmp(rule, name) == 0; }

__attribute__((noreturn)) static void fail(const char *what) {
  fprintf(stderr, "device failed: %s\n", what);
  exit(3);
}

static struct rdma_cm_event *event(enum rdma_cm_event_type type) {
  struct pollfd ready = {channel->fd, POLLIN, 0};
  if (poll(&ready, 1, 20000) != 1) fail(rdma_event_str(type));
  struct rdma_cm_event *told;
  if (rdma_get_cm_event(channel, &told) != 0) fail("rdma_get_cm_event");
  if (told->event != type) fail(rdma_event_str(told->event));
  return told;
}

static struct rdma_cm_id *wait_for(enum rdma_cm_event_type type) {
  struct rdma_cm_event *told = event(type);
  struct rdma_cm_id *id = told->id;
  rdma_ack_cm_event(told);
  return id;
}

static struct ibv_mr *region(void *memory, size_t bytes, int access) { return ibv_reg_mr(pd, memory, bytes, access); }

static void receive(struct End *end) {
  struct ibv_sge entry = {(uintptr_t)end->memory + kBytes, kBytes, end->mr->lkey};
  struct ibv_recv_wr wr = {.wr_id = 100, .sg_list = &entry, .num_sge = 1}, *bad;
  if (ibv_post_recv(end->id->qp, &wr, &bad) != 0) fail("ibv_post_recv");
}

static void open_end(struct End *end) {
  if (pd == NULL) pd = ibv_alloc_pd(end->id->verbs);
  end->cq = ibv_create_cq(end->id->verbs, is("cq") ? 3 : 2 * kDepth, NULL, NULL, 0);
  struct ibv_qp_init_attr attr = {.send_cq = end->cq, .recv_cq = end->cq, .qp_type = IBV_QPT_RC};
  attr.cap = (struct ibv_qp_cap){.max_send_wr = kDepth, .max_recv_wr = kDepth, .max_send_sge = 1, .max_recv_sge = 1};
  if (is("inline-pair")) attr.cap.max_inline_data = 64;
  if (end->cq == NULL || rdma_create_qp(end->id, pd, &attr) != 0) fail("rdma_create_qp");
  end->memory = aligned_alloc(4096, 3 * kBytes);
  end->mr = region(end->memory, 3 * kBytes, IBV_ACCESS_LOCAL_WRITE | (is("sink") ? IBV_ACCESS_REMOTE_READ : IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE));
  if (end->mr == NULL) fail("ibv_reg_mr");
  if (!is("no-receive")) receive(end);
}

static void connect_ends(struct rdma_cm_id *listener, struct End *one, struct End *other) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = rdma_get_src_port(listener)};
  inet_pton(AF_INET, address, &at.sin_addr);
  if (rdma_create_id(channel, &one->id, NULL, RDMA_PS_TCP) != 0) fail("rdma_create_id");
  if (rdma_resolve_addr(one->id, NULL, (struct sockaddr *)&at, 5000) != 0) fail("rdma_resolve_addr");
  wait_for(RDMA_CM_EVENT_ADDR_RESOLVED);
  if (rdma_resolve_route(one->id, 5000) != 0) fail("rdma_resolve_route");
  wait_for(RDMA_CM_EVENT_ROUTE_RESOLVED);
  open_end(one);
  uint8_t data[64] = "by rdma_connect";
  struct rdma_conn_param param = {.private_data = data, .private_data_len = is("private") ? 57 : 56, .responder_resources = 1, .initiator_depth = 1, .retry_count = 7, .rnr_retry_count = 7};
  if (rdma_connect(one->id, &param) != 0) fail("rdma_connect");
  struct rdma_cm_event *asked = event(RDMA_CM_EVENT_CONNECT_REQUEST);
  if (asked->param.conn.private_data_len != 148 || memcmp(asked->param.conn.private_data, data, 56) != 0 || ((uint8_t *)asked->param.conn.private_data)[147] != 0)
    fail("private data are not padded");
  other->id = asked->id;
  rdma_ack_cm_event(asked);
  open_end(other);
  if (rdma_accept(other->id, &param) != 0) fail("rdma_accept");
  wait_for(RDMA_CM_EVENT_ESTABLISHED);
  wait_for(RDMA_CM_EVENT_ESTABLISHED);
}

/* End a connection as librdmacm has it: the other side answers, then both are told. */
static void disconnect(struct End *one, struct End *other) {
  rdma_disconnect(one->id);
  wait_for(RDMA_CM_EVENT_DISCONNECTED);
  rdma_disconnect(other->id);
  wait_for(RDMA_CM_EVENT_DISCONNECTED);
}

/* Wait for a completion; return its status. */
static enum ibv_wc_status completed(struct End *end, uint64_t id) {
  const time_t limit = time(NULL) + 20;
  struct ibv_wc wc;
  int found;
  while ((found = ibv_poll_cq(end->cq, 1, &wc)) == 0)
    if (time(NULL) > limit) fail("a completion did not come");
  if (found < 0) fail("ibv_poll_cq");
  if (wc.status == IBV_WC_SUCCESS && wc.wr_id != id) fail("a completion has another number");
  return wc.status;
}

static void post(struct End *end, struct End *peer, enum ibv_wr_opcode opcode, uint64_t id, unsigned flags) {
  struct ibv_sge entry[2] = {{(uintptr_t)end->memory + (opcode == IBV_WR_RDMA_READ ? 2 * kBytes : 0), kBytes, end->mr->lkey}, {(uintptr_t)end->memory, 8, end->mr->lkey}};
  struct ibv_send_wr wr = {.wr_id = id, .sg_list = entry, .num_sge = is("two") ? 2 : 1, .opcode = opcode, .send_flags = flags}, *bad;
  wr.wr.rdma.remote_addr = (uintptr_t)peer->memory + (opcode == IBV_WR_RDMA_READ ? 0 : 2 * kBytes);
  wr.wr.rdma.rkey = peer->mr->rkey;
  if (is("length")) entry[0].length = 3 * kBytes + 1;
  if (ibv_post_send(end->id->qp, &wr, &bad) != 0) fail("ibv_post_send");
}

/* One message there by WRITE and SEND, its bytes fetched back by READ. */
static enum ibv_wc_status round_trip(struct End *one, struct End *other, int number) {
  memset(one->memory, number, kBytes);
  post(one, other, IBV_WR_RDMA_WRITE, 1, 0);
  post(one, other, IBV_WR_SEND, 2, IBV_SEND_SIGNALED);
  enum ibv_wc_status status = completed(one, 2);
  if (status != IBV_WC_SUCCESS) return status;
  if ((status = completed(other, 100)) != IBV_WC_SUCCESS) return status;
  for (int k = 0; k < kBytes; k++)
    if (other->memory[kBytes + k] != (uint8_t)number || other->memory[2 * kBytes + k] != (uint8_t)number) fail("bytes are wrong");
  receive(other);
  memset(other->memory, number + 1, kBytes);
  post(one, other, IBV_WR_RDMA_READ, 3, IBV_SEND_SIGNALED);
  if ((status = completed(one, 3)) != IBV_WC_SUCCESS) return status;
  for (int k = 0; k < kBytes; k++)
    if (one->memory[2 * kBytes + k] != (uint8_t)(number + 1)) fail("bytes read are wrong");
  return IBV_WC_SUCCESS;
}

static void *other_thread(void *end) {
  receive(end);
  return NULL;
}

static void print_order(struct rdma_cm_id *listener, int count) {
  struct End ends[4][2] = {0};
  for (int k = 0; k < 4; k++) {
    connect_ends(listener, &ends[k][0], &ends[k][1]);
    for (int more = 1; more < count; more++) receive(&ends[k][1]);
  }
  int got[4] = {0};
  for (int round = 0; round < count; round++)
    for (int k = 0; k < 4; k++) {
      memset(ends[k][0].memory, round, kBytes);
      post(&ends[k][0], &ends[k][1], IBV_WR_SEND, (uint64_t)round, IBV_SEND_SIGNALED);
      got[k] = -1;
    }
  const time_t limit = time(NULL) + 20;
  for (int done = 0; done < 4 * count && time(NULL) < limit;)
    for (int k = 0; k < 4; k++) {
      struct ibv_wc wc;
      if (ibv_poll_cq(ends[k][0].cq, 1, &wc) != 1) continue;
      if (wc.status != IBV_WC_SUCCESS || (int)wc.wr_id != got[k] + 1) fail("completions of one pair have lost their order");
      got[k] = (int)wc.wr_id;
      printf("%d", k);
      done++;
    }
  printf("\n");
}

/* Break the rule on two ends that are connected. */
static void break_it(struct End *one, struct End *other) {
  if (is("inline")) post(one, other, IBV_WR_SEND, 9, IBV_SEND_INLINE);
  else if (is("immediate")) post(one, other, IBV_WR_RDMA_WRITE_WITH_IMM, 9, 0);
  else if (is("two") || is("sink")) post(one, other, IBV_WR_RDMA_READ, 9, IBV_SEND_SIGNALED);
  else if (is("length")) post(one, other, IBV_WR_SEND, 9, 0);
  else if (is("reads")) {
    for (int k = 0; k < 2; k++) post(one, other, IBV_WR_RDMA_READ, 9, IBV_SEND_SIGNALED);
  } else if (is("full")) {
    for (int k = 0; k <= kDepth; k++) post(one, other, IBV_WR_RDMA_WRITE, 9, 0);
  } else if (is("credit")) {
    for (int k = 0; k < 4; k++) post(one, other, IBV_WR_SEND, 9, IBV_SEND_SIGNALED);
    for (int k = 0; k < 4; k++)
      if (completed(one, 9) != IBV_WC_SUCCESS) fail("a SEND found no receive");
    // An iWARP device completes what it has sent, and ends the connection where that finds no receive.
    wait_for(RDMA_CM_EVENT_DISCONNECTED);
    fail("a SEND found no receive");
  } else if (is("cq")) {
    for (int k = 0; k < 4; k++) receive(one);
  } else if (is("posted-region")) ibv_dereg_mr(one->mr);
  else if (is("gone-region")) {
    void *memory = aligned_alloc(4096, kBytes);
    struct ibv_mr *mr = region(memory, kBytes, IBV_ACCESS_LOCAL_WRITE), old = *mr;
    ibv_dereg_mr(mr);
    one->mr = &old;
    post(one, other, IBV_WR_SEND, 9, 0);
  } else if (is("long-region")) region(malloc(5 << 20), 5 << 20, 0);
  else if (is("shared-receives")) {
    struct ibv_srq_init_attr attr = {.attr = {.max_wr = 4, .max_sge = 1}};
    ibv_create_srq(pd, &attr);
  } else if (is("thread")) {
    pthread_t thread;
    pthread_create(&thread, NULL, other_thread, one);
    pthread_join(thread, NULL);
  } else if (is("any")) {
    struct rdma_cm_id *id;
    struct sockaddr_in any = {.sin_family = AF_INET};
    if (rdma_create_id(channel, &id, NULL, RDMA_PS_TCP) == 0) rdma_bind_addr(id, (struct sockaddr *)&any);
  } else if (is("by-hand")) {
    struct ibv_qp_attr attr = {.qp_state = IBV_QPS_RTR};
    ibv_modify_qp(one->id->qp, &attr, IBV_QP_STATE);
  } else if (is("after-error")) {
    struct ibv_mr wrong = *other->mr;
    wrong.rkey ^= 0x5a00;
    other->mr = &wrong;
    post(one, other, IBV_WR_RDMA_READ, 9, IBV_SEND_SIGNALED);
    if (completed(one, 9) == IBV_WC_SUCCESS) fail("a READ with a wrong key succeeded");
    struct ibv_wc wc;
    while (ibv_poll_cq(one->cq, 1, &wc) == 1);
    ibv_poll_cq(one->cq, 1, &wc);
    post(one, other, IBV_WR_SEND, 9, 0);
  } else if (is("after-goodbye")) {
    disconnect(one, other);
    post(one, other, IBV_WR_SEND, 9, 0);
  } else if (is("polled-memory")) {
    // Looks at memory that a WRITE is to fill, as software devices allow.
    memset(other->memory + 2 * kBytes, 0, kBytes);
    memset(one->memory, 7, kBytes);
    post(one, other, IBV_WR_RDMA_WRITE, 9, IBV_SEND_SIGNALED);
    volatile uint8_t *last = other->memory + 3 * kBytes - 1;
    const time_t limit = time(NULL) + 20;
    struct ibv_wc wc;
    while (*last == 0 && time(NULL) < limit) ibv_poll_cq(one->cq, 1, &wc);
    if (*last == 0xa5) exit(5);
  }
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  address = arguments[1];
  rule = arguments[2];
  const int rounds = count > 3 ? atoi(arguments[3]) : 2;
  channel = rdma_create_event_channel();
  struct rdma_cm_id *listener;
  struct sockaddr_in at = {.sin_family = AF_INET};
  inet_pton(AF_INET, address, &at.sin_addr);
  if (channel == NULL || rdma_create_id(channel, &listener, NULL, RDMA_PS_TCP) != 0) fail("no rdma_cm");
  if (rdma_bind_addr(listener, (struct sockaddr *)&at) != 0 || rdma_listen(listener, 4) != 0) fail("rdma_listen");
  if (is("order")) {
    print_order(listener, rounds);
    return 0;
  }
  struct End one = {0}, other = {0};
  connect_ends(listener, &one, &other);
  if (is("regions")) {
    int made = 2;
    while (made < 5000 && region(one.memory, kBytes, 0) != NULL) made++;
    printf("%d\n", made);
    return 0;
  }
  if (!is("two") && !is("length") && !is("cq") && !is("sink"))
    for (int k = 0; k < (is("failure") ? 1000 : rounds); k++) {
      const enum ibv_wc_status status = round_trip(&one, &other, k);
      if (status == IBV_WC_SUCCESS) continue;
      printf("%s\n", ibv_wc_status_str(status));
      return is("failure") ? 0 : 3;
    }
  if (is("good")) {
    disconnect(&one, &other);
    rdma_destroy_qp(one.id);
    rdma_destroy_qp(other.id);
    return ibv_dereg_mr(one.mr) == 0 && ibv_dereg_mr(other.mr) == 0 && ibv_destroy_cq(one.cq) == 0 && ibv_destroy_cq(other.cq) == 0 ? 0 : 3;
  }
  break_it(&one, &other);
  return 4;
}
