/* The attributes of POSIX threads and their locks: what was set is what is read. None has an effect but the type of a
   mutex and the clock of a condition (guest/pthreads.c). */
#define _WASI_EMULATED_PTHREAD
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#define LEAST_STACK 2048
#define DEFAULT_STACK 131072
#define DEFAULT_GUARD 8192

enum { STACK_SIZE, GUARD_SIZE, STACK_END, DETACHED, PRIORITY }; /* of pthread_attr_t */
enum { TYPE = 3, ROBUST = 4, INHERIT = 8, SHARED = 16, MONOTONIC = 32 }; /* bits of the others */

struct sched_param; /* not every release of wasi-libc defines it: it begins with an int, the priority */
int pthread_attr_getschedparam(const pthread_attr_t *restrict, struct sched_param *restrict);
int pthread_attr_setschedparam(pthread_attr_t *restrict, const struct sched_param *restrict);

static int set_bit(unsigned *bits, unsigned bit, int value)
{
    if (value != 0 && value != 1)
        return EINVAL;
    *bits = value ? *bits | bit : *bits & ~bit;
    return 0;
}

int pthread_attr_init(pthread_attr_t *attributes)
{
    memset(attributes, 0, sizeof *attributes);
    attributes->__u.__s[STACK_SIZE] = DEFAULT_STACK;
    attributes->__u.__s[GUARD_SIZE] = DEFAULT_GUARD;
    return 0;
}

int pthread_attr_destroy(pthread_attr_t *attributes)
{
    (void)attributes;
    return 0;
}

int pthread_attr_getstacksize(const pthread_attr_t *restrict attributes, size_t *restrict size)
{
    *size = attributes->__u.__s[STACK_SIZE];
    return 0;
}

int pthread_attr_setstacksize(pthread_attr_t *attributes, size_t size)
{
    if (size < LEAST_STACK)
        return EINVAL;
    attributes->__u.__s[STACK_SIZE] = size;
    attributes->__u.__s[STACK_END] = 0;
    return 0;
}

int pthread_attr_getguardsize(const pthread_attr_t *restrict attributes, size_t *restrict size)
{
    *size = attributes->__u.__s[GUARD_SIZE];
    return 0;
}

int pthread_attr_setguardsize(pthread_attr_t *attributes, size_t size)
{
    attributes->__u.__s[GUARD_SIZE] = size;
    return 0;
}

int pthread_attr_getstack(const pthread_attr_t *restrict attributes, void **restrict stack, size_t *restrict size)
{
    if (!attributes->__u.__s[STACK_END])
        return EINVAL;
    *size = attributes->__u.__s[STACK_SIZE];
    *stack = (void *)(attributes->__u.__s[STACK_END] - *size);
    return 0;
}

int pthread_attr_setstack(pthread_attr_t *attributes, void *stack, size_t size)
{
    if (size < LEAST_STACK)
        return EINVAL;
    attributes->__u.__s[STACK_SIZE] = size;
    attributes->__u.__s[STACK_END] = (size_t)stack + size;
    return 0;
}

int pthread_attr_getdetachstate(const pthread_attr_t *attributes, int *state)
{
    *state = (int)attributes->__u.__s[DETACHED];
    return 0;
}

int pthread_attr_setdetachstate(pthread_attr_t *attributes, int state)
{
    if (state != PTHREAD_CREATE_JOINABLE && state != PTHREAD_CREATE_DETACHED)
        return EINVAL;
    attributes->__u.__s[DETACHED] = (unsigned long)state;
    return 0;
}

int pthread_attr_getschedparam(const pthread_attr_t *restrict attributes, struct sched_param *restrict parameters)
{
    memcpy(parameters, &attributes->__u.__s[PRIORITY], sizeof(int));
    return 0;
}

int pthread_attr_setschedparam(pthread_attr_t *restrict attributes, const struct sched_param *restrict parameters)
{
    memcpy(&attributes->__u.__s[PRIORITY], parameters, sizeof(int));
    return 0;
}

int pthread_attr_getscope(const pthread_attr_t *restrict attributes, int *restrict scope)
{
    (void)attributes;
    *scope = PTHREAD_SCOPE_SYSTEM;
    return 0;
}

int pthread_attr_setscope(pthread_attr_t *attributes, int scope)
{
    (void)attributes;
    return scope == PTHREAD_SCOPE_SYSTEM ? 0 : scope == PTHREAD_SCOPE_PROCESS ? ENOTSUP : EINVAL;
}

