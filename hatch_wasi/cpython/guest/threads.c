/* CPython brings pthread stubs of its own for WASI (Python/thread_pthread_stubs.h), which leave out functions that
   extensions, and wasi-libc's C11 threads, refer to. One thread: nobody waits, so waking everybody is done. */
#include <pthread.h>

int pthread_cond_broadcast(pthread_cond_t *condition)
{
    (void)condition;
    return 0;
}
