/* The state of C++ exception handling: which exceptions are being handled, and how many are on their way. Extension
   modules bring a libc++abi each, and one state each would not do: an exception that one throws and another catches
   would be on its way for ever in the first, and `throw;` would find nothing to throw again in the second. So their
   __cxa_get_globals (hatch_wasi/side_modules/guest/cxx.c) asks for this one.

   Nothing of C++ is in here: libcxxabi/src/cxa_exception.h, struct __cxa_eh_globals. */
struct hatch_wasi_eh_globals {
    void *caught;
    unsigned int uncaught;
};

static struct hatch_wasi_eh_globals globals;

struct hatch_wasi_eh_globals *hatch_wasi_eh_globals(void)
{
    return &globals;
}
