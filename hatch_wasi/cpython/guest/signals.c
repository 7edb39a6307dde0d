/* The places in CPython 3.13's state that a SIGINT handler would touch: trip_signal in Modules/signalmodule.c and
   _PyEval_SignalReceived in Python/ceval_gil.c. */
#define Py_BUILD_CORE 1
#include "Python.h"
#include "pycore_ceval.h"
#include "pycore_runtime.h"
#include "pycore_signal.h"

#include <signal.h>

#include "hatch_wasi_dl.h"

struct signals {
    uint32_t version, size;
    const void *is_tripped, *sigint, *main_tstate;
    uint32_t eval_breaker, pending;
    const void *unhandled;
};
_Static_assert(sizeof(struct signals) == sizeof(struct hatch_wasi_signals), "wasm32 pointers are 32 bits wide");

__attribute__((used, visibility("default"))) const struct signals hatch_wasi_signals_data __asm__("hatch_wasi_signals") = {
    .version = 1,
    .size = sizeof(struct signals),
    .is_tripped = &_PyRuntime.signals.is_tripped,
    .sigint = &_PyRuntime.signals.handlers[SIGINT].tripped,
    .main_tstate = &_PyRuntime.main_tstate,
    .eval_breaker = offsetof(PyThreadState, eval_breaker),
    .pending = _PY_SIGNALS_PENDING_BIT,
    .unhandled = &_PyRuntime.signals.unhandled_keyboard_interrupt,
};
