/* What CPython's and wasi-libc's pthreads leave out, and functions that WASI cannot offer. */
#define _WASI_EMULATED_MMAN
#include "module.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <threads.h>

extern int dup(int), pipe(int *);

static int runs;

static void count(void *value)
{
    (void)value;
    runs++;
}

static void once(void)
{
    runs++;
}

FUNCTION(keys)
{
    pthread_key_t key;
    tss_t other;
    int made = pthread_key_create(&key, count), created = tss_create(&other, count);
    pthread_setspecific(key, &runs);
    tss_set(other, &key);
    PyObject *result = Py_BuildValue("iiOO", made, created, pthread_getspecific(key) == &runs ? Py_True : Py_False,
                                     tss_get(other) == &key ? Py_True : Py_False);
    pthread_key_delete(key);
    tss_delete(other);
    return result;
}

FUNCTION(onces)
{
    static pthread_once_t first = PTHREAD_ONCE_INIT;
    static once_flag second = ONCE_FLAG_INIT;
    runs = 0;
    for (int round = 0; round < 3; round++) {
        pthread_once(&first, once);
        call_once(&second, once);
    }
    return PyLong_FromLong(runs);
}

FUNCTION(locks)
{
    mtx_t mutex;
    cnd_t condition;
    sem_t semaphore;
    int value, all = mtx_init(&mutex, mtx_plain) | mtx_lock(&mutex) | mtx_unlock(&mutex) | cnd_init(&condition);
    all |= cnd_broadcast(&condition) | sem_init(&semaphore, 0, 1) | sem_wait(&semaphore);
    errno = 0;
    int waited = sem_wait(&semaphore), reason = errno;
    sem_post(&semaphore);
    sem_getvalue(&semaphore, &value);
    return Py_BuildValue("iiOi", all, waited, reason == EDEADLK ? Py_True : Py_False, value);
}

FUNCTION(refused)
{
    int ends[2];
    errno = 0;
    int copy = dup(99), reason = errno;
    return Py_BuildValue("iOiiii", copy, reason == EBADF ? Py_True : Py_False, pipe(ends), system(NULL), system("true"),
                         madvise(&runs, sizeof runs, 0));
}

FUNCTION(leave)
{
    thrd_exit(1);
}

MODULE(threads, NOARGS(keys), NOARGS(onces), NOARGS(locks), NOARGS(refused), NOARGS(leave))
