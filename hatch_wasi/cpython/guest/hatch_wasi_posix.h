/* What wasi-libc does not declare and python.wasm has (descriptors.c, missing.c, zone.c), for the files of CPython that call it. */
#ifndef HATCH_WASI_POSIX_H
#define HATCH_WASI_POSIX_H
#include <sys/types.h>

int dup(int);
int dup2(int, int);
int dup3(int, int, int);
uid_t getuid(void);
uid_t geteuid(void);
gid_t getgid(void);
gid_t getegid(void);
mode_t umask(mode_t);
void tzset(void);
#endif
