/* objects.c: devices, completion queues, queue pairs and regions: what may be asked for, and what the small device has. */
#include "interposer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct Region regions[kMaxRegions];
static struct Queue queues[kMaxQueues];
static struct Pair *pairs[kMaxPairs];
static unsigned live_regions, registrations;

struct ibv_context *ibv_open_device(struct ibv_device *device) {
  check_thread(__func__);
  struct ibv_context *context = REAL(ibv_open_device)(device);
  if (context != NULL) adopt_context(context);
  return context;
}

int ibv_query_device(struct ibv_context *context, struct ibv_device_attr *attr) {
  const int error = REAL(ibv_query_device)(context, attr);
  if (error != 0 || !settings.isSmall) return error;
  attr->max_qp_wr = 16;
  attr->max_cqe = 63;
  attr->max_mr = 32;
  attr->max_sge = attr->max_sge_rd = 1;
  attr->max_qp_rd_atom = attr->max_qp_init_rd_atom = 1;
  attr->max_srq = attr->max_mw = 0;
  attr->max_mr_size = kMaxRegionBytes;
  return 0;
}

#undef ibv_query_port
int ibv_query_port(struct ibv_context *context, uint8_t port, struct _compat_ibv_port_attr *attr) {
  int (*real)(struct ibv_context *, uint8_t, struct _compat_ibv_port_attr *) = real_function(__func__);
  const int error = real(context, port, attr);
  if (error == 0 && settings.isSmall) ((struct ibv_port_attr *)attr)->max_msg_sz = 4096;
  return error;
}

struct ibv_cq *ibv_create_cq(struct ibv_context *context, int cqe, void *cq_context, struct ibv_comp_channel *channel, int vector) {
  check_thread(__func__);
  adopt_context(context);
  if (settings.isSmall && cqe > 63) {
    errno = EINVAL;
    return NULL;
  }
  struct ibv_cq *cq = REAL(ibv_create_cq)(context, cqe, cq_context, channel, vector);
  if (cq == NULL) return NULL;
  for (int k = 0; k < kMaxQueues; k++) {
    if (queues[k].cq != NULL) continue;
    // What was asked for, not what the device rounded it to.
    queues[k] = (struct Queue){.cq = cq, .capacity = cqe};
    return cq;
  }
  break_rule("more than %d completion queues", kMaxQueues);
}

struct Queue *find_queue(const struct ibv_cq *cq) {
  for (int k = 0; k < kMaxQueues; k++)
    if (queues[k].cq == cq && cq != NULL) return &queues[k];
  break_rule("a completion queue is used that has been destroyed or was never made");
}

int ibv_destroy_cq(struct ibv_cq *cq) {
  struct Queue *queue = find_queue(cq);
  const int error = REAL(ibv_destroy_cq)(cq);
  if (error == 0) queue->cq = NULL;
  return error;
}

void check_attributes(const struct ibv_qp_init_attr *attr) {
  if (attr->qp_type != IBV_QPT_RC) break_rule("a queue pair of type %d, only reliable-connected ones are everywhere", attr->qp_type);
  if (attr->srq != NULL) break_rule("a queue pair with a shared receive queue");
  if (attr->cap.max_inline_data != 0) break_rule("a queue pair for %u bytes of inline data", attr->cap.max_inline_data);
  if (settings.isSmall && (attr->cap.max_send_wr > 16 || attr->cap.max_recv_wr > 16 || attr->cap.max_send_sge > 1 || attr->cap.max_recv_sge > 1))
    break_rule("a queue pair of %u + %u work requests of %u and %u SGEs, the device has 16 of 1", attr->cap.max_send_wr,
               attr->cap.max_recv_wr, attr->cap.max_send_sge, attr->cap.max_recv_sge);
}

struct Pair *adopt_pair(struct ibv_qp *qp, const struct ibv_qp_init_attr *attr) {
  adopt_context(qp->context);
  for (unsigned k = 0; k < kMaxPairs; k++) {
    if (pairs[k] == NULL && (pairs[k] = calloc(1, sizeof **pairs)) == NULL) abort();
    if (pairs[k]->qp != NULL) continue;
    struct Pair *pair = pairs[k];
    memset(pair, 0, sizeof *pair);
    pair->qp = qp;
    pair->send_queue = find_queue(attr->send_cq);
    pair->receive_queue = find_queue(attr->recv_cq);
    pair->sends.depth = attr->cap.max_send_wr;
    pair->receives.depth = attr->cap.max_recv_wr;
    pair->sges = attr->cap.max_send_sge;
    pair->receive_sges = attr->cap.max_recv_sge;
    return pair;
  }
  break_rule("more than %d queue pairs", kMaxPairs);
}

struct Pair *pair_at(unsigned index) { return index < kMaxPairs ? pairs[index] : NULL; }

