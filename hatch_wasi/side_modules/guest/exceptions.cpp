// Linked into each C++ module that may throw: what an exception says. The loader asks when one has left all code behind,
// or a constructor or PyInit_* (hatch_wasi/runtime/thrown.py), and std::terminate says it here.
//
// libc++abi would do so with its demangler, 130 KB in each module. The types of exceptions have simple names.
#include <cxxabi.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <typeinfo>

namespace {

struct Text {
    char *at;
    char *end;

    void add(const char *text, std::size_t size)
    {
        for (; size > 0 && at + 1 < end; --size)
            *at++ = *text++;
        *at = '\0';
    }
    void add(const char *text) { add(text, std::strlen(text)); }
};

const char *builtin(const char *name)
{
    static const char *const names[][2] = {
        {"PKc", "char const*"}, {"Pc", "char*"}, {"b", "bool"},          {"c", "char"},      {"d", "double"},
        {"f", "float"},         {"i", "int"},    {"j", "unsigned int"},  {"l", "long"},      {"m", "unsigned long"},
        {"x", "long long"},     {"y", "unsigned long long"},
    };
    for (const auto &pair : names)
        if (std::strcmp(pair[0], name) == 0)
            return pair[1];
    return nullptr;
}

// Writes names with their namespaces (Itanium C++ ABI, 5.1.2); gives false for what is more than that.
bool nested(const char *name, Text out)
{
    bool is_nested = *name == 'N', is_first = true;
    name += is_nested;
    if (name[0] == 'S' && name[1] == 't') {
        out.add("std");
        name += 2;
        is_first = false;
    }
    while (*name >= '1' && *name <= '9') {
        char *text = nullptr;
        std::size_t size = std::strtoul(name, &text, 10);
        if (std::strlen(text) < size)
            return false;
        name = text + size;
        // libc++'s inline namespaces, such as std::__2, are nothing that a person writes.
        if (!is_first && std::strncmp(text, "__", 2) == 0)
            continue;
        out.add(is_first ? "" : "::");
        if (std::strncmp(text, "_GLOBAL__N", 10) == 0)
            out.add("(anonymous namespace)");
        else
            out.add(text, size);
        is_first = false;
    }
    return !is_first && std::strcmp(name, is_nested ? "E" : "") == 0;
}

void describe(const std::type_info *type, const std::exception *error, char *buffer, unsigned size)
{
    Text out{buffer, buffer + size};
    const char *name = type ? type->name() : "of an unknown type";
    const char *simple = builtin(name);
    if (simple || !nested(name, out)) {
        *buffer = '\0';
        out.add(simple ? simple : name);
    }
    out.at = buffer + std::strlen(buffer);
    if (error) {
        out.add(": ");
        out.add(error->what());
    }
}

[[noreturn]] void terminated()
{
    char text[1000] = "";
    if (const std::type_info *type = abi::__cxa_current_exception_type()) {
        try {
            throw;
        } catch (const std::exception &error) {
            describe(type, &error, text, sizeof text);
        } catch (...) {
            describe(type, nullptr, text, sizeof text);
        }
    }
    std::fprintf(stderr, *text ? "std::terminate: uncaught C++ exception %s\n" : "std::terminate was called\n", text);
    std::abort();
}

// Before the module's own constructors, which may set a handler of their own.
__attribute__((constructor(101))) void set() { std::set_terminate(terminated); }

} // namespace

// `exception` is what was thrown with the tag __cpp_exception. It is destroyed.
extern "C" void hatch_wasi_describe_exception(void *exception, char *buffer, unsigned size) noexcept
{
    try {
        __builtin_wasm_throw(0, exception); // 0: the tag __cpp_exception
    } catch (const std::exception &error) {
        describe(&typeid(error), &error, buffer, size);
    } catch (...) {
        describe(abi::__cxa_current_exception_type(), nullptr, buffer, size);
    }
}
