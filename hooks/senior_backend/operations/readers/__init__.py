"""Parse trees to operations, a module for each subject.

``TABLE`` in every module maps the kind of a statement to the function that reads it:
``(node, statement) -> operations``. Operations without a place get that of the statement.
"""
