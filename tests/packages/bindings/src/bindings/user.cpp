// Uses the other module's types, and meets its exceptions.
#include <pybind11/pybind11.h>

#include <exception>
#include <string>
#include <typeinfo>

#include "shapes.hpp"

namespace py = pybind11;

struct Circle : Shape {
    explicit Circle(double radius) : radius(radius) {}
    double area() const override { return 3 * radius * radius; }
    double radius;
};

static std::string kind(const Shape &shape)
{
    // The object was made by the other module, and its type is that module's.
    if (dynamic_cast<const Square *>(&shape))
        return typeid(shape) == typeid(Square) ? "square" : "like a square";
    return dynamic_cast<const Circle *>(&shape) ? "circle" : "other";
}

// Thrown here, registered there: pybind11 asks the other module's translator.
static void throw_shared() { throw NoShape("thrown by the user"); }

static std::string call_thrower(const py::function &thrower)
{
    try {
        thrower();
        return "nothing";
    } catch (py::error_already_set &error) {
        std::string text = error.what();
        return text.substr(0, text.find('\n'));
    }
}

static int flying() { return std::uncaught_exceptions(); }

PYBIND11_MODULE(_user, m)
{
    py::module_::import("bindings._shapes");
    py::class_<Circle, Shape, std::shared_ptr<Circle>>(m, "Circle").def(py::init<double>());
    m.def("kind", &kind);
    m.def("throw_shared", &throw_shared);
    m.def("call_thrower", &call_thrower);
    m.def("flying", &flying);
}
