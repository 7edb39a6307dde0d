/* POSIX threads for a program that has one thread, the same with every wasi-libc: some releases have none of these
   functions (wasi-sdk 24), others have some, and CPython's own stubs (Python/thread_pthread_stubs.h, which are made weak)
   keep no state.

   Only the one thread holds locks. A lock that it holds already is a deadlock, which is reported (EDEADLK, EBUSY) where
   POSIX has an error for it. Nothing ever signals a condition: a wait with a deadline lasts until the deadline, and one
   without lasts for ever, as it would elsewhere. Both wake up now and then, which POSIX allows, so that the caller sees
   an interrupt. */
#define _GNU_SOURCE
#define _WASI_EMULATED_PTHREAD
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "hatch_wasi_fit.h"
#include "hatch_wasi_threads.h"

#define SECOND 1000000000
#define NAP 20000000 /* nanoseconds: seldom enough to cost nothing, soon enough for a person who presses Ctrl-C */
#define EXCLUSIVE (-1)

/* What the opaque types hold. All zero is what the static initializers make. */
enum { MUTEX_TYPE, MUTEX_COUNT };
enum { CONDITION_MONOTONIC };
enum { BARRIER_COUNT };
enum { RWLOCK_HOLDERS };

static int remaining(clockid_t clock, const struct timespec *deadline, struct timespec *left)
{
    struct timespec now;
    if (deadline->tv_nsec < 0 || deadline->tv_nsec >= SECOND)
        return EINVAL;
    if (clock_gettime(clock, &now))
        return errno;
    left->tv_sec = deadline->tv_sec - now.tv_sec;
    left->tv_nsec = deadline->tv_nsec - now.tv_nsec;
    if (left->tv_nsec < 0) {
        left->tv_sec--;
        left->tv_nsec += SECOND;
    }
    return left->tv_sec < 0 || (left->tv_sec == 0 && left->tv_nsec == 0) ? ETIMEDOUT : 0;
}

int hatch_wasi_nap(clockid_t clock, const struct timespec *deadline)
{
    struct timespec left;
    int error = remaining(clock, deadline, &left);
    if (error)
        return error;
    if (left.tv_sec > 0 || left.tv_nsec > NAP)
        left = (struct timespec){.tv_nsec = NAP};
    nanosleep(&left, NULL);
    return remaining(clock, deadline, &left);
}

int hatch_wasi_wait_until(clockid_t clock, const struct timespec *deadline)
{
    int error;
    while ((error = hatch_wasi_nap(clock, deadline)) == 0)
        ;
    return error;
}

int pthread_mutex_init(pthread_mutex_t *restrict mutex, const pthread_mutexattr_t *restrict attributes)
{
    int type = PTHREAD_MUTEX_DEFAULT;
    memset(mutex, 0, sizeof *mutex);
    if (attributes)
        pthread_mutexattr_gettype(attributes, &type);
    mutex->__u.__i[MUTEX_TYPE] = type;
    return 0;
}

int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    (void)mutex;
    return 0;
}

static int lock_mutex(pthread_mutex_t *mutex, int held)
{
    int *count = &mutex->__u.__i[MUTEX_COUNT];
    if (*count == 0 || mutex->__u.__i[MUTEX_TYPE] == PTHREAD_MUTEX_RECURSIVE) {
        if (*count == INT_MAX)
            return EAGAIN;
        ++*count;
        return 0;
    }
    return held;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    return lock_mutex(mutex, EDEADLK);
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    return lock_mutex(mutex, EBUSY);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict deadline)
{
    int error = pthread_mutex_lock(mutex);
    if (error == EDEADLK && mutex->__u.__i[MUTEX_TYPE] != PTHREAD_MUTEX_ERRORCHECK)
        return hatch_wasi_wait_until(CLOCK_REALTIME, deadline);
    return error;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    int *count = &mutex->__u.__i[MUTEX_COUNT];
    if (*count == 0)
        return mutex->__u.__i[MUTEX_TYPE] == PTHREAD_MUTEX_NORMAL ? 0 : EPERM;
    --*count;
    return 0;
}

/* A robust mutex is made consistent after its owner has died, and the only owner is alive. */
int pthread_mutex_consistent(pthread_mutex_t *mutex)
{
    (void)mutex;
    return EINVAL;
}

int pthread_mutex_getprioceiling(const pthread_mutex_t *restrict mutex, int *restrict ceiling)
{
    (void)mutex, (void)ceiling;
    return EINVAL; /* no mutex has that protocol */
}

int pthread_mutex_setprioceiling(pthread_mutex_t *restrict mutex, int ceiling, int *restrict old)
{
    (void)mutex, (void)ceiling, (void)old;
    return EINVAL;
}

