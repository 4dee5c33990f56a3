"""One run, from the scenario to its result, by the process that sends nothing itself.

``interrupts``   Ctrl-C and SIGTERM: stop and report, then end at once and report
``preparation``  what must exist before the first request: a token, data made by requests
``crew``         the worker processes and what they say
``conduct``      start, windows, thresholds, stop: the run
"""
