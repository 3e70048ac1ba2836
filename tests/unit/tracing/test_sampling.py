"""Which requests are recorded, as OpenTelemetry's own samplers would decide."""

import pytest

from ari.base.errors import ConfigurationError
from ari.tracing.sampling import read_sampling
from ari.tracing.w3c import RemoteParent

LOW, HIGH = "f" * 16 + "0" * 15 + "1", "0" * 15 + "1" + "f" * 16


@pytest.mark.parametrize(
    ("name", "ratio", "root", "children"),
    [
        ("", "", True, (True, False)),
        ("always_off", "", False, (False, False)),
        ("parentbased_always_off", "", False, (True, False)),
        ("traceidratio", "1", True, (True, True)),
        ("parentbased_traceidratio", "0", False, (True, False)),
    ],
)
def test_a_sampler(name: str, ratio: str, root: bool, children: tuple[bool, bool]) -> None:
    """For a request without a parent, and for children of one that is sampled and one that isn't."""
    sampling = read_sampling({"OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": ratio})
    assert sampling.records_root() is root
    parents = [RemoteParent(HIGH, "1" * 16, True), RemoteParent(HIGH, "1" * 16, False)]
    assert tuple(map(sampling.records_child, parents)) == children
    for parent in parents:
        line = f"00-{parent.trace_id}-{parent.span_id}-0{int(parent.is_sampled)}".encode()
        assert sampling.may_record_child(line) or not sampling.records_child(parent)


def test_a_ratio_is_of_the_trace_id() -> None:
    """So all parts of a system that sample alike record the same traces."""
    sampling = read_sampling({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"})
    assert sampling.records_child(RemoteParent(LOW, "1" * 16, False))
    assert not sampling.records_child(RemoteParent(HIGH, "1" * 16, True))
    assert not sampling.may_record_child(b"x" * 55)


@pytest.mark.parametrize("wrong", ["2", "-1", "nan", "x"])
def test_a_wrong_ratio_is_refused(wrong: str) -> None:
    """OpenTelemetry would record everything."""
    with pytest.raises(ConfigurationError, match="OTEL_TRACES_SAMPLER_ARG"):
        read_sampling({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": wrong})
