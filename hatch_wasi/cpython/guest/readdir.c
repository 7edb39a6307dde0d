/* wasi-libc reads directories 4 KiB at a time, and engines list a directory anew, with a stat of every entry, for each
   call: the stdlib's folder is read three times. This reads it once, when it begins, and hands out the rest from here. */
#include "hatch_wasi_descriptors.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 1 << 16 };

static uint8_t *listing;
static size_t listed;
static __wasi_fd_t owner = (__wasi_fd_t)-1;

__wasi_errno_t __real___wasi_fd_readdir(__wasi_fd_t fd, uint8_t *buffer, __wasi_size_t size, __wasi_dircookie_t cookie,
                                        __wasi_size_t *used);

__wasi_errno_t __wrap___wasi_fd_readdir(__wasi_fd_t fd, uint8_t *buffer, __wasi_size_t size, __wasi_dircookie_t cookie,
                                        __wasi_size_t *used)
{
    fd = real(fd);
    if (size >= ROOM || (!listing && !(listing = malloc(ROOM))))
        return __real___wasi_fd_readdir(fd, buffer, size, cookie, used);
    if (cookie == __WASI_DIRCOOKIE_START) {
        __wasi_size_t got;
        owner = (__wasi_fd_t)-1;
        __wasi_errno_t error = __real___wasi_fd_readdir(fd, listing, ROOM, cookie, &got);
        if (error)
            return error;
        listed = got;
        owner = fd;
    }
    size_t place = 0;
    __wasi_dirent_t entry;
    if (owner != fd || listed == ROOM)
        return __real___wasi_fd_readdir(fd, buffer, size, cookie, used);
    for (__wasi_dircookie_t before = __WASI_DIRCOOKIE_START; before != cookie; before = entry.d_next) {
        if (place + sizeof entry > listed)
            return __real___wasi_fd_readdir(fd, buffer, size, cookie, used);
        memcpy(&entry, listing + place, sizeof entry);
        place += sizeof entry + entry.d_namlen;
    }
    *used = listed - place < size ? listed - place : size;
    memcpy(buffer, listing + place, *used);
    return 0;
}
