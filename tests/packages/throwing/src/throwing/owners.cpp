// Functions that call setjmp and own objects: how often these are made and destroyed, whichever way a function is left.
#include <csetjmp>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <Python.h>

namespace {

jmp_buf here, outside;
int made, gone;

struct Counted {
    int value;
    Counted(int number = 1) : value(number) { made++; }
    Counted(const Counted &other) : value(other.value) { made++; }
    ~Counted() { gone++; }
};

enum How { RETURN, JUMP, THROW };

__attribute__((noinline)) void leave(int how)
{
    if (how == JUMP)
        longjmp(here, 5);
    if (how == THROW)
        throw std::runtime_error("thrown");
}

int one(int how)
{
    Counted object;
    if (int result = setjmp(here))
        return result;
    leave(how);
    return object.value;
}

int arrays(int how)
{
    Counted array[3];
    std::vector<Counted> vector(4);
    if (int result = setjmp(here))
        return result * 10;
    {
        Counted inner[2];
        leave(how == JUMP ? RETURN : how);
    }
    leave(how);
    return array[2].value + vector[3].value;
}

int no_exceptions(int how) noexcept
{
    Counted object;
    std::string text(100, 'x');
    if (setjmp(here))
        return text.size();
    leave(how);
    return 0;
}

int tried(int how)
{
    Counted object;
    if (setjmp(here))
        return -1;
    try {
        Counted inner;
        leave(how == JUMP ? RETURN : how);
    } catch (const std::runtime_error &) {
        return 7;
    }
    leave(how);
    return 3;
}

int chosen(int how)
{
    Counted object;
    if (setjmp(here))
        return -1;
    int number = how ? Counted(4).value : Counted(Counted(5)).value;
    leave(how);
    return std::make_unique<Counted>(number)->value;
}

int again(int times)
{
    std::vector<std::string> all;
    volatile int count = 0;
    if (setjmp(here)) {
        all.push_back("again");
        count = count + 1;
    }
    if (count < times)
        leave(JUMP);
    return all.size();
}

int nested(int how)
{
    Counted object;
    if (int result = setjmp(outside))
        return result;
    int inner = one(how);
    if (inner != 5)
        return inner + 100;
    longjmp(outside, 9);
}

PyObject *run(PyObject *, PyObject *arguments)
{
    const char *name;
    int how, result;
    if (!PyArg_ParseTuple(arguments, "si", &name, &how))
        return nullptr;
    made = gone = 0;
    const std::string asked = name;
    try {
        result = asked == "one" ? one(how)
            : asked == "arrays" ? arrays(how)
            : asked == "no_exceptions" ? no_exceptions(how)
            : asked == "tried" ? tried(how)
            : asked == "chosen" ? chosen(how)
            : asked == "again" ? again(how)
                               : nested(how);
    } catch (const std::runtime_error &) {
        result = -50;
    }
    return Py_BuildValue("iii", result, made, gone);
}

PyMethodDef methods[] = {{"run", run, METH_VARARGS, nullptr}, {}};
PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_owners", nullptr, 0, methods};

} // namespace

PyMODINIT_FUNC PyInit__owners() { return PyModule_Create(&definition); }
