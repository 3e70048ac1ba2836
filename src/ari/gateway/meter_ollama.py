"""Usage in Ollama's own format: in the response, or in the last line of a stream."""
# https://github.com/ollama/ollama/blob/main/docs/api.md

from ari.gateway.json_members import Members, value_of
from ari.gateway.reading import UsageReading, count

MARKS = frozenset(("done", "eval_count", "prompt_eval_count"))


def read(members: Members, reading: UsageReading) -> None:
    """Read a response, or a line. The count of a cached prompt may be missing; it stays unknown."""
    reading.set_model(value_of(members, "model"))
    done = value_of(members, "done")
    reading.must_end = reading.must_end or done is False
    found, made = count(value_of(members, "prompt_eval_count")), count(value_of(members, "eval_count"))
    reading.input_tokens = reading.input_tokens if found is None else found
    reading.output_tokens = reading.output_tokens if made is None else made
    if done is not False:
        reading.end()
