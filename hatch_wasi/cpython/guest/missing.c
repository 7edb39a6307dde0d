/* Functions that extensions refer to and wasi-libc lacks, because WASI cannot do what they do: they say so when they are
   called, so that a module that only might call one can be loaded. Some it lacks for no such reason. Weak, as another
   wasi-libc may have them. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#pragma clang attribute push(__attribute__((weak)), apply_to = function)

/* WASI has no second descriptor for an open file. */
int dup(int fd)
{
    (void)fd;
    errno = ENOTSUP;
    return -1;
}

int dup2(int from, int to)
{
    if (from == to)
        return to;
    errno = ENOTSUP;
    return -1;
}

int pipe(int *ends)
{
    (void)ends;
    errno = ENOTSUP;
    return -1;
}

/* No processes. */
int system(const char *command)
{
    errno = ENOSYS;
    return command ? -1 : 0; /* 0: there is no shell */
}

/* Memory is never paged out, and advice about it changes nothing. */
int mlock(const void *address, size_t size)
{
    (void)address, (void)size;
    return 0;
}

int munlock(const void *address, size_t size)
{
    (void)address, (void)size;
    return 0;
}

int madvise(void *address, size_t size, int advice)
{
    (void)address, (void)size, (void)advice;
    return 0;
}

int posix_madvise(void *address, size_t size, int advice)
{
    (void)address, (void)size, (void)advice;
    return 0;
}

char *secure_getenv(const char *name)
{
    return getenv(name);
}

#pragma clang attribute pop
