/* Functions that extensions refer to and wasi-libc lacks, because WASI cannot do what they do: they say so when they are
   called, so that a module that only might call one can be loaded. Some it lacks for no such reason. Weak, as another
   wasi-libc may have them. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#pragma clang attribute push(__attribute__((weak)), apply_to = function)

int pipe(int *ends)
{
    (void)ends;
    errno = ENOTSUP;
    return -1;
}

/* Nobody is told from anybody else, and wasi-libc's stat says that every file is user 0's. */
uid_t getuid(void)
{
    return 0;
}

uid_t geteuid(void)
{
    return 0;
}

gid_t getgid(void)
{
    return 0;
}

gid_t getegid(void)
{
    return 0;
}

/* Files have no modes, so the mask is of use to nobody but who asks for it. */
mode_t umask(mode_t mask)
{
    static mode_t current = 022;
    mode_t before = current;
    current = mask & 0777;
    return before;
}

/* No processes. */
int system(const char *command)
{
    errno = ENOSYS;
    return command ? -1 : 0; /* 0: there is no shell */
}

/* The host may page out the guest's memory, and WASI has no call that prevents it: programs that lock keys must know. */
int mlock(const void *address, size_t size)
{
    (void)address, (void)size;
    errno = ENOSYS;
    return -1;
}

int munlock(const void *address, size_t size)
{
    (void)address, (void)size;
    errno = ENOSYS;
    return -1;
}

/* Advice changes nothing, which POSIX allows. */
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
