/* libdl for python.wasm. wasi-libc's own dlopen, dlsym, dlclose and dlerror are weak stubs that always fail
   (libc-top-half/musl/src/misc/dl.c); these strong definitions hand the work to the embedder, through table indices
   that it stores in `hatch_wasi_dl` before _start. Nothing is imported, so python.wasm still runs on every engine. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hatch_wasi_dl.h"

typedef int open_function(const char *path, const void *image, size_t size, int flags);
typedef void *sym_function(void *handle, const char *name);
typedef int error_function(char *buffer, size_t size);

__attribute__((used, visibility("default"))) struct hatch_wasi_dl hatch_wasi_dl = {
    .version = 1,
    .size = sizeof(struct hatch_wasi_dl),
};

static char message[1024];
static int failed;

static void fail(const char *path, const char *why)
{
    snprintf(message, sizeof message, "%s: %s", path, why);
    failed = 1;
}

static void fail_as_told(void)
{
    message[0] = '\0';
    if (hatch_wasi_dl.error)
        ((error_function *)(uintptr_t)hatch_wasi_dl.error)(message, sizeof message);
    message[sizeof message - 1] = '\0';
    failed = 1;
}

/* Read the whole file through WASI: the guest can load only what it may read. */
static void *read_image(const char *path, size_t *size)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0) {
        fail(path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    const char *why = NULL;
    if (!S_ISREG(status.st_mode))
        why = "not a regular file";
    else if (status.st_size <= 0)
        why = "the file is empty";
    else if (status.st_size > INT32_MAX)
        why = "the file is larger than 2 GiB";
    size_t length = why ? 0 : (size_t)status.st_size, done = 0;
    char *image = why ? NULL : malloc(length);
    if (!why && !image)
        why = "not enough memory to read the file";
    while (image && done < length) {
        ssize_t got = read(fd, image + done, length - done);
        if (got <= 0)
            break;
        done += (size_t)got;
    }
    close(fd);
    if (!why && done != length)
        why = "the file ended early";
    if (why) {
        fail(path, why);
        free(image);
        return NULL;
    }
    *size = length;
    return image;
}

/* What other systems have libraries for, and this program has in it: libc's parts (musl's ldso/dynlink.c has a list of
   reserved names too). `libm.so`, `libm.so.6`. */
static int is_own(const char *path)
{
    static const char *const names[] = {"c", "dl", "m", "pthread", "rt", "util"};
    const char *end = strncmp(path, "lib", 3) == 0 ? strstr(path, ".so") : NULL;
    if (!end || end[3 + strspn(end + 3, ".0123456789")] != '\0')
        return 0;
    for (size_t index = 0; index < sizeof names / sizeof *names; index++)
        if (strlen(names[index]) == (size_t)(end - path - 3) && strncmp(path + 3, names[index], end - path - 3) == 0)
            return 1;
    return 0;
}

void *dlopen(const char *path, int flags)
{
    failed = 0;
    if (path && is_own(path))
        path = NULL;
    if (!hatch_wasi_dl.open && !path)
        return (void *)1; /* this program itself; its symbols are nobody's to find (dlsym), but ctypes can be imported */
    if (!hatch_wasi_dl.open) {
        fail(path, "this runtime has no loader for extension modules; run Python by `hatch-wasi run`");
        return NULL;
    }
    open_function *loader = (open_function *)(uintptr_t)hatch_wasi_dl.open;
    int handle = loader(path, NULL, 0, flags);
    if (handle || !path || (flags & RTLD_NOLOAD)) {
        if (!handle)
            fail(path ? path : "dlopen", "not loaded");
        return (void *)(intptr_t)handle;
    }
    size_t size = 0;
    void *image = read_image(path, &size);
    if (!image)
        return NULL;
    handle = loader(path, image, size, flags);
    free(image);
    if (!handle)
        fail_as_told();
    else
        failed = 0; /* a NEEDED module may have been tried and found elsewhere */
    return (void *)(intptr_t)handle;
}

void *dlsym(void *restrict handle, const char *restrict name)
{
    failed = 0;
    if (!hatch_wasi_dl.sym) {
        fail(name, "this runtime has no loader; run Python by `hatch-wasi run`");
        return NULL;
    }
    void *found = ((sym_function *)(uintptr_t)hatch_wasi_dl.sym)(handle, name);
    if (!found)
        fail_as_told();
    return found;
}

/* Modules stay: their code cannot be taken out of an instance. POSIX allows that. */
int dlclose(void *handle)
{
    (void)handle;
    return 0;
}

char *dlerror(void)
{
    if (!failed)
        return NULL;
    failed = 0;
    return message;
}
