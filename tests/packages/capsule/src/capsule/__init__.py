from capsule import _provider  # PyCapsule_Import looks for an attribute of the package
