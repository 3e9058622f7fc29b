/* work.c: what is posted, and what completes.
 *
 * A completion queue is as long as the work that may complete on it: everything that is under way does when its pair fails.
 * Completions wait here when they are delayed: those of one queue keep their order, those of different pairs need not.
 */
#include "interposer.h"

#include <errno.h>
#include <string.h>

struct Held {
  struct ibv_wc wc;
  struct Pair *pair;
  bool is_receive;
  unsigned polls; /* that it still waits for */
};
static struct Held held[kMaxHeld];
static unsigned held_count, delivered;

static struct Region *check_entries(const struct Pair *pair, const struct ibv_sge *entry, int count, unsigned allowed, int access, const char *what) {
  struct Region *region = NULL;
  if (count < 0 || (unsigned)count > allowed) break_rule("%s of %d SGEs on a queue pair of %u", what, count, allowed);
  if (count > 1) break_rule("%s of %d SGEs: the interposer keeps to one", what, count);
  for (int k = 0; k < count; k++) {
    region = find_region(entry[k].lkey);
    if (region == NULL) break_rule("%s from memory that is not registered, or no more: key %#x", what, entry[k].lkey);
    if (entry[k].addr < region->start || entry[k].addr + entry[k].length > region->end) break_rule("%s of memory outside of its region", what);
    if ((region->access & access) != access) break_rule("%s into a region whose access is %#x, it wants %#x", what, region->access, access);
    if (region->mr->pd != pair->qp->pd) break_rule("%s of a region of another protection domain", what);
    const unsigned limit = settings.isSmall ? 4096 : kMaxWorkBytes;
    if (entry[k].length > limit) break_rule("%s of %u bytes, the bound is %u", what, entry[k].length, limit);
  }
  return region;
}

static void add_work(struct Pair *pair, struct WorkQueue *queue, struct Queue *completions, uint64_t id, struct Region *region, const char *what) {
  if (pair->broken != NULL) break_rule("%s is posted after the end of its queue pair: %s", what, pair->broken);
  if (queue->tail - queue->head >= queue->depth) break_rule("%s is posted to a queue of %u that is full", what, queue->depth);
  if (++completions->posted > (unsigned)completions->capacity) break_rule("%s makes %u work requests for %d completions", what, completions->posted, completions->capacity);
  queue->work[queue->tail++ % kMaxWork] = (struct Work){id, region};
  if (region != NULL) region->users++;
}

static void check_send(struct Pair *pair, const struct ibv_send_wr *wr) {
  const bool is_read = wr->opcode == IBV_WR_RDMA_READ;
  if (!is_read && wr->opcode != IBV_WR_SEND && wr->opcode != IBV_WR_RDMA_WRITE) break_rule("work request of kind %d, iWARP has SEND, WRITE and READ", wr->opcode);
  if ((wr->send_flags & IBV_SEND_INLINE) != 0) break_rule("inline data is sent");
  if ((wr->send_flags & IBV_SEND_SOLICITED) != 0) break_rule("a solicited event is asked for");
  const char *what = is_read ? "READ" : wr->opcode == IBV_WR_SEND ? "SEND" : "WRITE";
  if (is_read && wr->num_sge > 1) break_rule("READ of %d SGEs, iWARP has one", wr->num_sge);
  // An iWARP READ is answered by what is a WRITE to its sink.
  const int access = is_read ? IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE : 0;
  struct Region *region = check_entries(pair, wr->sg_list, wr->num_sge, pair->sges, access, what);
  if (is_read && ++pair->reads > pair->reads_allowed) break_rule("%u READs are in flight, %u were agreed on", pair->reads, pair->reads_allowed);
  const uint64_t at = pair->sends.tail % kMaxWork;
  pair->is_read[at / 64] = (pair->is_read[at / 64] & ~(1ull << at % 64)) | (uint64_t)is_read << at % 64;
  add_work(pair, &pair->sends, pair->send_queue, wr->wr_id, region, what);
}

static void give_to_device(struct Pair *pair, struct ibv_send_wr *wr) {
  struct ibv_send_wr *refused;
  const int error = adopt_context(pair->qp->context)->ops.post_send(pair->qp, wr, &refused);
  if (error != 0) break_rule("the device refuses work that nothing speaks against: %s", strerror(error));
}

