/* The loop watch: what the mappings must know about it. */
#ifndef TSMPI_WATCH_H
#define TSMPI_WATCH_H

#include <stdbool.h>
#include <stddef.h>

struct watch;

/* Say whether a running watch (or NULL) looks into that memory. */
bool watch_lies_in(const struct watch *watch, const void *address, size_t byte_length);
/* Stop a watch for good; a second time does nothing. Its memory stays until libuv has closed the handles. */
void watch_stop(struct watch *watch);

#endif
