"""security.md 7: an error never repeats what was sent."""

from typing import Any

MARK = "Zq9hunter2marker"


def test_errors_never_repeat_values(owner: Any) -> None:
    """Names, values, paths, queries, headers."""
    admin = owner.api(owner.create_key("admin", scopes=["*"])[1])
    bodies: list[dict[str, object]] = [
        {"name": MARK * 30},
        {"name": "n", "expires": MARK},
        {"name": "n", "expires_at": MARK},
        {"name": "n", "scopes": [f"{MARK.lower()}:read"]},
        {"name": "n", MARK: 1},
        {"name": {"x": MARK}},
    ]
    answers = [admin.post("/api/keys", json=body) for body in bodies]
    answers += [
        admin.get(f"/api/keys/{MARK}"),
        admin.get("/api/usage", params={"limit": MARK}),
        admin.get("/api/usage", params={"cursor": MARK}),
        admin.get("/api/usage", params={MARK: "1"}),
        owner.api(MARK).get("/api/me"),
        owner.api().get(f"/{MARK}"),
        owner.api().get("/api/me", headers={"authorization": f"Bearer {MARK}"}),
    ]
    for answer in answers:
        assert 400 <= answer.status_code < 500, answer.text
        assert MARK not in answer.text
        assert MARK.lower() not in answer.text
    assert MARK not in owner.server.log_text()
