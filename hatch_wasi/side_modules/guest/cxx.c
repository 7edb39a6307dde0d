/* Linked into each C++ module, before libc++abi and in the place of its functions of these names. */

/* The state of exception handling is python.wasm's: all modules share it (cpython/guest/exceptions.c). */
struct hatch_wasi_eh_globals;
struct hatch_wasi_eh_globals *hatch_wasi_eh_globals(void);

struct hatch_wasi_eh_globals *__cxa_get_globals(void)
{
    return hatch_wasi_eh_globals();
}

struct hatch_wasi_eh_globals *__cxa_get_globals_fast(void)
{
    return hatch_wasi_eh_globals();
}

/* Destroys a thread_local object: there is one thread, and it ends with the program. */
int __cxa_atexit(void (*)(void *), void *, void *);

int __cxa_thread_atexit(void (*destroy)(void *), void *object, void *dso)
{
    return __cxa_atexit(destroy, object, dso);
}
