// What the two modules share: each has its own copy of these types' names and tables.
#pragma once
#include <stdexcept>
#include <string>

struct Shape {
    virtual ~Shape() = default;
    virtual double area() const = 0;
};

struct Square : Shape {
    explicit Square(double side) : side(side)
    {
        if (side < 0)
            throw std::invalid_argument("a side of " + std::to_string(side));
    }
    double area() const override { return side * side; }
    double side;
};

struct NoShape : std::runtime_error {
    using std::runtime_error::runtime_error;
};
