"""``/api/notifications``: settings, delivery history and test emails."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from ari.api.deps import CallerDeps
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.notification_shapes import (
    KindName,
    NoticesOut,
    NotificationChangeIn,
    NotificationOut,
    NotificationsOut,
    TestedOut,
)
from ari.api.responses import respond, respond_page
from ari.api.shapes import PageIn
from ari.http.route_policy import AuthMode, policy
from ari.notifications import delivery_history, switches, test_email
from ari.notifications.ports import NoticeTransaction

router = APIRouter(prefix="/api/notifications", tags=["Notifications"])


@router.get("", response_model=NotificationsOut, summary="List notifications", responses=document_errors())
@policy(AuthMode.KEY_OR_SESSION, scope="notifications:read")
async def list_notifications(deps: CallerDeps) -> Response:
    """All notifications, whether each is on, and how ARI sends email."""
    await deps.instance.mail.refresh(deps)
    listed, address = await deps.read(_read_settings)
    mail = delivery_history.mail_config_facts(deps.instance.mail.config, address)
    return respond({"mail": mail, "items": [switches.build_setting_facts(one) for one in listed]})


@router.get(
    "/history", response_model=NoticesOut, summary="List delivery history", responses=document_errors("invalid")
)
@policy(AuthMode.KEY_OR_SESSION, scope="notifications:read")
async def read_notification_history(deps: CallerDeps, query: Annotated[PageIn, Query()]) -> Response:
    """Notifications sent, their recipients and delivery status. Kept for 400 days."""
    found = await deps.read(delivery_history.read_history, query.before_id, query.limit + 1)
    return respond_page([delivery_history.notice_facts(one) for one in found], query.limit)


@router.post(
    "/test",
    response_model=TestedOut,
    summary="Send a test email",
    responses=document_errors("mail_off", "conflict", "rate_limited", "confirmation_required", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="notifications:write", sensitive=True)
async def send_test_mail(deps: CallerDeps) -> Response:
    """Sends a test email to the owner and returns the result. Limited to ten per hour."""
    return respond(
        test_email.test_facts(await test_email.send_test_email(deps, deps.instance.mail, deps.instance.clock))
    )


@router.patch(
    "/{kind}",
    response_model=NotificationOut,
    summary="Turn a notification on or off",
    responses=document_errors("not_found", "confirmation_required", "forbidden", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="notifications:write", sensitive=True)
async def switch_notification(kind: KindName, body: NotificationChangeIn, deps: CallerDeps) -> Response:
    """Muted notifications still appear in the delivery history. API keys can't turn off `new_device` or
    `two_factor_off`, which warn about access to the owner's account."""
    switched = await deps.do(switches.switch, kind, on=body.on)
    return respond(switches.build_setting_facts(switched))


def _read_settings(tx: NoticeTransaction) -> tuple[list[switches.NotificationSetting], str | None]:
    return switches.list_settings(tx.key_value), delivery_history.recipient(tx)
