"""How this package is installed with what this tool needs.

By its address: the name alone is nobody's in the package index, so that anybody may take it.
"""

INSTALL = 'pip install "senior-backend[postgres] @ git+https://github.com/org/senior-backend"'
