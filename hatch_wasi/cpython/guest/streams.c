/* A reader that went away is EIO to wasmtime, as everything that can happen to a stream; to programs it is EPIPE. */
#include <wasi/api.h>

__wasi_errno_t __real___wasi_fd_write(__wasi_fd_t fd, const __wasi_ciovec_t *data, size_t count, __wasi_size_t *written);

__wasi_errno_t __wrap___wasi_fd_write(__wasi_fd_t fd, const __wasi_ciovec_t *data, size_t count, __wasi_size_t *written)
{
    __wasi_errno_t error = __real___wasi_fd_write(fd, data, count, written);
    return error == __WASI_ERRNO_IO && (fd == 1 || fd == 2) ? __WASI_ERRNO_PIPE : error;
}