/* Until the work behind a WRITE has completed its bytes may be anything: write wrong ones, and the right ones some polls
 * later, with everything behind them. */
static void write_garbage(struct Pair *pair, const struct ibv_send_wr *wr) {
  struct ibv_mr *mr = garbage(pair->qp->pd);
  struct ibv_sge entry = {(uintptr_t)mr->addr, wr->sg_list->length, mr->lkey};
  struct ibv_send_wr wrong = *wr;
  wrong.wr_id = OWN_WORK;
  wrong.sg_list = &entry;
  wrong.send_flags = 0;
  give_to_device(pair, &wrong);
}

void give_waiting(struct Pair *pair, bool all) {
  for (; pair->given < pair->waiting; pair->given++) {
    struct Waiting *first = &pair->held_back[pair->given % kMaxWaiting];
    if (first->polls > 0 && !all) {
      first->polls--;
      return;
    }
    first->wr.sg_list = &first->entry;
    give_to_device(pair, &first->wr);
  }
}

int post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad) {
  check_thread("ibv_post_send");
  (void)bad;
  struct Pair *pair = find_pair(qp);
  for (; wr != NULL; wr = wr->next) {
    const uint64_t count = pair->sends.tail;
    check_send(pair, wr);
    struct ibv_send_wr own = *wr;
    own.next = NULL;
    own.wr_id = work_number(pair_index(pair), false, count);
    const bool is_write = settings.isGarbling && wr->opcode == IBV_WR_RDMA_WRITE && wr->num_sge == 1;
    if (!is_write && pair->given == pair->waiting) {
      give_to_device(pair, &own);
      continue;
    }
    if (pair->waiting - pair->given == kMaxWaiting) give_waiting(pair, true);
    if (is_write) write_garbage(pair, &own);
    struct Waiting *last = &pair->held_back[pair->waiting++ % kMaxWaiting];
    *last = (struct Waiting){own, {0}, is_write ? 1 + next_random() % 8 : 0};
    if (own.num_sge == 1) last->entry = *wr->sg_list;
  }
  return 0;
}

int post_receive(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad) {
  check_thread("ibv_post_recv");
  struct Pair *pair = find_pair(qp);
  const struct ibv_context_ops *real = &adopt_context(qp->context)->ops;
  for (; wr != NULL; wr = wr->next) {
    struct Region *region = check_entries(pair, wr->sg_list, wr->num_sge, pair->receive_sges, IBV_ACCESS_LOCAL_WRITE, "receive");
    struct ibv_recv_wr own = *wr;
    own.next = NULL;
    own.wr_id = work_number(pair_index(pair), true, pair->receives.tail);
    add_work(pair, &pair->receives, pair->receive_queue, wr->wr_id, region, "receive");
    const int error = real->post_recv(qp, &own, bad);
    if (error != 0) break_rule("the device refuses a receive that nothing speaks against: %s", strerror(error));
  }
  return 0;
}

/* Retire work up to the one that completed; work in front of it asked for no completion. */
static void retire(struct Pair *pair, bool is_receive, uint64_t count, struct ibv_wc *wc) {
  struct WorkQueue *queue = is_receive ? &pair->receives : &pair->sends;
  // Of a failed pair a device may complete what it has retired by a later one already.
  const uint64_t mask = ((uint64_t)1 << kCountBits) - 1;
  if (count < (queue->head & mask) && wc->status == IBV_WC_SUCCESS) break_rule("the device completes work request %llu twice", (unsigned long long)count);
  for (; queue->head <= count && queue->head < queue->tail; queue->head++) {
    const uint64_t at = queue->head % kMaxWork;
    struct Work *work = &queue->work[at];
    if (work->region != NULL) work->region->users--;
    if (!is_receive && (pair->is_read[at / 64] >> at % 64 & 1) != 0) pair->reads--;
    (is_receive ? pair->receive_queue : pair->send_queue)->posted--;
    wc->wr_id = work->id;
  }
}

static void fail_pair(struct Pair *pair) {
  struct ibv_qp_attr attr = {.qp_state = IBV_QPS_ERR};
  REAL(ibv_modify_qp)(pair->qp, &attr, IBV_QP_STATE);
}

