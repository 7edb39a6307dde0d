/* WASI's calls that name descriptors, by the descriptors that the embedder has (descriptors.c), and the devices below /dev.

   WASI has no devices. The embedder shows a folder of empty files as /dev: `null`, `zero`, `random` and `urandom` in it
   are told by their names when they are opened, and answered here. Where no such folder is shown, nothing changes. */
#include "hatch_wasi_descriptors.h"

#include <stddef.h>
#include <string.h>

typedef __wasi_fd_t fd_t;

#define PASS(name, parameters, arguments)                                                                              \
    __wasi_errno_t WASI(name) parameters;                                                                              \
    __wasi_errno_t WRAPPED(name) parameters                                                                            \
    {                                                                                                                  \
        fd = real(fd);                                                                                                 \
        return WASI(name) arguments;                                                                                   \
    }

PASS(fd_advise, (fd_t fd, __wasi_filesize_t at, __wasi_filesize_t size, __wasi_advice_t advice), (fd, at, size, advice))
PASS(fd_allocate, (fd_t fd, __wasi_filesize_t at, __wasi_filesize_t size), (fd, at, size))
PASS(fd_datasync, (fd_t fd), (fd))
PASS(fd_fdstat_set_flags, (fd_t fd, __wasi_fdflags_t flags), (fd, flags))
PASS(fd_fdstat_set_rights, (fd_t fd, __wasi_rights_t base, __wasi_rights_t inherited), (fd, base, inherited))
PASS(fd_filestat_set_size, (fd_t fd, __wasi_filesize_t size), (fd, size))
PASS(fd_filestat_set_times, (fd_t fd, __wasi_timestamp_t read, __wasi_timestamp_t written, __wasi_fstflags_t which),
     (fd, read, written, which))
PASS(fd_prestat_get, (fd_t fd, __wasi_prestat_t *stat), (fd, stat))
PASS(fd_prestat_dir_name, (fd_t fd, uint8_t *path, __wasi_size_t size), (fd, path, size))
PASS(fd_seek, (fd_t fd, __wasi_filedelta_t offset, __wasi_whence_t whence, __wasi_filesize_t *place),
     (fd, offset, whence, place))
PASS(fd_sync, (fd_t fd), (fd))
PASS(fd_tell, (fd_t fd, __wasi_filesize_t *place), (fd, place))
PASS(path_create_directory, (fd_t fd, const char *path), (fd, path))
PASS(path_filestat_set_times,
     (fd_t fd, __wasi_lookupflags_t lookup, const char *path, __wasi_timestamp_t read, __wasi_timestamp_t written,
      __wasi_fstflags_t which),
     (fd, lookup, path, read, written, which))
PASS(path_link, (fd_t fd, __wasi_lookupflags_t lookup, const char *path, fd_t other, const char *to),
     (fd, lookup, path, real(other), to))
PASS(path_readlink, (fd_t fd, const char *path, uint8_t *buffer, __wasi_size_t size, __wasi_size_t *used),
     (fd, path, buffer, size, used))
PASS(path_remove_directory, (fd_t fd, const char *path), (fd, path))
PASS(path_rename, (fd_t fd, const char *path, fd_t other, const char *to), (fd, path, real(other), to))
PASS(path_symlink, (const char *target, fd_t fd, const char *path), (target, fd, path))
PASS(path_unlink_file, (fd_t fd, const char *path), (fd, path))
PASS(sock_accept, (fd_t fd, __wasi_fdflags_t flags, fd_t *accepted), (fd, flags, accepted))
PASS(sock_recv,
     (fd_t fd, const __wasi_iovec_t *data, size_t count, __wasi_riflags_t how, __wasi_size_t *got, __wasi_roflags_t *told),
     (fd, data, count, how, got, told))
PASS(sock_send, (fd_t fd, const __wasi_ciovec_t *data, size_t count, __wasi_siflags_t how, __wasi_size_t *sent),
     (fd, data, count, how, sent))
PASS(sock_shutdown, (fd_t fd, __wasi_sdflags_t how), (fd, how))

/* A symbolic link that leads out of the folder is nobody's fault: what it names is not there for the guest. Programs
   that look around (os.path.exists, pathlib) take EPERM for something to stop at. */
static __wasi_errno_t unseen(__wasi_errno_t error)
{
    return error == __WASI_ERRNO_PERM || error == __WASI_ERRNO_NOTCAPABLE ? __WASI_ERRNO_NOENT : error;
}

/* Devices. */

