/* What code takes from a C library that has this header, which is none of C's or POSIX's. */
#ifndef HATCH_WASI_CDEFS
#define HATCH_WASI_CDEFS
#ifdef __cplusplus
#define __BEGIN_DECLS extern "C" {
#define __END_DECLS }
#else
#define __BEGIN_DECLS
#define __END_DECLS
#endif
#define __P(arguments) arguments
#define __CONCAT(x, y) x##y
#define __STRING(x) #x
#endif
