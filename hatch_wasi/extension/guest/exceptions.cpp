// Linked into each C++ module that may throw: what an exception says, for whoever runs the guest. The loader asks when
// one has left all code behind, or a constructor or PyInit_* (hatch_wasi/runtime/thrown.py).
#include <cxxabi.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <typeinfo>

static void write(char *buffer, unsigned size, const std::type_info *type, const char *separator, const char *what)
{
    int status = 0;
    char *name = type ? abi::__cxa_demangle(type->name(), nullptr, nullptr, &status) : nullptr;
    std::snprintf(buffer, size, "%s%s%s", name ? name : type ? type->name() : "of an unknown type", separator, what);
    std::free(name);
}

// `exception` is what was thrown with the tag __cpp_exception. It is destroyed.
extern "C" void hatch_wasi_describe_exception(void *exception, char *buffer, unsigned size) noexcept
{
    try {
        __builtin_wasm_throw(0, exception); // 0: the tag __cpp_exception
    } catch (const std::exception &error) {
        write(buffer, size, &typeid(error), ": ", error.what());
    } catch (...) {
        write(buffer, size, abi::__cxa_current_exception_type(), "", "");
    }
}
