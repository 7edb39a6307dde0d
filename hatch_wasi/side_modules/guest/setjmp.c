/* What clang calls for setjmp and longjmp (-mllvm -wasm-enable-sjlj): a longjmp is an exception with the tag
   __c_longjmp, and a function that calls setjmp catches it and asks whether it is meant.

   The interface is LLVM's (lib/Target/WebAssembly/WebAssemblyLowerEmscriptenEHSjLj.cpp). wasi-libc's libsetjmp is not
   position-independent and defines a tag of its own: a longjmp out of one module into another would not be caught.

   A jmp_buf is kept as: which call of the function it belongs to, which setjmp of that function, and what longjmp
   throws, the buffer and the value. Compiled into each module, and left out by the linker where nothing calls it. */
#include <stdint.h>

struct jump {
    void *invocation;
    uint32_t label;
    struct {
        void *buffer;
        int value;
    } thrown;
};

void __wasm_setjmp(void *buffer, uint32_t label, void *invocation)
{
    struct jump *jump = buffer;
    jump->invocation = invocation;
    jump->label = label;
}

uint32_t __wasm_setjmp_test(void *buffer, void *invocation)
{
    struct jump *jump = buffer;
    return jump->invocation == invocation ? jump->label : 0;
}

void __wasm_longjmp(void *buffer, int value)
{
    struct jump *jump = buffer;
    jump->thrown.buffer = buffer;
    jump->thrown.value = value ? value : 1;
    __builtin_wasm_throw(1, &jump->thrown); /* 1: the tag __c_longjmp */
}
