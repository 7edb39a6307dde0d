// What C++'s library offers an extension module: each function uses one part and gives what it found.
#include <Python.h>

#include <algorithm>
#include <any>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <iostream>
#include <locale>
#include <map>
#include <memory>
#include <mutex>
#include <regex>
#include <shared_mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

static std::string streams()
{
    std::ostringstream out;
    out << 3.5 << ' ' << std::hex << 255 << ' ' << std::boolalpha << true;
    std::istringstream in(out.str());
    double number = 0;
    std::string word;
    in >> number >> word;
    std::cout << "to standard output" << std::endl;
    std::cerr << "to standard error\n";
    return out.str() + "|" + std::to_string(number) + "|" + word;
}

static std::string files()
{
    namespace fs = std::filesystem;
    fs::path folder = fs::current_path() / "made";
    fs::create_directories(folder / "deep");
    std::ofstream(folder / "deep" / "a.txt") << "some text\n";
    std::vector<std::string> names;
    for (const auto &entry : fs::recursive_directory_iterator(folder))
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    std::string text;
    std::getline(std::ifstream(folder / "deep" / "a.txt"), text);
    std::string error = "none";
    try {
        (void)fs::file_size(folder / "nowhere");
    } catch (const fs::filesystem_error &caught) {
        error = caught.code().message();
    }
    fs::remove_all(folder);
    return names.at(0) + " " + names.at(1) + " " + text + " " + error;
}

static std::string expressions()
{
    std::string text = "one 22 three 4444";
    std::string found;
    std::regex number("\\d+");
    for (std::sregex_iterator match(text.begin(), text.end(), number), end; match != end; ++match)
        found += match->str() + ",";
    try {
        std::regex("(");
    } catch (const std::regex_error &) {
        found += "refused";
    }
    return found;
}

static std::string locks()
{
    static std::once_flag once;
    static int count = 0;
    std::mutex mutex;
    std::shared_mutex shared;
    std::recursive_mutex recursive;
    for (int i = 0; i < 3; ++i) {
        std::call_once(once, [] { ++count; });
        std::lock_guard guard(mutex);
        std::scoped_lock both(shared, recursive);
        std::lock_guard again(recursive);
    }
    std::promise<int> promise;
    promise.set_value(7);
    std::string thread = "started";
    try {
        std::thread([] {}).join();
    } catch (const std::system_error &error) {
        thread = "refused";
    }
    return std::to_string(count) + " " + std::to_string(promise.get_future().get()) + " " + thread;
}

static std::string values()
{
    std::variant<int, std::string> either = "text";
    std::any any = 5;
    std::string found;
    try {
        (void)std::get<int>(either);
    } catch (const std::bad_variant_access &) {
        found += "variant ";
    }
    try {
        (void)std::any_cast<std::string>(any);
    } catch (const std::bad_any_cast &) {
        found += "any ";
    }
    try {
        std::function<void()>()();
    } catch (const std::bad_function_call &) {
        found += "function ";
    }
    try {
        std::vector<char>(std::size_t(1) << 31);
    } catch (const std::exception &) {
        found += "vector ";
    }
    try {
        (void)std::stoi("no number");
    } catch (const std::invalid_argument &error) {
        found += error.what();
    }
    return found;
}

// Exceptions pass through the C of python.wasm, here through libc's qsort.
static int compare(const void *left, const void *right)
{
    int a = *static_cast<const int *>(left), b = *static_cast<const int *>(right);
    if (a == 13 || b == 13)
        throw Failure("thirteen");
    return a - b;
}

static std::string through_c()
{
    int numbers[] = {5, 3, 13, 1};
    try {
        std::qsort(numbers, 4, sizeof(int), compare);
    } catch (const Failure &failure) {
        return failure.what();
    }
    return "nothing";
}

struct Guard {
    explicit Guard(std::string &log) : log(log) {}
    ~Guard() { log += std::uncaught_exceptions() ? "unwound " : "left "; }
    std::string &log;
};

static std::string nested()
{
    std::string log;
    std::exception_ptr kept;
    { Guard guard(log); }
    try {
        Guard guard(log);
        try {
            throw Failure("inner");
        } catch (...) {
            std::throw_with_nested(std::logic_error("outer"));
        }
    } catch (const std::logic_error &outer) {
        log += std::string(outer.what()) + " ";
        try {
            std::rethrow_if_nested(outer);
        } catch (...) {
            kept = std::current_exception();
        }
    }
    try {
        std::rethrow_exception(kept);
    } catch (const Failure &failure) {
        log += failure.what();
    }
    return log + " " + std::to_string(std::uncaught_exceptions());
}

struct Counted {
    static inline int alive = 0;
    Counted() { ++alive; }
    ~Counted() { --alive; }
};

static Counted *thread_local_object()
{
    static thread_local Counted counted;
    return &counted;
}

static std::string storage() { return std::to_string(thread_local_object() == thread_local_object()) + std::to_string(Counted::alive); }

static PyObject *uncaught(PyObject *, PyObject *)
{
    throw Failure("nobody catches this");
}

namespace {
struct Hidden {};
} // namespace
namespace outer {
struct Generic {};
} // namespace outer

static PyObject *throws(PyObject *, PyObject *number)
{
    switch (PyLong_AsLong(number)) {
    case 0: throw 7;
    case 1: throw "text";
    case 2: throw std::bad_alloc();
    case 3: throw std::system_error(std::make_error_code(std::errc::no_such_file_or_directory), "opening");
    case 4: (void)std::filesystem::file_size("/nowhere"); break;
    case 5: throw Hidden();
    case 6: throw outer::Generic();
    default: throw std::vector<int>();
    }
    Py_RETURN_NONE;
}

static PyObject *terminated(PyObject *, PyObject *)
{
    try {
        throw Failure("being handled");
    } catch (...) {
        std::terminate();
    }
}

static void silent() noexcept { throw Failure("thrown out of a noexcept function"); }

static PyObject *noexcept_left(PyObject *, PyObject *)
{
    silent();
    Py_RETURN_NONE;
}

template <std::string (*function)()> static PyObject *text(PyObject *, PyObject *)
{
    try {
        return PyUnicode_FromString(function().c_str());
    } catch (const std::exception &error) {
        PyErr_Format(PyExc_RuntimeError, "%s: %s", typeid(error).name(), error.what());
        return nullptr;
    }
}

static PyMethodDef methods[] = {
    {"streams", text<streams>, METH_NOARGS, nullptr},     {"files", text<files>, METH_NOARGS, nullptr},
    {"expressions", text<expressions>, METH_NOARGS, nullptr}, {"locks", text<locks>, METH_NOARGS, nullptr},
    {"values", text<values>, METH_NOARGS, nullptr},       {"through_c", text<through_c>, METH_NOARGS, nullptr},
    {"nested", text<nested>, METH_NOARGS, nullptr},       {"storage", text<storage>, METH_NOARGS, nullptr},
    {"uncaught", uncaught, METH_NOARGS, nullptr},         {"throws", throws, METH_O, nullptr},
    {"terminated", terminated, METH_NOARGS, nullptr},     {"noexcept_left", noexcept_left, METH_NOARGS, nullptr},
    {}};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_library", nullptr, 0, methods};
PyMODINIT_FUNC PyInit__library() { return PyModuleDef_Init(&definition); }