int pthread_mutexattr_init(pthread_mutexattr_t *attributes)
{
    attributes->__attr = 0;
    return 0;
}

int pthread_mutexattr_destroy(pthread_mutexattr_t *attributes)
{
    (void)attributes;
    return 0;
}

int pthread_mutexattr_gettype(const pthread_mutexattr_t *restrict attributes, int *restrict type)
{
    *type = attributes->__attr & TYPE;
    return 0;
}

int pthread_mutexattr_settype(pthread_mutexattr_t *attributes, int type)
{
    if (type < PTHREAD_MUTEX_NORMAL || type > PTHREAD_MUTEX_ERRORCHECK)
        return EINVAL;
    attributes->__attr = (attributes->__attr & ~(unsigned)TYPE) | (unsigned)type;
    return 0;
}

int pthread_mutexattr_getrobust(const pthread_mutexattr_t *restrict attributes, int *restrict robust)
{
    *robust = (attributes->__attr & ROBUST) != 0;
    return 0;
}

int pthread_mutexattr_setrobust(pthread_mutexattr_t *attributes, int robust)
{
    return set_bit(&attributes->__attr, ROBUST, robust);
}

int pthread_mutexattr_getprotocol(const pthread_mutexattr_t *restrict attributes, int *restrict protocol)
{
    *protocol = attributes->__attr & INHERIT ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE;
    return 0;
}

int pthread_mutexattr_setprotocol(pthread_mutexattr_t *attributes, int protocol)
{
    return protocol == PTHREAD_PRIO_PROTECT ? ENOTSUP : set_bit(&attributes->__attr, INHERIT, protocol);
}

int pthread_mutexattr_getpshared(const pthread_mutexattr_t *restrict attributes, int *restrict shared)
{
    *shared = (attributes->__attr & SHARED) != 0;
    return 0;
}

int pthread_mutexattr_setpshared(pthread_mutexattr_t *attributes, int shared)
{
    return set_bit(&attributes->__attr, SHARED, shared);
}

int pthread_condattr_init(pthread_condattr_t *attributes)
{
    attributes->__attr = 0;
    return 0;
}

int pthread_condattr_destroy(pthread_condattr_t *attributes)
{
    (void)attributes;
    return 0;
}

int pthread_condattr_getclock(const pthread_condattr_t *restrict attributes, clockid_t *restrict clock)
{
    *clock = attributes->__attr & MONOTONIC ? CLOCK_MONOTONIC : CLOCK_REALTIME;
    return 0;
}

int pthread_condattr_setclock(pthread_condattr_t *attributes, clockid_t clock)
{
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)
        return EINVAL;
    return set_bit(&attributes->__attr, MONOTONIC, clock == CLOCK_MONOTONIC);
}

int pthread_condattr_getpshared(const pthread_condattr_t *restrict attributes, int *restrict shared)
{
    *shared = (attributes->__attr & SHARED) != 0;
    return 0;
}

int pthread_condattr_setpshared(pthread_condattr_t *attributes, int shared)
{
    return set_bit(&attributes->__attr, SHARED, shared);
}

int pthread_rwlockattr_init(pthread_rwlockattr_t *attributes)
{
    memset(attributes, 0, sizeof *attributes);
    return 0;
}

int pthread_rwlockattr_destroy(pthread_rwlockattr_t *attributes)
{
    (void)attributes;
    return 0;
}

int pthread_rwlockattr_getpshared(const pthread_rwlockattr_t *restrict attributes, int *restrict shared)
{
    *shared = (attributes->__attr[0] & SHARED) != 0;
    return 0;
}

int pthread_rwlockattr_setpshared(pthread_rwlockattr_t *attributes, int shared)
{
    return set_bit(&attributes->__attr[0], SHARED, shared);
}

int pthread_barrierattr_init(pthread_barrierattr_t *attributes)
{
    attributes->__attr = 0;
    return 0;
}

int pthread_barrierattr_destroy(pthread_barrierattr_t *attributes)
{
    (void)attributes;
    return 0;
}

int pthread_barrierattr_getpshared(const pthread_barrierattr_t *restrict attributes, int *restrict shared)
{
    *shared = (attributes->__attr & SHARED) != 0;
    return 0;
}

int pthread_barrierattr_setpshared(pthread_barrierattr_t *attributes, int shared)
{
    return set_bit(&attributes->__attr, SHARED, shared);
}
