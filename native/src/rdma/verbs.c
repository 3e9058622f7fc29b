/* Loading libibverbs and librdmacm: see the header. */

#include "verbs.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t verbs_counters[kCounterCount];

#ifndef TSMPI_HAS_VERBS

const char *verbs_load(void) {
  return "the addon was built without the headers of libibverbs and librdmacm (Debian: libibverbs-dev, librdmacm-dev)";
}

#else

struct verbs verbs;

enum { kProblemCapacity = 320 };
static char problem[kProblemCapacity];
static bool is_tried;
/* Newer than the rest, its type too, so not demanded: kForkUnneeded says that the kernel makes fork safe. */
static int (*fork_status)(void);
static const int kForkUnneeded = 2;

static const char *library_path(const char *variable, const char *usual) {
  const char *named = getenv(variable);
  return named != NULL && *named != '\0' ? named : usual;
}

static void *open_library(const char *variable, const char *usual, const char *package) {
  const char *path = library_path(variable, usual);
  void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
  if (library != NULL) return library;
  const char *why = dlerror();
  snprintf(problem, sizeof problem, "%s does not load (%s): expected Debian's %s, or another in %s", path,
           why == NULL ? "no reason given" : why, package, variable);
  return NULL;
}

static void *find(void *library, const char *path, const char *name) {
  void *symbol = dlsym(library, name);
  if (symbol == NULL && problem[0] == '\0') snprintf(problem, sizeof problem, "%s lacks %s: expected rdma-core 15 or newer", path, name);
  return symbol;
}

const char *verbs_load(void) {
  if (is_tried) return problem[0] == '\0' ? NULL : problem;
  is_tried = true;
  void *library = open_library("TSMPI_RDMA_VERBS_LIBRARY", "libibverbs.so.1", "libibverbs1");
  if (library == NULL) return problem;
  /* A pointer to a function as memory: dlsym's own way (POSIX). */
#define FIND_SYMBOL(name) *(void **)&verbs.name##_ = find(library, path, #name);
  const char *path = library_path("TSMPI_RDMA_VERBS_LIBRARY", "libibverbs.so.1");
  VERBS_SYMBOLS(FIND_SYMBOL)
  *(void **)&fork_status = dlsym(library, "ibv_is_fork_initialized");
  library = open_library("TSMPI_RDMA_CM_LIBRARY", "librdmacm.so.1", "librdmacm1");
  if (library == NULL) return problem;
  path = library_path("TSMPI_RDMA_CM_LIBRARY", "librdmacm.so.1");
  CM_SYMBOLS(FIND_SYMBOL)
#undef FIND_SYMBOL
  return problem[0] == '\0' ? NULL : problem;
}

int verbs_fork_init(int huge_pages) {
  static bool is_done;
  if (is_done) return 0;
  is_done = true;
  if (fork_status != NULL && fork_status() == kForkUnneeded) return 0;
  if (huge_pages) setenv("RDMAV_HUGEPAGES_SAFE", "1", 0);
  return -verbs.ibv_fork_init_();
}

#endif
