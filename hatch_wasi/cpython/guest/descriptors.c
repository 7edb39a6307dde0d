/* dup, dup2 and dup3 (POSIX): WASI knows one descriptor for an open file, and can only move it to another number
   (fd_renumber). Here a duplicate is a number of its own, which the embedder has a placeholder for, and a note of the
   descriptor that owns the file; every call of WASI that names a descriptor goes through `real`. A file is owned by the
   smallest of its numbers, so that 0, 1 and 2 are the embedder's own again when they come back. Duplicates share offset
   and flags, since there is one file. */
#include "hatch_wasi_descriptors.h"

#include <errno.h>
#include <stddef.h>

unsigned hatch_wasi_duplicates;        /* how many there are */
uint16_t hatch_wasi_owner[DESCRIPTORS]; /* 0: itself; else its file's owner, + 1 */
uint8_t hatch_wasi_device[DESCRIPTORS]; /* by owner */

__wasi_errno_t WASI(fd_close)(__wasi_fd_t fd);
__wasi_errno_t WASI(fd_fdstat_get)(__wasi_fd_t fd, __wasi_fdstat_t *stat);
__wasi_errno_t WASI(fd_renumber)(__wasi_fd_t fd, __wasi_fd_t to);
__wasi_errno_t WASI(path_open)(__wasi_fd_t fd, __wasi_lookupflags_t lookup, const char *path, __wasi_oflags_t how,
                               __wasi_rights_t rights, __wasi_rights_t inherited, __wasi_fdflags_t flags,
                               __wasi_fd_t *opened);

/* Open something, whatever it is, for its number: a folder that the embedder has shown, which begin at 3. */
static __wasi_errno_t take(__wasi_fd_t *number)
{
    static __wasi_fd_t shown = 3;
    for (__wasi_fd_t fd = shown; fd < 64; fd++) {
        __wasi_errno_t error = WASI(path_open)(fd, 0, ".", __WASI_OFLAGS_DIRECTORY, 0, 0, 0, number);
        if (error == 0) {
            shown = fd;
            return 0;
        }
        if (error == __WASI_ERRNO_MFILE || error == __WASI_ERRNO_NFILE)
            return error;
    }
    return __WASI_ERRNO_NOTSUP;
}

/* Let a number that is free have a placeholder. The embedder gives the lowest that is free, so others may come first. */
static __wasi_errno_t occupy(__wasi_fd_t number)
{
    static __wasi_fd_t others[DESCRIPTORS];
    size_t count = 0;
    __wasi_fd_t got;
    __wasi_errno_t error;
    while ((error = take(&got)) == 0 && got != number && count < DESCRIPTORS)
        others[count++] = got;
    if (error == 0 && got != number)
        error = __WASI_ERRNO_MFILE;
    while (count)
        (void)!WASI(fd_close)(others[--count]);
    return error;
}

static __wasi_fd_t smallest_duplicate(__wasi_fd_t owner)
{
    __wasi_fd_t fd = 0;
    while (fd < DESCRIPTORS && hatch_wasi_owner[fd] != owner + 1)
        fd++;
    return fd;
}

/* Give a file to one of its duplicates; the owner's number is free then. */
static __wasi_errno_t hand_over(__wasi_fd_t owner, __wasi_fd_t heir)
{
    __wasi_errno_t error = WASI(fd_renumber)(owner, heir);
    if (error)
        return error;
    hatch_wasi_owner[heir] = 0;
    hatch_wasi_duplicates--;
    hatch_wasi_device[heir] = hatch_wasi_device[owner];
    hatch_wasi_device[owner] = NO_DEVICE;
    for (__wasi_fd_t fd = 0; fd < DESCRIPTORS; fd++)
        if (hatch_wasi_owner[fd] == owner + 1)
            hatch_wasi_owner[fd] = heir + 1;
    return 0;
}

static void duplicate(__wasi_fd_t number, __wasi_fd_t owner)
{
    hatch_wasi_owner[number] = owner + 1;
    hatch_wasi_duplicates++;
    if (number < owner && hand_over(owner, number) == 0 && occupy(owner) == 0) {
        hatch_wasi_owner[owner] = number + 1;
        hatch_wasi_duplicates++;
    }
}

