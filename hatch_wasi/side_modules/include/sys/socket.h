/* WASI can use a socket that it is given, and make none, so wasi-libc leaves out the functions that would. python.wasm
   has them, and they fail (guest/sockets.c), for code that only might call them. Options have Linux's numbers. */
#include_next <sys/socket.h>

#ifndef HATCH_WASI_SOCKET
#define HATCH_WASI_SOCKET
#include <sys/uio.h>
#ifndef MSG_NOSIGNAL
#define MSG_OOB 0x10000
#define MSG_DONTWAIT 0x20000
#define MSG_NOSIGNAL 0x40000
#endif
#ifndef SO_REUSEADDR
#define SO_DEBUG 1
#define SO_REUSEADDR 2
#define SO_ERROR 4
#define SO_BROADCAST 6
#define SO_SNDBUF 7
#define SO_RCVBUF 8
#define SO_KEEPALIVE 9
#define SO_LINGER 13
#define SO_REUSEPORT 15
#define SO_RCVTIMEO 66
#define SO_SNDTIMEO 67
#endif
#ifndef SOMAXCONN
#define SOMAXCONN 128
#endif
#ifndef AF_LOCAL
#define AF_LOCAL AF_UNIX
#define PF_UNIX AF_UNIX
#define PF_LOCAL AF_UNIX
#endif
#ifdef __cplusplus
extern "C" {
#endif
#ifndef __wasilibc_use_wasip2
int socket(int, int, int);
int connect(int, const struct sockaddr *, socklen_t);
int bind(int, const struct sockaddr *, socklen_t);
int listen(int, int);
int getsockname(int, struct sockaddr *__restrict, socklen_t *__restrict);
int getpeername(int, struct sockaddr *__restrict, socklen_t *__restrict);
int setsockopt(int, int, int, const void *, socklen_t);
ssize_t sendto(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
ssize_t recvfrom(int, void *__restrict, size_t, int, struct sockaddr *__restrict, socklen_t *__restrict);
#endif
int socketpair(int, int, int, int[2]);
ssize_t sendmsg(int, const struct msghdr *, int);
ssize_t recvmsg(int, struct msghdr *, int);
#ifdef __cplusplus
}
#endif
#endif
