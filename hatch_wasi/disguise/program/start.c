/* Linked into programs that a build makes. WASI starts every program in `/`. A program of a build expects to start where
   it was called, and to reach other folders of the build by `..`: each folder that is shown has borders of its own to the
   embedder, which refuses a path that leads out of it. So `..` is resolved here, before the shown folder is looked for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int __real___wasilibc_find_abspath(const char *path, const char **prefix, const char **relative);

/* Write the absolute `path` to `out`, which has room for it, without `.`, `..` and empty components. */
static void simplify(const char *path, char *out)
{
    char *end = out;
    for (const char *next; *(path += strspn(path, "/")); path = next) {
        size_t size = strcspn(path, "/");
        next = path + size;
        if (size == 2 && path[0] == '.' && path[1] == '.') {
            while (end != out && *--end != '/')
                ;
        } else if (size != 1 || path[0] != '.') {
            *end++ = '/';
            memcpy(end, path, size);
            end += size;
        }
    }
    if (end == out)
        *end++ = '/';
    *end = 0;
}

int __wrap___wasilibc_find_abspath(const char *path, const char **prefix, const char **relative)
{
    static char *simple; /* the caller copies what it needs of it before it asks again */
    char *room = realloc(simple, strlen(path) + 2);
    if (!room) {
        errno = ENOMEM;
        return -1;
    }
    simple = room;
    simplify(path, simple);
    return __real___wasilibc_find_abspath(simple, prefix, relative);
}

__attribute__((constructor(101))) static void start_where_called(void)
{
    const char *folder = getenv("PWD");
    if (folder && chdir(folder))
        errno = 0; /* it is not shown: the runner has said so */
}

/* The tag of C++ exceptions. Side modules import it from their host; a program has its own, unless compiler-rt brings it. */
__asm__(".tagtype __cpp_exception i32\n"
        ".weak __cpp_exception\n"
        "__cpp_exception:\n");
