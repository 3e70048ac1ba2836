"""The stages of a request, shared by all HTTP doors, without a framework.

Read head → edge checks → authenticate and authorize → run → record → send; ``request_handler.py`` is their sequence.
"""