__wasi_errno_t WRAPPED(fd_close)(__wasi_fd_t fd)
{
    if (fd >= DESCRIPTORS)
        return WASI(fd_close)(fd);
    if (hatch_wasi_owner[fd]) {
        hatch_wasi_owner[fd] = 0;
        hatch_wasi_duplicates--;
    } else if (hatch_wasi_duplicates) {
        __wasi_fd_t heir = smallest_duplicate(fd);
        if (heir < DESCRIPTORS)
            return hand_over(fd, heir);
    }
    hatch_wasi_device[fd] = NO_DEVICE;
    return WASI(fd_close)(fd);
}

static int fail(__wasi_errno_t error)
{
    errno = error;
    return -1;
}

static int is_open(int fd)
{
    __wasi_fdstat_t stat;
    return fd >= 0 && WASI(fd_fdstat_get)(real((__wasi_fd_t)fd), &stat) == 0;
}

/* The embedder may give any number; POSIX wants the lowest, which `close(0); dup(fd)` relies on. */
static __wasi_errno_t take_lowest(__wasi_fd_t *number)
{
    __wasi_fd_t lowest = 0;
    while (lowest < DESCRIPTORS && is_open((int)lowest))
        lowest++;
    *number = lowest;
    return lowest < DESCRIPTORS ? occupy(lowest) : __WASI_ERRNO_MFILE;
}

int dup(int fd)
{
    __wasi_fd_t number;
    if (!is_open(fd))
        return fail(__WASI_ERRNO_BADF);
    __wasi_errno_t error = take_lowest(&number);
    if (error)
        return fail(error);
    __wasi_fd_t owner = real((__wasi_fd_t)fd);
    if (owner >= DESCRIPTORS) {
        (void)!WASI(fd_close)(number);
        return fail(__WASI_ERRNO_MFILE);
    }
    duplicate(number, owner);
    return (int)number;
}

/* Close what has the number `to`, and keep the number. */
static __wasi_errno_t vacate(__wasi_fd_t to)
{
    if (!is_open((int)to))
        return occupy(to);
    if (hatch_wasi_owner[to]) {
        hatch_wasi_owner[to] = 0;
        hatch_wasi_duplicates--;
        return 0;
    }
    __wasi_fd_t heir = hatch_wasi_duplicates ? smallest_duplicate(to) : DESCRIPTORS, number;
    if (heir < DESCRIPTORS) {
        __wasi_errno_t error = hand_over(to, heir);
        return error ? error : occupy(to);
    }
    __wasi_errno_t error = take(&number);
    if (error == 0) {
        hatch_wasi_device[to] = NO_DEVICE;
        error = WASI(fd_renumber)(number, to);
    }
    return error;
}

int dup2(int from, int to)
{
    if (!is_open(from) || to < 0 || to >= DESCRIPTORS || from >= DESCRIPTORS)
        return fail(__WASI_ERRNO_BADF);
    if (real((__wasi_fd_t)from) == real((__wasi_fd_t)to))
        return to;
    __wasi_errno_t error = vacate((__wasi_fd_t)to);
    if (error)
        return fail(error);
    duplicate((__wasi_fd_t)to, real((__wasi_fd_t)from));
    return to;
}

int dup3(int from, int to, int flags)
{
    (void)flags; /* O_CLOEXEC: nothing is ever executed */
    return from == to ? fail(__WASI_ERRNO_INVAL) : dup2(from, to);
}

/* wasi-libc moves descriptors for programs that ask for it (__wasilibc_fd_renumber). */
__wasi_errno_t WRAPPED(fd_renumber)(__wasi_fd_t fd, __wasi_fd_t to)
{
    if (fd >= DESCRIPTORS || to >= DESCRIPTORS)
        return WASI(fd_renumber)(fd, to);
    if (dup2((int)fd, (int)to) < 0)
        return (__wasi_errno_t)errno;
    return fd == to ? 0 : WRAPPED(fd_close)(fd);
}
