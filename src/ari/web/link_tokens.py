"""The token of a setup or email link, whether people paste the whole link or only its code."""


def link_token(pasted: str) -> str:
    """The part after ``#token=``, or the text itself where it has none."""
    return pasted.strip().rpartition("#token=")[2]
