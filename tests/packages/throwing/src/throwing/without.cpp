// The same module with exceptions and without: containers, strings, virtual functions.
#include <Python.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

struct Animal {
    virtual ~Animal() = default;
    virtual std::string says() const = 0;
};
struct Cat : Animal {
    std::string says() const override { return "meow"; }
};
struct Dog : Animal {
    std::string says() const override { return "woof"; }
};

static PyObject *chorus(PyObject *, PyObject *)
{
    std::map<std::string, std::unique_ptr<Animal>> animals;
    animals["tom"] = std::make_unique<Cat>();
    animals["rex"] = std::make_unique<Dog>();
    std::vector<std::string> said;
    for (const auto &[name, animal] : animals)
        said.push_back(name + " says " + animal->says() + (dynamic_cast<Cat *>(animal.get()) ? " softly" : ""));
    std::string all;
    for (const auto &line : said)
        all += line + "; ";
    return PyUnicode_FromString(all.c_str());
}

static PyObject *too_far(PyObject *, PyObject *) { return PyLong_FromLong(std::vector<int>{1}.at(7)); }

#ifndef INIT
#define INIT PyInit__without
#endif
static PyMethodDef methods[] = {{"chorus", chorus, METH_NOARGS, nullptr}, {"too_far", too_far, METH_NOARGS, nullptr}, {}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "m", nullptr, 0, methods};
PyMODINIT_FUNC INIT() { return PyModuleDef_Init(&definition); }
