"""How side modules are made, whoever calls the compiler: flags, link options, and the code that each gets."""
