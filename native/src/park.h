/* The doorbell's read end, for those who were told that it rang. */
#ifndef TSMPI_PARK_H
#define TSMPI_PARK_H

/* Read the doorbell empty. It must not block (O_NONBLOCK). */
void drain_bell(int bell);

#endif
