"""Migration folders of every tool, read into one shape and written in the tool's own form.

A tool is one module (or package) with the same names in it, listed once in ``registry.SOURCES``:

- ``ID``: its name on the command line and in settings; ``TITLE``: its name in sentences.
- ``claims(directory) -> bool``: whether this directory is a migration folder of the tool, by its
  layout, and by the first bytes of few files where names do not tell.
- ``read(directory, options) -> Folder``: the migrations in the order in which the tool runs them.
  What cannot be read is a ``NotRead`` in the result, never an exception.
- ``write(folder, new, now) -> WrittenFiles``: new migrations after the newest one, as the tool's
  own files. Nothing is written to disk.

``discovery.discover`` finds the folders below, or around, the paths that a person names.
"""
