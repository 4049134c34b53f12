"""Tokens for programs: allauth's JWT strategy with the shop and the role in the claims."""

from importlib import import_module
from typing import Any

from allauth.headless.tokens.strategies.jwt import JWTTokenStrategy
from django.contrib.auth.base_user import AbstractBaseUser

from malar.accounts.models import User
from malar.accounts.selectors import membership_in

# allauth loads these bit by bit at the first token and fails where another library has loaded only
# some of them before (`cryptography.hazmat.primitives has no attribute 'serialization'`).
for part in ("asymmetric.rsa", "ciphers.algorithms", "ciphers.modes", "serialization"):
    import_module(f"cryptography.hazmat.primitives.{part}")


class ShopTokenStrategy(JWTTokenStrategy):
    """Claims `role` and `shop` name the membership used where no `X-Shop` header is sent.

    They inform the client; every request looks the membership up again.
    """

    def get_claims(self, user: AbstractBaseUser) -> dict[str, Any]:
        member = membership_in(user, None) if isinstance(user, User) else None
        if member is None:
            return {"role": None, "shop": None}
        return {"role": member.role, "shop": str(member.shop_id)}
