/* How the guest's threads wait: guest/pthreads.c has the functions, guest/threads.c uses them too. */
#ifndef HATCH_WASI_THREADS_H
#define HATCH_WASI_THREADS_H

#include <time.h>

/* Sleep until `deadline`, or for the length of a nap if that is shorter. Return ETIMEDOUT once the deadline has come,
   0 before it, EINVAL if it is no time. */
int hatch_wasi_nap(clockid_t clock, const struct timespec *deadline);

/* Sleep until `deadline`. Return ETIMEDOUT, or EINVAL if it is no time. */
int hatch_wasi_wait_until(clockid_t clock, const struct timespec *deadline);

#endif
