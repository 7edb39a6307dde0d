/* What descriptors.c knows of open files, for the other files that stand before WASI's calls. */
#ifndef HATCH_WASI_DESCRIPTORS_H
#define HATCH_WASI_DESCRIPTORS_H
#include <stdint.h>
#include <wasi/api.h>

enum { DESCRIPTORS = 1024 };
enum device { NO_DEVICE, NULL_DEVICE, ZERO_DEVICE, RANDOM_DEVICE };

extern unsigned hatch_wasi_duplicates;
extern uint16_t hatch_wasi_owner[DESCRIPTORS];
extern uint8_t hatch_wasi_device[DESCRIPTORS];

/* The descriptor that the embedder has for what the program knows as `fd`. */
static inline __wasi_fd_t real(__wasi_fd_t fd)
{
    if (__builtin_expect(hatch_wasi_duplicates == 0, 1) || fd >= DESCRIPTORS || !hatch_wasi_owner[fd])
        return fd;
    return hatch_wasi_owner[fd] - 1u;
}

/* The device that a real descriptor stands for. */
static inline enum device device(__wasi_fd_t fd)
{
    return fd < DESCRIPTORS ? (enum device)hatch_wasi_device[fd] : NO_DEVICE;
}

#define WASI(name) __real___wasi_##name
#define WRAPPED(name) __wrap___wasi_##name
#endif
