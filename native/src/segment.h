/* Mappings of the environment: what the watch must know about them. */
#ifndef TSMPI_SEGMENT_H
#define TSMPI_SEGMENT_H

#include <stddef.h>

#include "addon.h"

/*
 * Memory that an ArrayBuffer lies over. Owned by that ArrayBuffer: freed by its finalizer. `address` is NULL once the
 * memory was given back early by unmap(), so that it is never unmapped twice.
 */
struct mapping {
  void *address;
  size_t byte_length;
  struct addon_state *state;
  struct mapping *next;
};

#endif
