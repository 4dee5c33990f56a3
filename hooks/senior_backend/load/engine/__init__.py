"""Sends requests when they are due, and reads what comes back, on one thread.

``settings``    what a worker must know beside the plan and the schedule
``messages``    what a worker and the process that started it say to each other
``poller``      waiting for sockets and moments: epoll or kqueue
``connection``  one connection: addresses, proxy tunnel, TLS, its state
``loop``        the hot path: send on time, receive, count
"""
