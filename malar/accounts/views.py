"""Pages about people: who belongs to the shop, which language, which shop."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.forms import InviteForm, LanguageForm, MemberForm, ShopForm
from malar.accounts.middleware import SHOP_IN_SESSION, ShopRequest
from malar.accounts.models import Membership, User
from malar.accounts.selectors import member_of, members_seen_by
from malar.accounts.services import change_member, invitation_shown_to, invite_member, mail_invitation, speak
from malar.kernel.errors import RuleBroken

A_YEAR_S = 365 * 24 * 3600
PER_PAGE = 50


@member_required(Role.ADMIN)
@require_safe
def member_list(request: ShopRequest) -> HttpResponse:
    """Everybody of the shop."""
    page = Paginator(members_seen_by(request.member), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/member_list.html", {"page": page})


@member_required(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def member_invite(request: ShopRequest) -> HttpResponse:
    """Take somebody into the shop and tell him how to sign in."""
    form = InviteForm(request.POST or None)
    if form.is_valid():
        try:
            member = invite_member(by=request.member, **form.cleaned_data)
        except RuleBroken as refusal:
            form.add_error("contact", refusal.detail)
        else:
            return _invited(request, member)
    status = 422 if form.is_bound else 200
    return render(request, "accounts/member_invite.html", {"form": form}, status=status)


def _invited(request: ShopRequest, member: Membership) -> HttpResponse:
    if member.user.has_usable_password():
        told = _("%(name)s now belongs to your shop and signs in as before.") % {"name": member.user.name}
        messages.success(request, told)
        return redirect("accounts:member_list")
    if not member.user.email:
        return redirect("accounts:member_invitation", member.pk)
    return _mailed(request, member)


def _mailed(request: ShopRequest, member: Membership) -> HttpResponse:
    if mail_invitation(member=member, site=request.build_absolute_uri("/")):
        told = _("An invitation is on its way to %(email)s.") % {"email": member.user.email}
        messages.success(request, told)
    else:
        told = _("The invitation could not be mailed to %(email)s. Send it again later.")
        messages.error(request, told % {"email": member.user.email})
    return redirect("accounts:member_edit", member.pk)


@member_required(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def member_edit(request: ShopRequest, member_id: UUID) -> HttpResponse:
    """Change what somebody may do here."""
    member = member_of(request.member, member_id)
    form = MemberForm(request.POST or None, member=member)
    if form.is_valid():
        try:
            change_member(by=request.member, member_id=member.pk, **form.cleaned_data)
        except RuleBroken as refusal:
            form.add_error("role", refusal.detail)
        else:
            messages.success(request, _("Saved."))
            return redirect("accounts:member_list")
    status = 422 if form.is_bound else 200
    return render(request, "accounts/member_edit.html", {"form": form, "member": member}, status=status)


@member_required(Role.ADMIN)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def member_invitation(request: ShopRequest, member_id: UUID) -> HttpResponse:
    """Show the link to pass on to somebody without e-mail; POST mails it to somebody with."""
    member = member_of(request.member, member_id)
    if member.user.email:
        return (
            _mailed(request, member)
            if request.method == "POST"
            else redirect("accounts:member_edit", member.pk)
        )
    path = invitation_shown_to(by=request.member, member=member)
    context = {"member": member, "link": request.build_absolute_uri(path)}
    return render(request, "accounts/member_invitation.html", context)


@login_not_required
@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Speak Tamil or English from now on; kept with the user, for strangers in a cookie."""
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = "/"
    response = redirect(back)
    form = LanguageForm(request.POST)
    if form.is_valid():
        language = form.cleaned_data["language"]
        if isinstance(request.user, User):
            speak(by=request.member, user=request.user, language=language)  # type: ignore[attr-defined]
        translation.activate(language)
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=A_YEAR_S,
            samesite="Lax",
            httponly=True,
            secure=request.is_secure(),
        )
    return response


@member_required(Role.FARMER)
@require_POST
def choose_shop(request: ShopRequest) -> HttpResponse:
    """Work in another of one's shops."""
    form = ShopForm(request.POST)
    mine = {member.shop_id for member in request.memberships}
    if not form.is_valid() or form.cleaned_data["shop"] not in mine:
        raise Http404
    request.session[SHOP_IN_SESSION] = str(form.cleaned_data["shop"])
    return redirect("/")
