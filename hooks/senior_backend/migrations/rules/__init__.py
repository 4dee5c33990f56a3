"""One rule, one module: what it is about, how it is found, a bad and a good example.

The registry finds the modules of this package by itself; see ``rule`` for their shape.
"""
