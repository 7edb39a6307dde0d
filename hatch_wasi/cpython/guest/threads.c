/* Threads that cannot be started, for a program that has one: POSIX's, C11's, and the semaphores. guest/pthreads.c has the
   locks and conditions, guest/pthread_attributes.c the attributes. The one thread holds all locks, nothing else waits for
   them, and it cannot start another thread. Weak, as CPython defines some of them. */
#define _GNU_SOURCE
#define _WASI_EMULATED_PTHREAD
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "hatch_wasi_fit.h"
#include "hatch_wasi_threads.h"

#define KEYS 128
#define LONGEST_NAME 16 /* its end included, as on Linux */

/* Not every release of wasi-libc declares it. */
int pthread_cancel(pthread_t);

static char thread_name[LONGEST_NAME];

/* Any address that is not 0, which CPython's stub gives: C++ takes 0 for no thread. */
pthread_t pthread_self(void)
{
    return (pthread_t)thread_name;
}

thrd_t thrd_current(void)
{
    return pthread_self();
}

int (pthread_equal)(pthread_t one, pthread_t other)
{
    return one == other;
}

int (thrd_equal)(thrd_t one, thrd_t other)
{
    return one == other;
}

/* C11's mutexes and conditions are POSIX's, with other names for the errors. */
static int c11(int error)
{
    switch (error) {
    case 0:
        return thrd_success;
    case EBUSY:
        return thrd_busy;
    case ETIMEDOUT:
        return thrd_timedout;
    default:
        return thrd_error;
    }
}

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "a mutex of C11 is one of POSIX");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "a condition of C11 is one of POSIX");

#pragma clang attribute push(__attribute__((weak)), apply_to = function)

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes, void *(*function)(void *),
                   void *restrict argument)
{
    (void)thread, (void)attributes, (void)function, (void)argument;
    return EAGAIN;
}

/* The one thread cannot wait for its own end, and no other was ever started. */
int pthread_join(pthread_t thread, void **result)
{
    (void)result;
    return thread == pthread_self() ? EDEADLK : ESRCH;
}

int pthread_tryjoin_np(pthread_t thread, void **result)
{
    (void)result;
    return thread == pthread_self() ? EBUSY : ESRCH;
}

int pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *deadline)
{
    (void)deadline;
    return pthread_join(thread, result);
}

int pthread_detach(pthread_t thread)
{
    return thread == pthread_self() ? 0 : ESRCH;
}

int pthread_cancel(pthread_t thread)
{
    (void)thread;
    return ENOTSUP;
}

int pthread_setcancelstate(int state, int *old)
{
    static int current = PTHREAD_CANCEL_ENABLE;
    if (state < PTHREAD_CANCEL_ENABLE || state > PTHREAD_CANCEL_MASKED)
        return EINVAL;
    if (old)
        *old = current;
    current = state;
    return 0;
}

int pthread_setcanceltype(int type, int *old)
{
    static int current = PTHREAD_CANCEL_DEFERRED;
    if (type != PTHREAD_CANCEL_DEFERRED && type != PTHREAD_CANCEL_ASYNCHRONOUS)
        return EINVAL;
    if (old)
        *old = current;
    current = type;
    return 0;
}

void pthread_testcancel(void)
{
}

/* What pthread_cleanup_push and pthread_cleanup_pop, which are macros, call. */
void _pthread_cleanup_push(struct __ptcb *entry, void (*function)(void *), void *argument)
{
    entry->__f = function;
    entry->__x = argument;
}

void _pthread_cleanup_pop(struct __ptcb *entry, int execute)
{
    if (execute)
        HATCH_WASI_FIT(entry->__f, 1, 0)(entry->__x);
}

int pthread_setname_np(pthread_t thread, const char *name)
{
    (void)thread;
    if (strnlen(name, LONGEST_NAME) == LONGEST_NAME)
        return ERANGE;
    strcpy(thread_name, name);
    return 0;
}

int pthread_getname_np(pthread_t thread, char *name, size_t size)
{
    (void)thread;
    if (size <= strlen(thread_name))
        return ERANGE;
    strcpy(name, thread_name);
    return 0;
}

int pthread_getconcurrency(void)
{
    return 0;
}

int pthread_setconcurrency(int level)
{
    return level < 0 ? EINVAL : 0;
}

/* CPython has keys of its own; these are for other programs. */
static struct {
    int used;
    void *value;
} keys[KEYS];

int pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    (void)destructor; /* for a thread that ends before the program does */
    for (unsigned i = 0; i < KEYS; i++)
        if (!keys[i].used) {
            keys[i].used = 1;
            *key = i;
            return 0;
        }
    return EAGAIN;
}

int pthread_key_delete(pthread_key_t key)
{
    if (key >= KEYS || !keys[key].used)
        return EINVAL;
    keys[key].used = 0;
    keys[key].value = NULL;
    return 0;
}

void *pthread_getspecific(pthread_key_t key)
{
    return key < KEYS ? keys[key].value : NULL;
}

int pthread_setspecific(pthread_key_t key, const void *value)
{
    if (key >= KEYS || !keys[key].used)
        return EINVAL;
    keys[key].value = (void *)value;
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
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, type & mtx_recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL);
    return c11(pthread_mutex_init((pthread_mutex_t *)mutex, &attributes));
}

void mtx_destroy(mtx_t *mutex)
{
    (void)mutex;
}

int mtx_lock(mtx_t *mutex)
{
    return c11(pthread_mutex_lock((pthread_mutex_t *)mutex));
}

int mtx_timedlock(mtx_t *restrict mutex, const struct timespec *restrict deadline)
{
    return c11(pthread_mutex_timedlock((pthread_mutex_t *)mutex, deadline));
}

int mtx_trylock(mtx_t *mutex)
{
    return c11(pthread_mutex_trylock((pthread_mutex_t *)mutex));
}

int mtx_unlock(mtx_t *mutex)
{
    return c11(pthread_mutex_unlock((pthread_mutex_t *)mutex));
}

int cnd_init(cnd_t *condition)
{
    return c11(pthread_cond_init((pthread_cond_t *)condition, NULL));
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

int cnd_wait(cnd_t *condition, mtx_t *mutex)
{
    return c11(pthread_cond_wait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex));
}

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict deadline)
{
    return c11(pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, deadline));
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
    if (value > INT_MAX) {
        errno = EINVAL;
        return -1;
    }
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
    if (semaphore->__val[0] == INT_MAX) {
        errno = EOVERFLOW;
        return -1;
    }
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

/* Nothing can post while the one thread waits: the wait would last for ever. */
int sem_wait(sem_t *semaphore)
{
    if (sem_trywait(semaphore) == 0)
        return 0;
    errno = EDEADLK;
    return -1;
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict deadline)
{
    if (sem_trywait(semaphore) == 0)
        return 0;
    errno = hatch_wasi_wait_until(CLOCK_REALTIME, deadline);
    return -1;
}

/* A semaphore with a name is for several programs, and WASI has no place for it. */
sem_t *sem_open(const char *name, int flags, ...)
{
    (void)name, (void)flags;
    errno = ENOSYS;
    return SEM_FAILED;
}

int sem_close(sem_t *semaphore)
{
    (void)semaphore;
    errno = EINVAL;
    return -1;
}

int sem_unlink(const char *name)
{
    (void)name;
    errno = ENOENT;
    return -1;
}

unsigned long PyThread_get_thread_native_id(void)
{
    return 1; /* the one */
}

#pragma clang attribute pop
