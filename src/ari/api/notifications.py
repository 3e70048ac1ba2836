"""``/api/notifications``: which are on, what became of their mails, a test."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from ari.api.here import WITH_BODY, Here, answer, paged, problems
from ari.api.notification_shapes import (
    KindName,
    NoticesOut,
    NotificationChangeIn,
    NotificationOut,
    NotificationsOut,
    TestedOut,
)
from ari.api.shapes import PageIn
from ari.http.route_policy import AuthMode, policy
from ari.notifications import manage

router = APIRouter(prefix="/api/notifications", tags=["Notifications"])


@router.get("", response_model=NotificationsOut, summary="List notifications", responses=problems())
@policy(AuthMode.KEY_OR_SESSION, scope="notifications:read")
async def list_notifications(here: Here) -> Response:
    """All notifications, whether each is on, and how ARI sends email."""
    await here.instance.alook_for_mail_key()
    listed, address = await here.instance.aread(lambda unit: (manage.list_settings(unit.notes), manage.recipient(unit)))
    mail = manage.mail_config_facts(here.instance.mail_config, address)
    return answer({"mail": mail, "items": [manage.setting_facts(one) for one in listed]})


@router.get("/history", response_model=NoticesOut, summary="List delivery history", responses=problems("invalid"))
@policy(AuthMode.KEY_OR_SESSION, scope="notifications:read")
async def read_notification_history(here: Here, query: Annotated[PageIn, Query()]) -> Response:
    """Notifications sent, their recipients and delivery status. Kept for 400 days."""
    before = query.before_id
    found = await here.instance.aread(lambda unit: manage.history(unit, before, query.limit + 1))
    return paged([manage.notice_facts(one) for one in found], query.limit)


@router.post(
    "/test",
    response_model=TestedOut,
    summary="Send a test email",
    responses=problems("mail_off", "conflict", "rate_limited", "confirmation_required", *WITH_BODY),
)
@policy(AuthMode.KEY_OR_SESSION, scope="notifications:write", sensitive=True)
async def send_test_mail(here: Here) -> Response:
    """Sends a test email to the owner and returns the result. Limited to ten per hour."""
    return answer(manage.test_facts(await here.instance.asend_test_mail(here.caller)))


@router.patch(
    "/{kind}",
    response_model=NotificationOut,
    summary="Turn a notification on or off",
    responses=problems("not_found", "confirmation_required", "forbidden", *WITH_BODY),
)
@policy(AuthMode.KEY_OR_SESSION, scope="notifications:write", sensitive=True)
async def switch_notification(kind: KindName, body: NotificationChangeIn, here: Here) -> Response:
    """Muted notifications still appear in the delivery history. API keys can't turn off `new_device` or
    `two_factor_off`, which warn about access to the owner's account."""
    switched = await here.instance.acommand(here.caller, lambda tx, _: manage.switch(tx, kind, on=body.on))
    return answer(manage.setting_facts(switched))
