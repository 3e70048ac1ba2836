"""The commits of one process to a file: a lookup asks the file again after each of them."""


class CommitCounter:
    """Counts the commits of this process to a file; a look at the file from before a commit does not count after it."""

    count = 0
