/* Functions of sockets and of names, which WASI cannot give: they say so when they are called, so that a module that
   only might call one can be loaded. The headers are disguise/include's. Weak, as another wasi-libc may have them. */
#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

enum { FAIL = -4, HOST_NOT_FOUND = 1 }; /* netdb.h */

static int name_error; /* h_errno */

static int refuse(int reason)
{
    errno = reason;
    return -1;
}

static void *nobody(void)
{
    name_error = HOST_NOT_FOUND;
    return NULL;
}

#pragma clang attribute push(__attribute__((weak)), apply_to = function)

int socket(int family, int type, int protocol)
{
    (void)family, (void)type, (void)protocol;
    return refuse(EAFNOSUPPORT);
}

int socketpair(int family, int type, int protocol, int *ends)
{
    (void)family, (void)type, (void)protocol, (void)ends;
    return refuse(EAFNOSUPPORT);
}

int connect(int descriptor, const struct sockaddr *address, socklen_t size)
{
    (void)descriptor, (void)address, (void)size;
    return refuse(ENOTSUP);
}

int bind(int descriptor, const struct sockaddr *address, socklen_t size)
{
    (void)descriptor, (void)address, (void)size;
    return refuse(ENOTSUP);
}

int listen(int descriptor, int backlog)
{
    (void)descriptor, (void)backlog;
    return refuse(ENOTSUP);
}

int getsockname(int descriptor, struct sockaddr *restrict address, socklen_t *restrict size)
{
    (void)descriptor, (void)address, (void)size;
    return refuse(ENOTSUP);
}

int getpeername(int descriptor, struct sockaddr *restrict address, socklen_t *restrict size)
{
    (void)descriptor, (void)address, (void)size;
    return refuse(ENOTSUP);
}

int setsockopt(int descriptor, int level, int option, const void *value, socklen_t size)
{
    (void)descriptor, (void)level, (void)option, (void)value, (void)size;
    return refuse(ENOPROTOOPT);
}

ssize_t sendto(int descriptor, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t to_size)
{
    (void)to_size;
    return to ? refuse(ENOTSUP) : send(descriptor, data, size, flags);
}

ssize_t recvfrom(int descriptor, void *restrict data, size_t size, int flags, struct sockaddr *restrict from,
                 socklen_t *restrict from_size)
{
    (void)from_size;
    return from ? refuse(ENOTSUP) : recv(descriptor, data, size, flags);
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags)
{
    (void)descriptor, (void)message, (void)flags;
    return refuse(ENOTSUP);
}

ssize_t recvmsg(int descriptor, struct msghdr *message, int flags)
{
    (void)descriptor, (void)message, (void)flags;
    return refuse(ENOTSUP);
}

/* No names. */
int getaddrinfo(const char *name, const char *service, const void *hints, void **result)
{
    (void)name, (void)service, (void)hints, (void)result;
    return FAIL;
}

void freeaddrinfo(void *result)
{
    (void)result;
}

int getnameinfo(const struct sockaddr *address, socklen_t size, char *name, socklen_t name_size, char *service,
                socklen_t service_size, int flags)
{
    (void)address, (void)size, (void)name, (void)name_size, (void)service, (void)service_size, (void)flags;
    return FAIL;
}

const char *gai_strerror(int error)
{
    return error ? "WASI looks up no names" : "Success";
}

int *__h_errno_location(void)
{
    return &name_error;
}

void *gethostbyname(const char *name)
{
    (void)name;
    return nobody();
}

void *gethostbyaddr(const void *address, socklen_t size, int family)
{
    (void)address, (void)size, (void)family;
    return nobody();
}

void *getservbyname(const char *name, const char *protocol)
{
    (void)name, (void)protocol;
    return NULL;
}

void *getservbyport(int port, const char *protocol)
{
    (void)port, (void)protocol;
    return NULL;
}

void *getprotobyname(const char *name)
{
    (void)name;
    return NULL;
}

void *getprotobynumber(int number)
{
    (void)number;
    return NULL;
}

const char *hstrerror(int error)
{
    return gai_strerror(error);
}

#pragma clang attribute pop