static const char *const names[] = {
    [NULL_DEVICE] = "null", [ZERO_DEVICE] = "zero", [RANDOM_DEVICE] = "random", [RANDOM_DEVICE + 1] = "urandom"};

static int is_devices(fd_t fd)
{
    __wasi_prestat_t stat;
    uint8_t path[4];
    return WASI(fd_prestat_get)(fd, &stat) == 0 && stat.u.dir.pr_name_len == sizeof path &&
           WASI(fd_prestat_dir_name)(fd, path, sizeof path) == 0 && memcmp(path, "/dev", sizeof path) == 0;
}

static enum device named(fd_t fd, const char *path)
{
    for (unsigned kind = NULL_DEVICE; kind <= RANDOM_DEVICE + 1; kind++)
        if (strcmp(path, names[kind]) == 0 && is_devices(fd))
            return kind > RANDOM_DEVICE ? RANDOM_DEVICE : (enum device)kind;
    return NO_DEVICE;
}

__wasi_errno_t WASI(path_open)(fd_t fd, __wasi_lookupflags_t lookup, const char *path, __wasi_oflags_t how,
                               __wasi_rights_t rights, __wasi_rights_t inherited, __wasi_fdflags_t flags, fd_t *opened);

__wasi_errno_t WRAPPED(path_open)(fd_t fd, __wasi_lookupflags_t lookup, const char *path, __wasi_oflags_t how,
                                  __wasi_rights_t rights, __wasi_rights_t inherited, __wasi_fdflags_t flags, fd_t *opened)
{
    fd = real(fd);
    enum device kind = named(fd, path);
    if (kind) {
        /* For reading, whatever is wanted: nothing is ever asked of the file itself. */
        how &= __WASI_OFLAGS_DIRECTORY;
        rights &= ~(__WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_ALLOCATE | __WASI_RIGHTS_FD_FILESTAT_SET_SIZE);
        flags = 0;
    }
    __wasi_errno_t error = WASI(path_open)(fd, lookup, path, how, rights, inherited, flags, opened);
    if (error == 0 && *opened < DESCRIPTORS)
        hatch_wasi_device[*opened] = (uint8_t)kind;
    /* To write is refused with EPERM as well, in a folder that is shown for reading. */
    int changes = (how & (__WASI_OFLAGS_CREAT | __WASI_OFLAGS_TRUNC)) || (rights & __WASI_RIGHTS_FD_WRITE);
    return changes ? error : unseen(error);
}

__wasi_errno_t WASI(path_filestat_get)(fd_t fd, __wasi_lookupflags_t lookup, const char *path, __wasi_filestat_t *stat);

__wasi_errno_t WRAPPED(path_filestat_get)(fd_t fd, __wasi_lookupflags_t lookup, const char *path, __wasi_filestat_t *stat)
{
    fd = real(fd);
    __wasi_errno_t error = WASI(path_filestat_get)(fd, lookup, path, stat);
    if (error == 0 && named(fd, path))
        stat->filetype = __WASI_FILETYPE_CHARACTER_DEVICE;
    return unseen(error);
}

__wasi_errno_t WASI(fd_filestat_get)(fd_t fd, __wasi_filestat_t *stat);

__wasi_errno_t WRAPPED(fd_filestat_get)(fd_t fd, __wasi_filestat_t *stat)
{
    fd = real(fd);
    __wasi_errno_t error = WASI(fd_filestat_get)(fd, stat);
    if (error == 0 && device(fd))
        stat->filetype = __WASI_FILETYPE_CHARACTER_DEVICE;
    return error;
}

__wasi_errno_t WASI(fd_fdstat_get)(fd_t fd, __wasi_fdstat_t *stat);

__wasi_errno_t WRAPPED(fd_fdstat_get)(fd_t fd, __wasi_fdstat_t *stat)
{
    fd = real(fd);
    __wasi_errno_t error = WASI(fd_fdstat_get)(fd, stat);
    if (error == 0 && device(fd)) {
        stat->fs_filetype = __WASI_FILETYPE_CHARACTER_DEVICE;
        stat->fs_rights_base |= __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE;
    }
    return error;
}

/* wasmtime has no memory for transfers of 128 MiB and more (its limit for what one call may copy). A shorter one than
   was asked for is what programs expect of the system, so a part is asked for. */
enum { LARGEST = 64 << 20 };

static __wasi_errno_t read_device(enum device kind, const __wasi_iovec_t *data, size_t count, __wasi_size_t *got)
{
    *got = 0;
    for (size_t index = 0; index < count && kind != NULL_DEVICE; index++) {
        if (kind == ZERO_DEVICE)
            memset(data[index].buf, 0, data[index].buf_len);
        else {
            __wasi_errno_t error = __wasi_random_get(data[index].buf, data[index].buf_len);
            if (error)
                return error;
        }
        *got += data[index].buf_len;
    }
    return 0;
}

