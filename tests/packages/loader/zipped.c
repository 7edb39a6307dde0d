/* The libraries that python.wasm exports, without their headers. */
#define PY_SSIZE_T_CLEAN
#include "module.h"

#include <string.h>

extern unsigned long crc32(unsigned long, const unsigned char *, unsigned);
extern int compress(unsigned char *, unsigned long *, const unsigned char *, unsigned long);
extern int BZ2_bzBuffToBuffDecompress(char *, unsigned *, char *, unsigned, int, int);
extern const char *lzma_version_string(void);
extern const char *sqlite3_libversion(void);

FUNCTION(all)
{
    unsigned char packed[100];
    unsigned long size = sizeof packed;
    unsigned unpacked = 0;
    compress(packed, &size, (const unsigned char *)"aaaaaaaaaaaaaaaaaaaa", 20);
    int refused = BZ2_bzBuffToBuffDecompress((char *)packed, &unpacked, (char *)packed, 0, 0, 0);
    return Py_BuildValue("ky#iss", crc32(0, (const unsigned char *)"123456789", 9), packed, (Py_ssize_t)size, refused,
                         lzma_version_string(), sqlite3_libversion());
}

MODULE(zipped, NOARGS(all))
