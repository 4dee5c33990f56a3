"""The scenario: what to request, how often, and what must hold.

``model``          the file as data, and its schema; ``durations`` its times, rates and sizes
``source``         YAML -> values that remember where they stand
``file``           the two together: every ``errors.ScenarioError`` with its line and column
``flags``          what the command line says, alone or over a file
``template``       ``${…}``; ``random_values`` and ``data``, the rows, behind it
``auth``           where tokens and keys come from
``request``        a request as bytes; ``graphql`` operations
``checks``         how responses are judged and what is captured
``compile``        the model -> the engine's ``Plan``
"""
