/* Signals come from raise() alone, and wasi-libc leaves out what says when they may come: that changes nothing, and is
   accepted here. A handler that wants to know more than the signal's number is refused. Numbers are musl's. */
#include_next <signal.h>

#if !defined(HATCH_WASI_SIGNAL) && !defined(SIG_BLOCK) && \
    (defined(_POSIX_SOURCE) || defined(_POSIX_C_SOURCE) || defined(_XOPEN_SOURCE) || defined(_GNU_SOURCE) || \
     defined(_BSD_SOURCE))
#define HATCH_WASI_SIGNAL
#include <__typedef_sigset_t.h>
#include <errno.h>
#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2
#define SA_NOCLDSTOP 1
#define SA_NOCLDWAIT 2
#define SA_SIGINFO 4
#define SA_ONSTACK 0x08000000
#define SA_RESTART 0x10000000
#define SA_NODEFER 0x40000000
#define SA_RESETHAND 0x80000000

union sigval {
    int sival_int;
    void *sival_ptr;
};
typedef struct {
    int si_signo, si_errno, si_code, si_pid, si_status;
    void *si_addr;
    union sigval si_value;
} siginfo_t;
struct sigaction {
    union {
        void (*sa_handler)(int);
        void (*sa_sigaction)(int, siginfo_t *, void *);
    } __handler;
    sigset_t sa_mask;
    int sa_flags;
    void (*sa_restorer)(void);
};
#define sa_handler __handler.sa_handler
#define sa_sigaction __handler.sa_sigaction

static inline int __hatch_wasi_bad_signal(int number)
{
    if (number > 0 && number < _NSIG)
        return 0;
    errno = EINVAL;
    return -1;
}

static inline int sigemptyset(sigset_t *set)
{
    __builtin_memset(set, 0, sizeof *set);
    return 0;
}

static inline int sigfillset(sigset_t *set)
{
    __builtin_memset(set, 0xff, sizeof *set);
    return 0;
}

static inline int sigaddset(sigset_t *set, int number)
{
    if (__hatch_wasi_bad_signal(number))
        return -1;
    set->__bits[(unsigned)(number - 1) / 32] |= 1UL << (number - 1) % 32;
    return 0;
}

static inline int sigdelset(sigset_t *set, int number)
{
    if (__hatch_wasi_bad_signal(number))
        return -1;
    set->__bits[(unsigned)(number - 1) / 32] &= ~(1UL << (number - 1) % 32);
    return 0;
}

static inline int sigismember(const sigset_t *set, int number)
{
    if (__hatch_wasi_bad_signal(number))
        return -1;
    return set->__bits[(unsigned)(number - 1) / 32] >> (number - 1) % 32 & 1;
}

static inline int sigprocmask(int how, const sigset_t *set, sigset_t *before)
{
    (void)how, (void)set;
    return before ? sigemptyset(before) : 0;
}

static inline int pthread_sigmask(int how, const sigset_t *set, sigset_t *before)
{
    return sigprocmask(how, set, before);
}

static inline int sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
    void (*handler)(int), (*other)(int) = SIG_DFL;
    if (__hatch_wasi_bad_signal(number))
        return -1;
    if (action && action->sa_flags & SA_SIGINFO) {
        errno = ENOTSUP;
        return -1;
    }
    handler = signal(number, action ? action->sa_handler : other);
    if (handler == SIG_ERR)
        return -1;
    if (!action)
        signal(number, handler);
    if (before) {
        __builtin_memset(before, 0, sizeof *before);
        before->sa_handler = handler;
    }
    return 0;
}
#endif
