// Types, an exception of its own, and what is thrown to Python and back.
#include <pybind11/functional.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <map>
#include <memory>
#include <system_error>
#include <vector>

#include "shapes.hpp"

namespace py = pybind11;

static int throw_standard(const std::string &kind)
{
    if (kind == "out_of_range")
        return std::vector<int>{1}.at(7);
    if (kind == "bad_alloc")
        throw std::bad_alloc();
    if (kind == "overflow")
        throw std::overflow_error("too much");
    if (kind == "system")
        throw std::system_error(std::make_error_code(std::errc::no_such_file_or_directory), "opening");
    if (kind == "number")
        throw 7;
    throw NoShape(kind);
}

// Calls back into Python; what that raises passes through C++ as an exception and can be caught there.
static std::string call(const std::function<int(int)> &function)
{
    try {
        return std::to_string(function(20));
    } catch (py::error_already_set &error) {
        if (!error.matches(PyExc_KeyError))
            throw;
        return "caught " + std::string(py::str(error.value()));
    }
}

static std::map<std::string, std::vector<double>> areas(const std::vector<std::shared_ptr<Shape>> &shapes)
{
    std::map<std::string, std::vector<double>> found;
    for (const auto &shape : shapes)
        found[dynamic_cast<const Square *>(shape.get()) ? "square" : "other"].push_back(shape->area());
    return found;
}

PYBIND11_MODULE(_shapes, m)
{
    py::class_<Shape, std::shared_ptr<Shape>>(m, "Shape").def("area", &Shape::area);
    py::class_<Square, Shape, std::shared_ptr<Square>>(m, "Square").def(py::init<double>());
    py::register_exception<NoShape>(m, "NoShape", PyExc_LookupError);
    m.def("throw_standard", &throw_standard);
    m.def("call", &call);
    m.def("areas", &areas);
}
