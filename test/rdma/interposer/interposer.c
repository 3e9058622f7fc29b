/* interposer.c: settings, the real libraries, contexts, and the names that are forwarded as they are.
 *
 * The real libraries look into themselves first, so that the real librdmacm calls the real libibverbs and not this one.
 */
#include "interposer.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct Settings settings;
static struct RealContext contexts[kMaxContexts];
static void *libraries[2];
static unsigned random_state;

void break_rule(const char *format, ...) {
  char sentence[512];
  va_list words;
  va_start(words, format);
  vsnprintf(sentence, sizeof sentence, format, words);
  va_end(words);
  fprintf(stderr, "verbs rule broken: %s\n", sentence);
  // Whoever runs the process may keep its stderr to itself.
  const char *path = getenv("TSMPI_INTERPOSER_LOG");
  FILE *log = path == NULL ? NULL : fopen(path, "a");
  if (log != NULL) {
    fprintf(log, "verbs rule broken: %s\n", sentence);
    fclose(log);
  }
  abort();
}

static unsigned number(const char *name, unsigned otherwise) {
  const char *text = getenv(name);
  return text == NULL || *text == 0 ? otherwise : (unsigned)strtoul(text, NULL, 10);
}

void *real_function(const char *name) {
  for (int k = 0; k < 2; k++) {
    void *found = dlsym(libraries[k], name);
    if (found != NULL) return found;
  }
  break_rule("neither libibverbs nor librdmacm has %s", name);
}

void check_thread(const char *name) {
  static long owner;
  const long thread = syscall(SYS_gettid);
  if (owner == 0) owner = thread;
  if (owner != thread && getpid() == owner) break_rule("%s is called by thread %ld, verbs were opened by %ld", name, thread, owner);
}

unsigned next_random(void) {
  random_state = random_state * 1664525u + 1013904223u;
  return random_state >> 8;
}

struct RealContext *adopt_context(struct ibv_context *context) {
  for (int k = 0; k < kMaxContexts; k++) {
    if (contexts[k].context == context && context->ops.post_send == post_send) return &contexts[k];
    // Free, or of a context that has been closed and whose memory is another's now.
    if (contexts[k].context != NULL && contexts[k].context != context) continue;
    contexts[k] = (struct RealContext){context, context->ops};
    context->ops.post_send = post_send;
    context->ops.post_recv = post_receive;
    context->ops.poll_cq = poll_queue;
    context->ops.req_notify_cq = notify_queue;
    return &contexts[k];
  }
  break_rule("more than %d contexts are open", kMaxContexts);
}

#define FORWARDED(each) \
  each(ibv_get_device_list) each(ibv_free_device_list) each(ibv_get_device_name) each(ibv_get_device_guid) \
  each(ibv_get_device_index) each(ibv_close_device) each(ibv_query_gid) each(ibv_query_pkey) each(ibv_alloc_pd) \
  each(ibv_dealloc_pd) each(ibv_create_comp_channel) each(ibv_destroy_comp_channel) each(ibv_get_cq_event) \
  each(ibv_ack_cq_events) each(ibv_get_async_event) each(ibv_ack_async_event) each(ibv_fork_init) \
  each(ibv_is_fork_initialized) each(ibv_wc_status_str) each(ibv_node_type_str) each(ibv_port_state_str) \
  each(ibv_event_type_str) each(ibv_query_qp) each(rdma_create_event_channel) each(rdma_destroy_event_channel) \
  each(rdma_create_id) each(rdma_destroy_id) each(rdma_get_devices) each(rdma_free_devices) each(rdma_event_str) \
  each(rdma_ack_cm_event) each(rdma_migrate_id) each(rdma_get_src_port) each(rdma_get_dst_port) \
  each(rdma_set_option) each(rdma_resolve_route) each(rdma_getaddrinfo) each(rdma_freeaddrinfo)
#define FORWARD(name) \
  __attribute__((visibility("hidden"))) void *forward_##name; \
  __asm__(".globl " #name "\n.type " #name ", @function\n" #name ":\n  jmp *forward_" #name "(%rip)\n");
FORWARDED(FORWARD)

/* What the strictest driver has not. */
#define REFUSED(each) \
  each(ibv_create_srq) each(ibv_create_ah) each(ibv_resize_cq) each(ibv_attach_mcast) each(rdma_create_srq) \
  each(rdma_join_multicast) each(rdma_create_ep) each(ibv_create_ah_from_wc) each(ibv_rereg_mr)
#define REFUSE(name) \
  void refuse_##name(void) __asm__(#name); \
  void refuse_##name(void) { break_rule("%s is called, which the strictest driver has not", #name); }
REFUSED(REFUSE)

__attribute__((constructor)) static void open_libraries(void) {
  const char *const names[] = {"libibverbs.so.1", "librdmacm.so.1"};
  for (int k = 0; k < 2; k++) {
    libraries[k] = dlopen(names[k], RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (libraries[k] == NULL) break_rule("%s", dlerror());
  }
#define RESOLVE(name) forward_##name = real_function(#name);
  FORWARDED(RESOLVE)
  settings.isSmall = number("TSMPI_INTERPOSER_SMALL", 0) != 0;
  settings.isGarbling = number("TSMPI_INTERPOSER_GARBLE", 0) != 0;
  const char *events = getenv("TSMPI_INTERPOSER_EVENTS");
  settings.hasEvents = events == NULL || strcmp(events, "off") != 0;
  settings.delay = number("TSMPI_INTERPOSER_DELAY", 0);
  random_state = settings.seed = number("TSMPI_INTERPOSER_SEED", 1);
  settings.failRegion = number("TSMPI_INTERPOSER_FAIL_REGION", 0);
  settings.regions = number("TSMPI_INTERPOSER_REGIONS", settings.isSmall ? 32 : kMaxRegions);
  const char *fail = getenv("TSMPI_INTERPOSER_FAIL");
  unsigned status = 0;
  if (fail != NULL && sscanf(fail, "%u:%u", &settings.failAt, &status) != 2) break_rule("TSMPI_INTERPOSER_FAIL is not n:status but %s", fail);
  settings.failWith = (enum ibv_wc_status)status;
}
