// Throws as C++ does, with nothing of libc++: the exception is an address and the tag __cpp_exception.
extern "C" __attribute__((visibility("default"))) void throw_number(int *number) { __builtin_wasm_throw(0, number); }
