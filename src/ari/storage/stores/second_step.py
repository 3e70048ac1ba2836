"""Two-factor, backup codes and half sign-ins in the keys database."""

from dataclasses import asdict

from sqlalchemy import Connection, delete, func, select, update

from ari.accounts.model import HalfSignIn, TwoFactor
from ari.storage.dialect import insert
from ari.storage.tables import backup_codes, half_sign_ins, two_factor


class SecondStepTables:
    """Implements ``accounts.ports.SecondStepStore`` inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def two_factor(self, account_id: str) -> TwoFactor | None:
        row = self._connection.execute(select(two_factor).where(two_factor.c.account_id == account_id)).first()
        return None if row is None else TwoFactor(*row)

    def set_two_factor(self, state: TwoFactor) -> None:
        row = insert(self._connection, two_factor).values(**asdict(state))
        kept = {"enabled_at_ms": state.enabled_at_ms, "last_step": state.last_step}
        self._connection.execute(row.on_conflict_do_update(index_elements=["account_id"], set_=kept))

    def drop_two_factor(self, account_id: str) -> None:
        for table in (two_factor, backup_codes, half_sign_ins):
            self._connection.execute(delete(table).where(table.c.account_id == account_id))

    def replace_backup_codes(self, account_id: str, digests: list[bytes], now_ms: int) -> None:
        self._connection.execute(delete(backup_codes).where(backup_codes.c.account_id == account_id))
        rows = [{"digest": digest, "account_id": account_id, "made_at_ms": now_ms} for digest in digests]
        self._connection.execute(backup_codes.insert(), rows)

    def use_backup_code(self, account_id: str, digest: bytes, now_ms: int) -> bool:
        code = backup_codes.c
        unused = (code.digest == digest, code.account_id == account_id, code.used_at_ms.is_(None))
        using = update(backup_codes).where(*unused).values(used_at_ms=now_ms)
        return self._connection.execute(using).rowcount == 1

    def count_backup_codes(self, account_id: str) -> int:
        code = backup_codes.c
        left = select(func.count()).where(code.account_id == account_id, code.used_at_ms.is_(None))
        return self._connection.execute(left).scalar_one()

    def add_half(self, half: HalfSignIn) -> None:
        self._connection.execute(half_sign_ins.insert().values(**asdict(half)))

    def half(self, digest: bytes, now_ms: int) -> HalfSignIn | None:
        living = (half_sign_ins.c.digest == digest, half_sign_ins.c.expires_at_ms > now_ms)
        row = self._connection.execute(select(half_sign_ins).where(*living)).first()
        return None if row is None else HalfSignIn(*row)

    def end_half(self, digest: bytes) -> None:
        self._connection.execute(delete(half_sign_ins).where(half_sign_ins.c.digest == digest))

    def forget_halves(self, account_id: str) -> None:
        self._connection.execute(delete(half_sign_ins).where(half_sign_ins.c.account_id == account_id))
