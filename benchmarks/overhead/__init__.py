"""Parts of `service_overhead.py`: the load, the processor time, the subjects, the table."""
