/* What libffi's interface says of a machine. Included by ffi.h alone. */
#ifndef LIBFFI_TARGET_H
#define LIBFFI_TARGET_H

typedef unsigned long ffi_arg;
typedef signed long ffi_sarg;

typedef enum ffi_abi { FFI_FIRST_ABI = 0, FFI_WASM32, FFI_LAST_ABI, FFI_DEFAULT_ABI = FFI_WASM32 } ffi_abi;

#define FFI_CLOSURES 1
#define FFI_GO_CLOSURES 0
#define FFI_NATIVE_RAW_API 0
#define FFI_TRAMPOLINE_SIZE 4
#define FFI_TARGET_HAS_COMPLEX_TYPE 1

/* Programs that use libffi bring an allocator of executable memory, and take libffi's own where they know that there is
   no such memory. They know WebAssembly by the one system of it that libffi's own sources support: the rest of a file
   that includes this is told that it is one like that. */
#if !defined(__EMSCRIPTEN__) && !defined(HATCH_WASI_FFI_PLAIN)
#define __EMSCRIPTEN__ 1
#endif

#endif
