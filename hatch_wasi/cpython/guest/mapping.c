/* mmap (POSIX) by copies. WASI maps nothing: wasi-libc emulates maps that are private or only read, and loses what is
   written to a shared map of a file. Here that is written back by msync and munmap, and when the program ends, page by
   page where it differs from what was read. Until then nobody else sees it, and others' writes to the file do not show
   in the map. Anonymous maps are memory. These definitions take the place of libwasi-emulated-mman's. */
#define _WASI_EMULATED_MMAN
#define _GNU_SOURCE
#include "hatch_wasi_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { UNIT = 4096 }; /* what is compared and written back at once */

struct map {
    struct map *next;
    char *data;
    char *before; /* what the file held; NULL: nothing is written back */
    size_t size;
    off_t offset;
    int fd; /* a duplicate: the map outlives the descriptor it was made by; -1: anonymous */
};

static struct map *maps;

static struct map **place_of(const void *address)
{
    struct map **place = &maps;
    while (*place && ((const char *)address < (*place)->data || (const char *)address >= (*place)->data + (*place)->size))
        place = &(*place)->next;
    return place;
}

static size_t rounded(size_t size)
{
    size_t page = (size_t)getpagesize();
    return (size + page - 1) / page * page;
}

/* Read what the file has for [from, size) of the map; the rest stays as it is. */
static int fill(struct map *map, size_t from)
{
    while (map->fd >= 0 && from < map->size) {
        ssize_t got = pread(map->fd, map->data + from, map->size - from, map->offset + (off_t)from);
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        from += (size_t)got;
    }
    if (map->before)
        memcpy(map->before, map->data, map->size);
    return 0;
}

/* Write back what was changed, as far as the file goes: a map does not make it longer. */
static int write_back(struct map *map)
{
    struct stat stat;
    if (!map->before)
        return 0;
    if (fstat(map->fd, &stat) < 0)
        return -1;
    size_t end = stat.st_size <= map->offset ? 0 : (size_t)(stat.st_size - map->offset);
    end = end < map->size ? end : map->size;
    for (size_t at = 0; at < end; at += UNIT) {
        size_t size = end - at < UNIT ? end - at : UNIT;
        if (memcmp(map->before + at, map->data + at, size) == 0)
            continue;
        for (size_t done = 0; done < size;) {
            ssize_t put = pwrite(map->fd, map->data + at + done, size - done, map->offset + (off_t)(at + done));
            if (put <= 0)
                return -1;
            done += (size_t)put;
        }
        memcpy(map->before + at, map->data + at, size);
    }
    return 0;
}

static void write_all_back(void)
{
    for (struct map *map = maps; map; map = map->next)
        write_back(map);
}

static void discard(struct map *map)
{
    if (map->fd >= 0)
        close(map->fd);
    free(map->data);
    free(map->before);
    free(map);
}

static void *refuse(int why)
{
    errno = why;
    return MAP_FAILED;
}

/* Make the map's memory, and for a shared one that may be written the copy it is compared with. */
static int reserve(struct map *map, size_t size, int is_written_back)
{
    map->size = size;
    map->data = aligned_alloc((size_t)getpagesize(), rounded(size));
    map->before = map->data && is_written_back ? malloc(size) : NULL;
    if (!map->data || (is_written_back && !map->before)) {
        errno = ENOMEM;
        return -1;
    }
    memset(map->data, 0, rounded(size));
    return 0;
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    static int is_prepared;
    int is_shared = (flags & MAP_TYPE) == MAP_SHARED, is_anonymous = (flags & MAP_ANON) != 0;
    (void)address; /* a wish */
    if (size == 0 || offset < 0 || offset % getpagesize() || (!is_shared && (flags & MAP_TYPE) != MAP_PRIVATE))
        return refuse(EINVAL);
    /* Code is never in memory here; who wants to write some and run it is told so. */
    if ((flags & MAP_FIXED) || (protection & (PROT_WRITE | PROT_EXEC)) == (PROT_WRITE | PROT_EXEC))
        return refuse(ENOTSUP);
    if (size > (size_t)PTRDIFF_MAX - (size_t)getpagesize())
        return refuse(ENOMEM);
    int is_written = is_shared && !is_anonymous && (protection & PROT_WRITE);
    if (!is_anonymous) {
        struct stat stat;
        int mode = fcntl(fd, F_GETFL);
        if (mode < 0 || fstat(fd, &stat) < 0)
            return refuse(EBADF);
        if (!S_ISREG(stat.st_mode))
            return refuse(ENODEV);
        if ((mode & O_ACCMODE) == O_WRONLY || (is_written && (mode & O_ACCMODE) != O_RDWR))
            return refuse(EACCES);
    }
    struct map *map = calloc(1, sizeof *map);
    if (!map)
        return refuse(ENOMEM);
    map->offset = offset;
    map->fd = is_anonymous ? -1 : dup(fd);
    if ((!is_anonymous && map->fd < 0) || reserve(map, size, is_written) < 0 || fill(map, 0) < 0) {
        int why = errno;
        discard(map);
        return refuse(why);
    }
    if (!is_written && map->fd >= 0) {
        close(map->fd);
        map->fd = -1;
    }
    if (!is_prepared)
        is_prepared = atexit(write_all_back) == 0;
    map->next = maps;
    maps = map;
    return map->data;
}

int munmap(void *address, size_t size)
{
    struct map **place = place_of(address), *map = *place;
    if (!map || (char *)address != map->data || rounded(size) != rounded(map->size)) {
        errno = EINVAL; /* a part of a map stays with the rest */
        return -1;
    }
    int result = write_back(map);
    *place = map->next;
    discard(map);
    return result;
}

int msync(void *address, size_t size, int flags)
{
    struct map *map = *place_of(address);
    (void)flags;
    if (!map || size > map->size - (size_t)((char *)address - map->data)) {
        errno = ENOMEM;
        return -1;
    }
    return write_back(map);
}

void *mremap(void *address, size_t size, size_t wanted, int flags, ...)
{
    struct map *map = *place_of(address);
    if (!map || (char *)address != map->data || wanted == 0 || rounded(size) != rounded(map->size))
        return refuse(EINVAL);
    if (!(flags & MREMAP_MAYMOVE) || (flags & MREMAP_FIXED))
        return refuse(ENOMEM);
    struct map old = *map;
    size_t kept = old.size < wanted ? old.size : wanted;
    if (write_back(map) < 0)
        return MAP_FAILED;
    if (reserve(map, wanted, old.before != NULL) < 0) {
        free(map->data);
        *map = old;
        return refuse(ENOMEM);
    }
    memcpy(map->data, old.data, kept);
    int error = fill(map, kept);
    free(old.data);
    free(old.before);
    return error < 0 ? MAP_FAILED : map->data;
}

/* All memory can be read and written. */
int mprotect(void *address, size_t size, int protection)
{
    (void)address, (void)size;
    if (protection == (PROT_READ | PROT_WRITE))
        return 0;
    errno = ENOTSUP;
    return -1;
}
