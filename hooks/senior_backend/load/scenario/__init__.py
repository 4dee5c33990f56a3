"""The scenario: what to request, how often, and what must hold.

``model``      the file as data; ``durations`` its times, rates and sizes
``file``       YAML -> ``model``, every error with its line and column
``flags``      what the command line says, alone or over a file
``template``   ``${…}``; ``data`` the rows behind it
``auth``       where tokens and keys come from
``checks``     how responses are judged and what is captured; ``graphql`` operations
``compile``    the model -> the engine's ``Plan``
"""