static __wasi_errno_t write_device(const __wasi_ciovec_t *data, size_t count, __wasi_size_t *written)
{
    *written = 0;
    for (size_t index = 0; index < count; index++)
        *written += data[index].buf_len;
    return 0;
}

__wasi_errno_t WASI(fd_read)(fd_t fd, const __wasi_iovec_t *data, size_t count, __wasi_size_t *got);

__wasi_errno_t WRAPPED(fd_read)(fd_t fd, const __wasi_iovec_t *data, size_t count, __wasi_size_t *got)
{
    fd = real(fd);
    if (device(fd))
        return read_device(device(fd), data, count, got);
    __wasi_iovec_t part = {.buf = count ? data[0].buf : NULL, .buf_len = LARGEST};
    int is_large = count && data[0].buf_len > LARGEST;
    return WASI(fd_read)(fd, is_large ? &part : data, is_large ? 1 : count, got);
}

__wasi_errno_t WASI(fd_pread)(fd_t fd, const __wasi_iovec_t *data, size_t count, __wasi_filesize_t at, __wasi_size_t *got);

__wasi_errno_t WRAPPED(fd_pread)(fd_t fd, const __wasi_iovec_t *data, size_t count, __wasi_filesize_t at,
                                 __wasi_size_t *got)
{
    fd = real(fd);
    if (device(fd))
        return read_device(device(fd), data, count, got);
    __wasi_iovec_t part = {.buf = count ? data[0].buf : NULL, .buf_len = LARGEST};
    int is_large = count && data[0].buf_len > LARGEST;
    return WASI(fd_pread)(fd, is_large ? &part : data, is_large ? 1 : count, at, got);
}

__wasi_errno_t WASI(fd_write)(fd_t fd, const __wasi_ciovec_t *data, size_t count, __wasi_size_t *written);

__wasi_errno_t WRAPPED(fd_write)(fd_t fd, const __wasi_ciovec_t *data, size_t count, __wasi_size_t *written)
{
    fd_t named_by = fd;
    fd = real(fd);
    if (device(fd))
        return write_device(data, count, written);
    __wasi_ciovec_t part = {.buf = count ? data[0].buf : NULL, .buf_len = LARGEST};
    int is_large = count && data[0].buf_len > LARGEST;
    __wasi_errno_t error = WASI(fd_write)(fd, is_large ? &part : data, is_large ? 1 : count, written);
    /* A reader that went away is EIO to wasmtime, as everything that can happen to a stream; to programs it is EPIPE. */
    int is_stream = fd == 1 || fd == 2 || named_by == 1 || named_by == 2;
    return error == __WASI_ERRNO_IO && is_stream ? __WASI_ERRNO_PIPE : error;
}

__wasi_errno_t WASI(fd_pwrite)(fd_t fd, const __wasi_ciovec_t *data, size_t count, __wasi_filesize_t at,
                               __wasi_size_t *written);

__wasi_errno_t WRAPPED(fd_pwrite)(fd_t fd, const __wasi_ciovec_t *data, size_t count, __wasi_filesize_t at,
                                  __wasi_size_t *written)
{
    fd = real(fd);
    if (device(fd))
        return write_device(data, count, written);
    __wasi_ciovec_t part = {.buf = count ? data[0].buf : NULL, .buf_len = LARGEST};
    int is_large = count && data[0].buf_len > LARGEST;
    return WASI(fd_pwrite)(fd, is_large ? &part : data, is_large ? 1 : count, at, written);
}

__wasi_errno_t WASI(poll_oneoff)(const __wasi_subscription_t *in, __wasi_event_t *out, __wasi_size_t count,
                                 __wasi_size_t *events);

__wasi_errno_t WRAPPED(poll_oneoff)(const __wasi_subscription_t *in, __wasi_event_t *out, __wasi_size_t count,
                                    __wasi_size_t *events)
{
    if (hatch_wasi_duplicates)
        for (__wasi_size_t index = 0; index < count; index++) {
            /* wasi-libc makes the list anew for each call. */
            __wasi_subscription_u_t *what = &((__wasi_subscription_t *)in)[index].u;
            if (what->tag != __WASI_EVENTTYPE_CLOCK)
                what->u.fd_read.file_descriptor = real(what->u.fd_read.file_descriptor);
        }
    return WASI(poll_oneoff)(in, out, count, events);
}
