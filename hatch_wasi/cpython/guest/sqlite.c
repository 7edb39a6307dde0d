/* SQLite locks a database by fcntl, which WASI does not have for locks. sqlite3.c is compiled to call this instead, which
   grants every lock. Connections of one program then exclude each other as ever (SQLite keeps account of its own locks,
   os_unix.c), programs that run at the same time do not: for those there is the VFS unix-dotfile. */
#include <fcntl.h>
#include <stdarg.h>

/* As sqlite3.c defines them for WASI, on 32 bits. */
enum { UNLOCKED = 2, GET_LOCK = 12, SET_LOCK, SET_LOCK_WAIT };

int hatch_wasi_sqlite_fcntl(int fd, int command, ...)
{
    va_list rest;
    int result = 0;
    va_start(rest, command);
    switch (command) {
    case GET_LOCK:
        va_arg(rest, struct flock *)->l_type = UNLOCKED;
        break;
    case SET_LOCK:
    case SET_LOCK_WAIT:
        break;
    case F_SETFD:
    case F_SETFL:
        result = fcntl(fd, command, va_arg(rest, int));
        break;
    default:
        result = fcntl(fd, command);
    }
    va_end(rest);
    return result;
}
