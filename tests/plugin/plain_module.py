"""The least source of an extension module."""

MODULE = """\
#include <Python.h>
static struct PyModuleDef definition = {{PyModuleDef_HEAD_INIT, .m_name = "{leaf}"}};
PyMODINIT_FUNC PyInit_{leaf}(void) {{ return PyModule_Create(&definition); }}
"""