int pthread_cond_init(pthread_cond_t *restrict condition, const pthread_condattr_t *restrict attributes)
{
    clockid_t clock = CLOCK_REALTIME;
    memset(condition, 0, sizeof *condition);
    if (attributes)
        pthread_condattr_getclock(attributes, &clock);
    condition->__u.__i[CONDITION_MONOTONIC] = clock == CLOCK_MONOTONIC;
    return 0;
}

int pthread_cond_destroy(pthread_cond_t *condition)
{
    (void)condition;
    return 0;
}

int pthread_cond_wait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex)
{
    struct timespec nap = {.tv_nsec = NAP};
    (void)condition, (void)mutex;
    nanosleep(&nap, NULL);
    return 0;
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict deadline)
{
    (void)mutex;
    return hatch_wasi_nap(condition->__u.__i[CONDITION_MONOTONIC] ? CLOCK_MONOTONIC : CLOCK_REALTIME, deadline);
}

int pthread_cond_signal(pthread_cond_t *condition)
{
    (void)condition;
    return 0;
}

int pthread_cond_broadcast(pthread_cond_t *condition)
{
    (void)condition;
    return 0;
}

int pthread_rwlock_init(pthread_rwlock_t *restrict lock, const pthread_rwlockattr_t *restrict attributes)
{
    (void)attributes;
    memset(lock, 0, sizeof *lock);
    return 0;
}

int pthread_rwlock_destroy(pthread_rwlock_t *lock)
{
    (void)lock;
    return 0;
}

static int lock_to_read(pthread_rwlock_t *lock, int held)
{
    int *holders = &lock->__u.__i[RWLOCK_HOLDERS];
    if (*holders == EXCLUSIVE)
        return held;
    if (*holders == INT_MAX)
        return EAGAIN;
    ++*holders;
    return 0;
}

static int lock_to_write(pthread_rwlock_t *lock, int held)
{
    int *holders = &lock->__u.__i[RWLOCK_HOLDERS];
    if (*holders)
        return held;
    *holders = EXCLUSIVE;
    return 0;
}

int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
    return lock_to_read(lock, EDEADLK);
}

int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock)
{
    return lock_to_read(lock, EBUSY);
}

int pthread_rwlock_timedrdlock(pthread_rwlock_t *restrict lock, const struct timespec *restrict deadline)
{
    (void)deadline;
    return lock_to_read(lock, EDEADLK);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
    return lock_to_write(lock, EDEADLK);
}

int pthread_rwlock_trywrlock(pthread_rwlock_t *lock)
{
    return lock_to_write(lock, EBUSY);
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t *restrict lock, const struct timespec *restrict deadline)
{
    (void)deadline;
    return lock_to_write(lock, EDEADLK);
}

int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
    int *holders = &lock->__u.__i[RWLOCK_HOLDERS];
    if (*holders == 0)
        return EPERM;
    *holders = *holders == EXCLUSIVE ? 0 : *holders - 1;
    return 0;
}

int pthread_spin_init(pthread_spinlock_t *lock, int shared)
{
    (void)shared;
    *lock = 0;
    return 0;
}

int pthread_spin_destroy(pthread_spinlock_t *lock)
{
    (void)lock;
    return 0;
}

int pthread_spin_lock(pthread_spinlock_t *lock)
{
    if (*lock)
        return EDEADLK;
    *lock = 1;
    return 0;
}

int pthread_spin_trylock(pthread_spinlock_t *lock)
{
    return pthread_spin_lock(lock) ? EBUSY : 0;
}

int pthread_spin_unlock(pthread_spinlock_t *lock)
{
    *lock = 0;
    return 0;
}

int pthread_barrier_init(pthread_barrier_t *restrict barrier, const pthread_barrierattr_t *restrict attributes,
                         unsigned count)
{
    (void)attributes;
    if (count == 0 || count > INT_MAX)
        return EINVAL;
    memset(barrier, 0, sizeof *barrier);
    barrier->__u.__i[BARRIER_COUNT] = (int)count;
    return 0;
}

int pthread_barrier_destroy(pthread_barrier_t *barrier)
{
    (void)barrier;
    return 0;
}

/* The others that a barrier of more than one waits for never come. */
int pthread_barrier_wait(pthread_barrier_t *barrier)
{
    return barrier->__u.__i[BARRIER_COUNT] == 1 ? PTHREAD_BARRIER_SERIAL_THREAD : EDEADLK;
}

int pthread_once(pthread_once_t *once, void (*function)(void))
{
    if (!*once) {
        *once = 1;
        HATCH_WASI_FIT(function, 0, 0)();
    }
    return 0;
}
