/* connection.c: librdmacm as the strictest driver has it: bound to an address, receives before accept, a refusal that does
 * nothing, private data that come padded with zeros, no retry of a SEND that finds no receive. */
#include "interposer.h"

#include <netinet/in.h>
#include <string.h>

static bool is_any(const struct sockaddr *address) {
  if (address->sa_family != AF_INET) break_rule("an address of family %d, only IPv4 is everywhere", address->sa_family);
  return ((const struct sockaddr_in *)address)->sin_addr.s_addr == 0;
}

int rdma_bind_addr(struct rdma_cm_id *id, struct sockaddr *address) {
  check_thread(__func__);
  if (is_any(address)) break_rule("bound to 0.0.0.0 and not to the device's address");
  return REAL(rdma_bind_addr)(id, address);
}

int rdma_listen(struct rdma_cm_id *id, int backlog) {
  check_thread(__func__);
  return REAL(rdma_listen)(id, backlog);
}

int rdma_resolve_addr(struct rdma_cm_id *id, struct sockaddr *source, struct sockaddr *target, int timeout_ms) {
  check_thread(__func__);
  is_any(target);
  return REAL(rdma_resolve_addr)(id, source, target, timeout_ms);
}

int rdma_create_qp(struct rdma_cm_id *id, struct ibv_pd *pd, struct ibv_qp_init_attr *attr) {
  check_thread(__func__);
  check_attributes(attr);
  struct ibv_qp_init_attr asked = *attr;
  // A WRITE of garbage goes before each WRITE.
  if (settings.isGarbling) attr->cap.max_send_wr *= 2;
  const int error = REAL(rdma_create_qp)(id, pd, attr);
  attr->cap = asked.cap;
  if (error == 0) adopt_pair(id->qp, &asked);
  return error;
}

void rdma_destroy_qp(struct rdma_cm_id *id) {
  if (id->qp != NULL) forget_pair(id->qp);
  REAL(rdma_destroy_qp)(id);
}

static void check_parameters(struct rdma_cm_id *id, struct rdma_conn_param *param, const char *name) {
  check_thread(name);
  if (id->qp == NULL) break_rule("%s without a queue pair", name);
  struct Pair *pair = find_pair(id->qp);
  if (pair->receives.tail == 0) break_rule("%s before a receive was posted", name);
  if (param == NULL) break_rule("%s without parameters: the numbers of READs would be the device's choice", name);
  if (param->srq != 0) break_rule("%s with a shared receive queue", name);
  if (param->private_data_len > kPrivateBytes) break_rule("%s with %d bytes of private data, there is room for %d", name, param->private_data_len, kPrivateBytes);
  if (settings.isSmall && (param->responder_resources > 1 || param->initiator_depth > 1))
    break_rule("%s with %d READs to answer and %d to send, the device has one", name, param->responder_resources, param->initiator_depth);
  pair->reads_allowed = param->initiator_depth;
}

/* Post what the caller says, but for the retries. */
static struct rdma_conn_param without_retry(const struct rdma_conn_param *param) {
  struct rdma_conn_param own = *param;
  own.rnr_retry_count = 0;
  return own;
}

int rdma_connect(struct rdma_cm_id *id, struct rdma_conn_param *param) {
  check_parameters(id, param, __func__);
  struct rdma_conn_param own = without_retry(param);
  return REAL(rdma_connect)(id, &own);
}

int rdma_accept(struct rdma_cm_id *id, struct rdma_conn_param *param) {
  check_parameters(id, param, __func__);
  struct rdma_conn_param own = without_retry(param);
  return REAL(rdma_accept)(id, &own);
}

int rdma_disconnect(struct rdma_cm_id *id) {
  check_thread(__func__);
  if (id->qp != NULL) {
    struct Pair *pair = find_pair(id->qp);
    give_waiting(pair, true);
    pair->broken = "the caller disconnected it";
  }
  return REAL(rdma_disconnect)(id);
}

int rdma_reject(struct rdma_cm_id *id, const void *data, uint8_t length) {
  check_thread(__func__);
  (void)id, (void)data, (void)length;
  return 0;
}

int rdma_get_cm_event(struct rdma_event_channel *channel, struct rdma_cm_event **event) {
  check_thread(__func__);
  const int error = REAL(rdma_get_cm_event)(channel, event);
  if (error != 0) return error;
  struct rdma_cm_event *told = *event;
  if (told->id != NULL && told->id->verbs != NULL) adopt_context(told->id->verbs);
  if (told->event == RDMA_CM_EVENT_CONNECT_REQUEST || told->event == RDMA_CM_EVENT_ESTABLISHED) {
    // An event's private data are the event's: those of the last few are kept.
    static uint8_t padded[64][kReportedPrivateBytes];
    static unsigned turn;
    uint8_t *copy = padded[turn++ % 64];
    memset(copy, 0, kReportedPrivateBytes);
    if (told->param.conn.private_data != NULL) memcpy(copy, told->param.conn.private_data, told->param.conn.private_data_len);
    told->param.conn.private_data = copy;
    told->param.conn.private_data_len = kReportedPrivateBytes;
  }
  if (told->event == RDMA_CM_EVENT_DISCONNECTED && told->id->qp != NULL) find_pair(told->id->qp)->broken = "it was told that it is disconnected";
  return 0;
}
