/* An address as others have it: wasi-libc's has no path. No socket can have one. */
#ifndef HATCH_WASI_SOCKADDR_UN
#define HATCH_WASI_SOCKADDR_UN
#include <__typedef_sa_family_t.h>
struct sockaddr_un {
    __attribute__((aligned(__BIGGEST_ALIGNMENT__))) sa_family_t sun_family;
    char sun_path[108];
};
#endif