/* Take what the device has; each waits for its number of polls, and never for fewer than what is before it in its pair. */
static void collect(struct ibv_cq *cq) {
  struct ibv_wc wc;
  const struct ibv_context_ops *real = &adopt_context(cq->context)->ops;
  for (int found; (found = real->poll_cq(cq, 1, &wc)) != 0;) {
    if (found < 0) break_rule("the device's completion queue fails: %d", found);
    if (wc.wr_id == OWN_WORK) continue;
    struct Pair *pair = pair_at((unsigned)(wc.wr_id >> (kCountBits + 1)));
    if (pair == NULL || pair->qp == NULL) continue; // of a pair that has gone
    if (held_count == kMaxHeld) break_rule("%d completions wait", kMaxHeld);
    held[held_count++] = (struct Held){wc, pair, (wc.wr_id >> kCountBits & 1) != 0, settings.delay == 0 ? 0 : next_random() % (settings.delay + 1)};
  }
}

static struct ibv_cq *queue_of(const struct Held *one) {
  return (one->is_receive ? one->pair->receive_queue : one->pair->send_queue)->cq;
}

static bool is_first(unsigned index) {
  for (unsigned k = 0; k < index; k++)
    if (held[k].pair == held[index].pair) return false;
  return true;
}

static void remove_held(unsigned index) {
  memmove(&held[index], &held[index + 1], (--held_count - index) * sizeof held[0]);
}

void drop_held(const struct Pair *pair) {
  for (unsigned k = held_count; k-- > 0;)
    if (held[k].pair == pair) remove_held(k);
}

int poll_queue(struct ibv_cq *cq, int count, struct ibv_wc *wc) {
  check_thread("ibv_poll_cq");
  struct Queue *queue = find_queue(cq);
  struct Pair *each;
  for (unsigned k = 0; (each = pair_at(k)) != NULL; k++) {
    if (each->qp == NULL) continue;
    give_waiting(each, false);
    // The caller has looked at what it was given: a poll that found less than it might have was its last for then.
    if (each->has_failed && queue->was_emptied && (each->send_queue == queue || each->receive_queue == queue)) each->broken = "a completion failed";
  }
  collect(cq);
  for (unsigned k = 0; k < held_count; k++)
    if (queue_of(&held[k]) == cq && held[k].polls > 0) held[k].polls--;
  int given = 0;
  while (given < count) {
    // The first of any pair whose time has come, by chance where they are delayed.
    unsigned chosen = held_count, candidates = 0;
    for (unsigned k = 0; k < held_count; k++) {
      if (queue_of(&held[k]) != cq || held[k].polls > 0 || !is_first(k)) continue;
      if (next_random() % ++candidates == 0) chosen = k;
      if (settings.delay == 0) break;
    }
    if (chosen == held_count) break;
    struct Held one = held[chosen];
    remove_held(chosen);
    struct Pair *pair = one.pair;
    if (one.wc.status == IBV_WC_SUCCESS && ++delivered == settings.failAt) {
      one.wc.status = settings.failWith;
      fail_pair(pair);
    }
    retire(pair, one.is_receive, one.wc.wr_id & (((uint64_t)1 << kCountBits) - 1), &one.wc);
    if (one.wc.status == IBV_WC_RNR_RETRY_EXC_ERR && settings.failWith != IBV_WC_RNR_RETRY_EXC_ERR)
      break_rule("a SEND found no receive: credits went below zero");
    if (one.wc.status != IBV_WC_SUCCESS) {
      pair->has_failed = true;
      // Of a failed completion the number, the status and the pair may be read; the rest is whatever the device left there.
      const struct ibv_wc failed = {.wr_id = one.wc.wr_id, .status = one.wc.status, .vendor_err = one.wc.vendor_err, .qp_num = one.wc.qp_num};
      one.wc = failed;
      one.wc.opcode = (enum ibv_wc_opcode)0x5a;
      one.wc.byte_len = 0xdeadbeef;
    }
    wc[given++] = one.wc;
  }
  queue->was_emptied = given < count;
  return given;
}

int notify_queue(struct ibv_cq *cq, int solicited_only) {
  find_queue(cq);
  if (solicited_only != 0) break_rule("a notification of solicited completions only is asked for");
  if (!settings.hasEvents) return 0;
  return adopt_context(cq->context)->ops.req_notify_cq(cq, solicited_only);
}
