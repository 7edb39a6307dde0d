/* WASI has no second descriptor for a file and no users, so wasi-libc declares none of these; python.wasm has them. */
#include_next <unistd.h>

#ifndef HATCH_WASI_UNISTD
#define HATCH_WASI_UNISTD
#ifdef __cplusplus
extern "C" {
#endif
int dup(int);
int dup2(int, int);
int dup3(int, int, int);
uid_t getuid(void);
uid_t geteuid(void);
gid_t getgid(void);
gid_t getegid(void);
#ifdef __cplusplus
}
#endif
#endif
