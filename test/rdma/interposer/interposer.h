/* interposer.h: what the parts of the interposer share.
 *
 * A library with the names of libibverbs and librdmacm that stands before the real ones and forwards to them. Software
 * devices forgive what hardware does not: here a broken rule ends the process with a sentence. Post, poll and notify are
 * function pointers of a context, which are exchanged when a context is first seen.
 *
 * Work requests go to the device under numbers of the interposer's own (pair, queue, count), so that a completion tells
 * which queue it is of even when it has failed and only wr_id may be read.
 * Limits: one process, its main thread, up to the bounds below; x64, as the guest is.
 */
#ifndef TSMPI_INTERPOSER_H
#define TSMPI_INTERPOSER_H

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>
#include <stdbool.h>
#include <stdint.h>

enum { kMaxRegions = 4096, kMaxPairs = 256, kMaxQueues = 256, kMaxContexts = 8, kMaxWork = 4096, kMaxHeld = 16384, kMaxWaiting = 256 };
/* Own bounds that rdma.md sets, since a device may report none. */
enum { kMaxRegionBytes = 4 << 20, kMaxWorkBytes = 1 << 20, kPrivateBytes = 56, kReportedPrivateBytes = 148 };

struct Settings {
  bool isSmall;          /* TSMPI_INTERPOSER_SMALL: 16 work requests, 63 completions, 32 regions, 1 SGE, 1 READ, 4 KiB */
  bool hasEvents;        /* TSMPI_INTERPOSER_EVENTS=off: completion channels never fire */
  bool isGarbling;       /* TSMPI_INTERPOSER_GARBLE: bytes of a WRITE are wrong until the work behind it */
  unsigned delay;        /* TSMPI_INTERPOSER_DELAY: completions wait for up to so many polls, queue pairs overtake others */
  unsigned seed;         /* TSMPI_INTERPOSER_SEED */
  unsigned failAt;       /* TSMPI_INTERPOSER_FAIL=n:status, the n-th completion that is delivered has that status */
  enum ibv_wc_status failWith;
  unsigned failRegion;   /* TSMPI_INTERPOSER_FAIL_REGION=n: the n-th registration fails */
  unsigned regions;      /* TSMPI_INTERPOSER_REGIONS=k: no more than k at a time */
};

struct Region {
  struct ibv_mr *mr; /* NULL: free */
  uint64_t start, end;
  int access;
  unsigned users; /* posted work requests that name it */
};

struct Work {
  uint64_t id; /* the caller's */
  struct Region *region;
};

/* A send or receive queue: work requests in the order posted; they complete in that order. */
struct WorkQueue {
  struct Work work[kMaxWork];
  uint64_t head, tail; /* oldest that is under way, next to post */
  unsigned depth;
};

struct Queue { /* a completion queue */
  struct ibv_cq *cq; /* NULL: free */
  int capacity;
  unsigned posted; /* completions that may come: every work request that is under way */
  bool was_emptied; /* by the last poll */
};

struct Waiting { /* work that goes to the device some polls later */
  struct ibv_send_wr wr;
  struct ibv_sge entry;
  unsigned polls;
};

struct Pair {
  struct ibv_qp *qp; /* NULL: free */
  struct WorkQueue sends, receives;
  struct Queue *send_queue, *receive_queue;
  unsigned sges, receive_sges;
  unsigned reads;          /* under way */
  unsigned reads_allowed;  /* as agreed at connection */
  bool has_failed;         /* the caller was given a completion that failed */
  const char *broken;      /* what ended it, as the caller was told; NULL: nothing */
  uint64_t is_read[kMaxWork / 64];
  struct Waiting held_back[kMaxWaiting];
  uint64_t given, waiting; /* counts of what was held back */
};

struct RealContext { /* of a context, as it was */
  struct ibv_context *context;
  struct ibv_context_ops ops;
};

extern struct Settings settings;

/* The sentence, then the end of the process by SIGABRT. */
__attribute__((noreturn, format(printf, 1, 2))) void break_rule(const char *format, ...);
/* Return the real function of that name. */
void *real_function(const char *name);
#define REAL(name) ((__typeof__(&name))real_function(#name))
/* Every call comes from the thread of the first one: the strictest driver finds its context by the thread. */
void check_thread(const char *name);
/* Exchange post, poll and notify of a context that is seen for the first time. */
struct RealContext *adopt_context(struct ibv_context *context);
unsigned next_random(void);

struct Pair *adopt_pair(struct ibv_qp *qp, const struct ibv_qp_init_attr *attr);
struct Pair *find_pair(const struct ibv_qp *qp);
struct Pair *pair_at(unsigned index);
unsigned pair_index(const struct Pair *pair);
void forget_pair(struct ibv_qp *qp);
void check_attributes(const struct ibv_qp_init_attr *attr);
struct Queue *find_queue(const struct ibv_cq *cq);
struct Region *find_region(uint32_t lkey);
/* Return a region of the interposer's own, full of bytes that no one sent, for WRITEs on that domain. */
struct ibv_mr *garbage(struct ibv_pd *pd);

int post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad);
int post_receive(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad);
int poll_queue(struct ibv_cq *cq, int count, struct ibv_wc *wc);
int notify_queue(struct ibv_cq *cq, int solicited_only);
/* Give a pair's work that was held back to the device: the first when its time has come, or all. */
void give_waiting(struct Pair *pair, bool all);
void drop_held(const struct Pair *pair);

/* Number of a work request: pair, queue, count. */
enum { kCountBits = 40 };
static inline uint64_t work_number(unsigned pair, bool is_receive, uint64_t count) {
  return (uint64_t)pair << (kCountBits + 1) | (uint64_t)is_receive << kCountBits | count;
}
/* Number of work of the interposer's own: it is no one's. */
#define OWN_WORK UINT64_MAX

#endif
