"""Who may open a page: the least role, named at the view."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from malar.accounts.domain import ALLOWED, Role
from malar.accounts.middleware import ShopRequest

P = ParamSpec("P")
View = Callable[Concatenate[ShopRequest, P], HttpResponse]


def member_required(least: Role) -> Callable[[View[P]], Callable[Concatenate[HttpRequest, P], HttpResponse]]:
    """Admit members with `least` or more; others get 403. Strangers were sent to sign in before."""

    def decorate(view: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
        @wraps(view)
        def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            member = getattr(request, "member", None)
            if member is None or member.role not in ALLOWED[least]:
                raise PermissionDenied
            return view(cast(ShopRequest, request), *args, **kwargs)

        return wrapped

    return decorate
