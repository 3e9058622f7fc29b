/*
 * libibverbs and librdmacm as a table of symbols, filled by dlopen at the first use.
 *
 * The idea: the addon is linked with neither library, so it loads on machines without any RDMA stack and says what is
 * missing. Without the headers the table is empty and verbs_load() says so. Post and poll are inline in verbs.h: they go
 * through the device's own table and are counted by their callers.
 * Ownership: the libraries are never closed; their threads and handlers may outlive any user.
 */
#ifndef TSMPI_RDMA_VERBS_H
#define TSMPI_RDMA_VERBS_H

#include <stdint.h>

#if !defined(TSMPI_NO_VERBS) && defined(__has_include)
#if __has_include(<infiniband/verbs.h>) && __has_include(<rdma/rdma_cma.h>)
#define TSMPI_HAS_VERBS 1
#endif
#endif

/* Load both libraries once. NULL: all is there; else what is missing, in words. The text stays valid. */
const char *verbs_load(void);

/* What is counted: calls by name, in this order (src/native/rdma.ts: COUNTER). */
enum verbs_counter {
  kCountSend,
  kCountReceive,
  kCountRead,
  kCountWrite,
  kCountPoll,
  kCountCompletion,
  kCountArm,
  kCountRegister,
  kCountDeregister,
  kCountRegisteredBytes,
  kCountEvent,
  kCounterCount,
};
extern uint64_t verbs_counters[kCounterCount];

#ifdef TSMPI_HAS_VERBS

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

/* These are macros around functions of the same name: here they name what is looked up. */
#undef ibv_get_device_list
#undef ibv_query_port
#undef ibv_reg_mr

#define VERBS_SYMBOLS(USE)                                                                                              \
  USE(ibv_get_device_list) USE(ibv_free_device_list) USE(ibv_get_device_name) USE(ibv_open_device) USE(ibv_close_device) \
  USE(ibv_query_device) USE(ibv_query_port) USE(ibv_alloc_pd) USE(ibv_dealloc_pd) USE(ibv_create_comp_channel)           \
  USE(ibv_destroy_comp_channel) USE(ibv_create_cq) USE(ibv_destroy_cq) USE(ibv_get_cq_event) USE(ibv_ack_cq_events)      \
  USE(ibv_reg_mr) USE(ibv_dereg_mr) USE(ibv_get_async_event) USE(ibv_ack_async_event) USE(ibv_fork_init)                 \
  USE(ibv_wc_status_str) USE(ibv_event_type_str)
#define CM_SYMBOLS(USE)                                                                                                 \
  USE(rdma_create_event_channel) USE(rdma_destroy_event_channel) USE(rdma_create_id) USE(rdma_destroy_id)                \
  USE(rdma_bind_addr) USE(rdma_listen) USE(rdma_resolve_addr) USE(rdma_resolve_route) USE(rdma_create_qp)                \
  USE(rdma_destroy_qp) USE(rdma_connect) USE(rdma_accept) USE(rdma_reject) USE(rdma_disconnect) USE(rdma_get_cm_event)   \
  USE(rdma_ack_cm_event) USE(rdma_get_src_port) USE(rdma_event_str)

#define DECLARE_SYMBOL(name) __typeof__(&name) name##_;
struct verbs {
  VERBS_SYMBOLS(DECLARE_SYMBOL)
  CM_SYMBOLS(DECLARE_SYMBOL)
};
#undef DECLARE_SYMBOL

/* Valid once verbs_load() has returned NULL. */
extern struct verbs verbs;

/*
 * Make registered memory safe in children, before the first registration. 0 or a negative errno. `huge_pages`: ordinary
 * memory may lie in huge pages. Newer kernels copy registered pages at fork by themselves: there it does nothing.
 */
int verbs_fork_init(int huge_pages);

#endif
#endif
