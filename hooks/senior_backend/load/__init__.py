"""Load tests in an open model: requests are sent when they are due, whatever the target does.

The modules, in the order in which a run goes through them:

``scenario/``    the YAML file as data, read with the place of every error
``arrivals``     when each request is due: integer nanoseconds from the start
``plan``         a scenario made ready: the bytes of each request, what is a failure
``engine/``      sends on time and never waits for a reply; ``http1`` reads the replies
``recording``    what a worker counts, in windows; ``histogram`` how durations are kept
``run``          one worker process a core, their windows merged, the live view
``totals``       the windows of all workers added up, in memory that stays flat
``summary``      a recording in numbers: the ``result`` document, its ``validity``
``thresholds``   what must hold; ``compare`` two results
``formats/``     a result for people and for machines
"""
