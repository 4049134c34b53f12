"""The PIN of a tablet's lock, at the tablet's door: chosen with the password, and said again where a tablet knows an
older one. The lock itself needs no network (static/js/counter/lock.js)."""

from allauth.core import ratelimit
from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from malar.accounts.domain import MOST_WRONG_PINS
from malar.accounts.middleware import ShopRequest
from malar.accounts.models import User
from malar.accounts.services import choose_pin, guess_pin
from malar.kernel.errors import RuleBroken
from malar.sync.forms import NewPin, Pin
from malar.sync.views import _body, _problem, at_the_counter, readable


@at_the_counter("POST")
@readable
def pin(request: ShopRequest) -> HttpResponse:
    """Choose one, or say the present one: `pin` is its id. 422 names the field that was refused."""
    said = _body(request, NewPin)
    # As often as allauth lets anybody prove who he is.
    if not ratelimit.consume(request, action="reauthenticate", user=request.user):
        return _problem("too_many", 429, detail=_("Too many tries. Wait a minute."))
    try:
        user = choose_pin(by=request.member, **said)
    except RuleBroken as refused:
        return _problem(refused.code, 422, pointer=refused.faults[0].pointer, detail=refused.detail)
    return _known(user)


@at_the_counter("POST")
@readable
def pin_check(request: ShopRequest) -> HttpResponse:
    """Whether this is his PIN; 422 `pin_wrong`, or `pin_spent` where only a real sign-in helps."""
    user, is_right = guess_pin(by=request.member, pin=_body(request, Pin)["pin"])
    if is_right:
        return _known(user)
    return _problem("pin_spent" if user.pin_wrong >= MOST_WRONG_PINS else "pin_wrong", 422)


def _known(user: User) -> HttpResponse:
    return JsonResponse({"pin": str(user.pin_id)})
