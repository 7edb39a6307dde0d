/* CPython brings pthread stubs of its own for WASI (Python/thread_pthread_stubs.h), which leave out functions that
   extensions refer to, and with which wasi-libc's own of these do not link. There is one thread: nobody holds a lock
   against it, nobody waits for it, and it cannot start another. Weak, as another CPython may define more of them. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <threads.h>

#include "hatch_wasi_fit.h"

#pragma clang attribute push(__attribute__((weak)), apply_to = function)

int pthread_cond_broadcast(pthread_cond_t *condition)
{
    (void)condition;
    return 0;
}

int pthread_once(pthread_once_t *once, void (*function)(void))
{
    if (!*once) {
        *once = 1;
        HATCH_WASI_FIT(function, 0, 0)();
    }
    return 0;
}

void call_once(once_flag *once, void (*function)(void))
{
    pthread_once(once, function);
}

int pthread_atfork(void (*before)(void), void (*parent)(void), void (*child)(void))
{
    (void)before, (void)parent, (void)child;
    return 0; /* nothing ever forks */
}

int thrd_create(thrd_t *thread, thrd_start_t function, void *argument)
{
    (void)thread, (void)function, (void)argument;
    return thrd_error;
}

/* The last thread to end ends the program, with status 0 (C11), as CPython's pthread_exit does. */
_Noreturn void thrd_exit(int result)
{
    (void)result;
    exit(0);
}

int thrd_join(thrd_t thread, int *result)
{
    (void)thread, (void)result;
    return thrd_error;
}

int thrd_detach(thrd_t thread)
{
    (void)thread;
    return thrd_error;
}

void thrd_yield(void)
{
}

int mtx_init(mtx_t *mutex, int type)
{
    (void)mutex, (void)type;
    return thrd_success;
}

void mtx_destroy(mtx_t *mutex)
{
    (void)mutex;
}

int mtx_lock(mtx_t *mutex)
{
    (void)mutex;
    return thrd_success;
}

int mtx_timedlock(mtx_t *restrict mutex, const struct timespec *restrict deadline)
{
    (void)mutex, (void)deadline;
    return thrd_success;
}

int mtx_trylock(mtx_t *mutex)
{
    (void)mutex;
    return thrd_success;
}

int mtx_unlock(mtx_t *mutex)
{
    (void)mutex;
    return thrd_success;
}

int cnd_init(cnd_t *condition)
{
    (void)condition;
    return thrd_success;
}

void cnd_destroy(cnd_t *condition)
{
    (void)condition;
}

int cnd_signal(cnd_t *condition)
{
    (void)condition;
    return thrd_success;
}

int cnd_broadcast(cnd_t *condition)
{
    (void)condition;
    return thrd_success;
}

int tss_create(tss_t *key, tss_dtor_t destructor)
{
    return pthread_key_create(key, destructor) ? thrd_error : thrd_success;
}

void tss_delete(tss_t key)
{
    pthread_key_delete(key);
}

void *tss_get(tss_t key)
{
    return pthread_getspecific(key);
}

int tss_set(tss_t key, void *value)
{
    return pthread_setspecific(key, value) ? thrd_error : thrd_success;
}

int sem_init(sem_t *semaphore, int shared, unsigned value)
{
    (void)shared;
    semaphore->__val[0] = (int)value;
    return 0;
}

int sem_destroy(sem_t *semaphore)
{
    (void)semaphore;
    return 0;
}

int sem_getvalue(sem_t *restrict semaphore, int *restrict value)
{
    *value = semaphore->__val[0];
    return 0;
}

int sem_post(sem_t *semaphore)
{
    semaphore->__val[0]++;
    return 0;
}

int sem_trywait(sem_t *semaphore)
{
    if (semaphore->__val[0] > 0) {
        semaphore->__val[0]--;
        return 0;
    }
    errno = EAGAIN;
    return -1;
}

/* To wait for a post that nobody can make would be to wait forever. */
int sem_wait(sem_t *semaphore)
{
    if (sem_trywait(semaphore) == 0)
        return 0;
    errno = EDEADLK;
    return -1;
}

unsigned long PyThread_get_thread_native_id(void)
{
    return 1; /* the one */
}

#pragma clang attribute pop
