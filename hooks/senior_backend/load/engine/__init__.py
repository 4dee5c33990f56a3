"""Sends requests when they are due, and reads what comes back, on one thread.

``settings``    what a worker must know beside the plan and the schedule
``messages``    what a worker and the process that started it say to each other
``poller``      waiting for sockets and moments: epoll or kqueue
``arriving``    the arrivals of this worker: those that wait, those still to come
``connection``  one connection: addresses, proxy tunnel, TLS, its state
``deadlines``   finds what takes too long
``counting``    the counts of the current second, and how they leave
``channel``     the line to the process that started this one
``loop``        the hot path: send on time, receive, count
"""
