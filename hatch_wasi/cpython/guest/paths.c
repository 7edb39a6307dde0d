/* Paths with `..`, `.` and double slashes. wasi-libc finds the shown folder that a path begins with and hands the rest to
   the embedder, which refuses (EPERM) whatever leads out of that folder: `..` in the folder itself, or the paths to
   bin/ that installers write into RECORD. To POSIX these are ordinary paths. chdir would keep them in the working
   directory's name as well. Here `folder/..` is taken out where `folder` is a directory indeed, before the folder that
   is shown is looked for. From anything else on (a symbolic link, what is not there) the embedder walks the path as it
   stands, and gives the error if there is one. */
#include "hatch_wasi_descriptors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int __real___wasilibc_find_abspath(const char *path, const char **prefix, const char **relative);

/* Whether an absolute path has components that are more than names, or ends with a slash. */
static int is_plain(const char *path)
{
    for (; *path; path++)
        if (path[0] == '/' &&
            (path[1] == '/' || path[1] == 0 ||
             (path[1] == '.' &&
              (path[2] == '/' || path[2] == 0 || (path[2] == '.' && (path[3] == '/' || path[3] == 0))))))
            return 0;
    return 1;
}

static int is_directory(const char *path)
{
    const char *prefix, *relative;
    __wasi_filestat_t stat;
    int before = errno, fd = __real___wasilibc_find_abspath(path, &prefix, &relative);
    errno = before;
    if (fd < 0) /* above what is shown, as far as anybody can tell */
        return 1;
    return __wasi_path_filestat_get((__wasi_fd_t)fd, 0, relative, &stat) == 0 &&
           stat.filetype == __WASI_FILETYPE_DIRECTORY;
}

/* Write `path`, which is absolute, without what is not needed; `out` has room for it and two characters more. */
static void simplify(const char *path, char *out)
{
    char *end = out;
    int is_name = 0; /* of what may be a file */
    for (const char *next; *(path += strspn(path, "/")); path = next) {
        size_t size = strcspn(path, "/");
        next = path + size;
        *end = 0;
        is_name = path[0] != '.' || (size != 1 && (size != 2 || path[1] != '.'));
        if (is_name) {
            *end++ = '/';
            memcpy(end, path, size);
            end += size;
            is_name = *next != '/';
        } else if (size == 2) {
            if (end != out && !is_directory(out))
                break;
            while (end != out && *--end != '/')
                ;
        }
    }
    *end = 0;
    if (*path) { /* the embedder finds out what `..` means here */
        *end++ = '/';
        strcpy(end, path);
    } else if (end == out || !(is_name || is_directory(out)))
        strcpy(end, "/"); /* which asks for a folder */
}

int __wrap___wasilibc_find_abspath(const char *path, const char **prefix, const char **relative)
{
    static char *simple; /* the caller copies what it needs of it before it asks again */
    if (!is_plain(path)) {
        char *room = realloc(simple, strlen(path) + 3);
        if (!room) {
            errno = ENOMEM;
            return -1;
        }
        simple = room;
        simplify(path, simple);
        path = simple;
    }
    return __real___wasilibc_find_abspath(path, prefix, relative);
}
