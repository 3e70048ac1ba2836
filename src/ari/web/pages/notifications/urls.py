"""URLs of Settings > Notifications."""

from ari.web.navigation import Toast

NOTIFICATIONS = "/settings/notifications"
RETURN_TO = (NOTIFICATIONS,)

MAIL_TESTED = Toast("mail-tested", "Test finished. See the result under “Email”.")
NOTIFICATION_SWITCHED = Toast("notification-switched", "Notification saved.")