unsigned pair_index(const struct Pair *pair) {
  unsigned k = 0;
  while (pairs[k] != pair) k++;
  return k;
}

struct Pair *find_pair(const struct ibv_qp *qp) {
  for (int k = 0; k < kMaxPairs && pairs[k] != NULL; k++)
    if (pairs[k]->qp == qp) return pairs[k];
  break_rule("a queue pair is used that has been destroyed or was never made");
}

/* Work that is under way on a pair that goes will never complete: its memory is free. */
void forget_pair(struct ibv_qp *qp) {
  struct Pair *pair = find_pair(qp);
  struct WorkQueue *const both[] = {&pair->sends, &pair->receives};
  for (int k = 0; k < 2; k++) {
    for (; both[k]->head < both[k]->tail; both[k]->head++) {
      struct Region *region = both[k]->work[both[k]->head % kMaxWork].region;
      if (region != NULL) region->users--;
      (k == 0 ? pair->send_queue : pair->receive_queue)->posted--;
    }
  }
  drop_held(pair);
  pair->qp = NULL;
}

struct ibv_qp *ibv_create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *attr) {
  (void)pd, (void)attr;
  break_rule("ibv_create_qp is called: connections go through librdmacm only");
}

int ibv_destroy_qp(struct ibv_qp *qp) {
  forget_pair(qp);
  return REAL(ibv_destroy_qp)(qp);
}

int ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask) {
  if ((mask & IBV_QP_STATE) == 0 || attr->qp_state != IBV_QPS_ERR) break_rule("ibv_modify_qp to state %d: librdmacm alone connects", attr->qp_state);
  find_pair(qp)->broken = "the caller put it into the error state";
  return REAL(ibv_modify_qp)(qp, attr, mask);
}

struct Region *find_region(uint32_t lkey) {
  for (int k = 0; k < kMaxRegions; k++)
    if (regions[k].mr != NULL && regions[k].mr->lkey == lkey) return &regions[k];
  return NULL;
}

static struct ibv_mr *keep_region(struct ibv_mr *mr, void *addr, size_t length, int access) {
  if (mr == NULL) return NULL;
  live_regions++;
  for (int k = 0; k < kMaxRegions; k++) {
    if (regions[k].mr != NULL) continue;
    regions[k] = (struct Region){mr, (uintptr_t)addr, (uintptr_t)addr + length, access, 0};
    return mr;
  }
  break_rule("more than %d regions", kMaxRegions);
}

#undef ibv_reg_mr
struct ibv_mr *ibv_reg_mr(struct ibv_pd *pd, void *addr, size_t length, int access) {
  check_thread(__func__);
  adopt_context(pd->context);
  if (length > kMaxRegionBytes) break_rule("a region of %zu bytes, 4 MiB is what every device takes", length);
  if ((access & (IBV_ACCESS_REMOTE_ATOMIC | IBV_ACCESS_MW_BIND)) != 0) break_rule("a region for atomics or memory windows");
  if (++registrations == settings.failRegion || live_regions >= settings.regions) {
    errno = ENOMEM;
    return NULL;
  }
  struct ibv_mr *(*real)(struct ibv_pd *, void *, size_t, int) = real_function("ibv_reg_mr");
  return keep_region(real(pd, addr, length, access), addr, length, access);
}

/* The macro ibv_reg_mr of verbs.h calls this one where the access is not a constant. */
struct ibv_mr *ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr, size_t length, uint64_t iova, unsigned int access) {
  if (iova != (uintptr_t)addr) break_rule("a region whose remote addresses are not its own");
  return ibv_reg_mr(pd, addr, length, (int)access);
}

int ibv_dereg_mr(struct ibv_mr *mr) {
  struct Region *region = find_region(mr->lkey);
  if (region == NULL || region->mr != mr) break_rule("a region is deregistered twice");
  if (region->users > 0) break_rule("a region is deregistered while %u work requests use it", region->users);
  region->mr = NULL;
  live_regions--;
  return REAL(ibv_dereg_mr)(mr);
}

struct ibv_mr *garbage(struct ibv_pd *pd) {
  static struct ibv_mr *kept[kMaxContexts];
  for (int k = 0; k < kMaxContexts; k++) {
    if (kept[k] != NULL && kept[k]->pd == pd) return kept[k];
    if (kept[k] != NULL) continue;
    void *bytes = malloc(kMaxWorkBytes);
    if (bytes == NULL) abort();
    memset(bytes, 0xa5, kMaxWorkBytes);
    struct ibv_mr *(*real)(struct ibv_pd *, void *, size_t, int) = real_function("ibv_reg_mr");
    kept[k] = real(pd, bytes, kMaxWorkBytes, 0);
    if (kept[k] == NULL) break_rule("the interposer cannot register memory of its own");
    return kept[k];
  }
  break_rule("more than %d protection domains", kMaxContexts);
}
