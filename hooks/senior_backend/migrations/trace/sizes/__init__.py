"""Production's sizes: tables filled with rows, times measured on them, and carried on."""
