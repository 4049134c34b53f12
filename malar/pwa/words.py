"""What the counter's JavaScript says, in the language that is active. `{name}` is filled in by the page."""

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from ledger.domain import RateReason
from malar.kernel.quantities import Unit
from pricing.domain import FeeBasis


def counter_words() -> dict[str, str]:
    """Every sentence of static/js/counter/view.js and counter.js, by the name it has there."""
    return {
        **{unit.value: str(unit.label) for unit in Unit},
        **{reason.value: str(reason.label) for reason in RateReason},
        # What stands in the slip.
        "choose_farmer": _("Choose the farmer"),
        "choose_how": _("Type his number or tap his name"),
        "nobody": _("Nobody has number {number}"),
        "looking": _("Looking for number {number}…"),
        "inactive": _("No longer active"),
        "number": _("Farmer number"),
        "next_number": _("Next number?"),
        "flower_number": _("Flower number"),
        "usual": _("Usual {low}–{high}"),
        "sacks": _("{count} sacks: {sacks} = {total}"),
        "rate_none": _("rate?"),
        "rate_later": _("The rate can follow later"),
        "rate_today": _("Today’s rate"),
        "rate_typed": _("Rate typed by hand"),
        "rate_change": _("Change the rate, {rate}"),
        "rate_offer": _("New rate ₹{rate}"),
        "petals": _("{count} of 5 details ready"),
        # What Save misses.
        "missing_farmer": _("The farmer is missing"),
        "missing_flower": _("The flower is missing"),
        "missing_weight": _("The weight is missing"),
        "missing_rate": _("The rate is missing"),
        "missing_reason": _("Choose why the rate is another one"),
        # What is asked.
        "ask": _("{quantity} {unit}?"),
        "ask_scale": _("The scale reads {likely}."),
        "ask_band": _("{name} usually brings {low}–{high} {unit} of {flower}."),
        "ask_largest": _("That is far more {flower} than anybody has brought lately."),
        "ask_sack": _("That is more than one sack holds."),
        "ask_likely": _("Change to {quantity}"),
        "ask_right": _("{quantity} is right"),
        "ask_edit": _("Type it again"),
        "ask_reason": _("Why another rate?"),
        # What has happened.
        "save": _("Save"),
        "correct": pgettext("button", "Correct it"),
        "saved": pgettext("line", "Saved"),
        "saved_here": _("Saved on this tablet"),
        "saved_spoken": _("Saved: {number} {name}, {flower}, {quantity} {unit}, {amount} rupees"),
        "saved_spoken_no_rate": _("Saved without a rate: {number} {name}, {flower}, {quantity} {unit}"),
        "saving": _("Saving…"),
        "other_rate": _("Written at {written}; the slip said {quoted}"),
        "no_rate": _("no rate"),
        "undo": _("Undo"),
        "right": pgettext("answer", "Right"),
        "cancelled": pgettext("entry", "cancelled"),
        "undo_reason": _("Taken back at the counter"),
        "undone": _("Cancelled: {number} {name}, {flower}, {quantity} {unit}"),
        "stands": pgettext("entry", "recorded"),
        "kept": pgettext("entry, in few letters", "on the tablet"),
        "asks": pgettext("entry, in few letters", "look at it"),
        "entries": pgettext("counted", "entries"),
        "entry": pgettext("counted", "entry"),
        # What is in the way.
        "pill_loading": _("Loading…"),
        "pill_ok": _("All saved"),
        "pill_unsaved": pgettext("in few letters", "Not saved yet"),
        "pill_kept": _("Only on this tablet: {count}"),
        "pill_asks": _("To be mended: {count}"),
        "pill_off": _("No connection"),
        "pill_out": _("Signed out"),
        "off_title": _("Not saved yet"),
        "off_text": _("It is not certain that it arrived. Press Save again: it is written only once."),
        "clear_anyway": _("Clear it all the same"),
        "off_undo": _("The server cannot be reached. Press Undo again."),
        "refused_title": _("Not saved"),
        "refused_farmer": _("Farmer: {detail}"),
        "refused_flower": _("Flower: {detail}"),
        "refused_weight": _("Weight: {detail}"),
        "refused_rate": _("Rate: {detail}"),
        "earlier_title": _("The first try has arrived"),
        "earlier_text": _(
            "This slip stands in the book as it was before you changed it."
            " Correct it there, then start this slip again."
        ),
        "earlier_open": _("Open the entry"),
        "undo_off": _("Not cancelled"),
        "undo_gone": _("This line was changed or cancelled by somebody else meanwhile."),
        "other_open": _("The slip of {number} is still open"),
        "other_open_text": _("Save it or clear it, then choose {number}."),
        "back": _("Back to the slip"),
        "again": _("Try again"),
        "sign_in_title": _("Please sign in"),
        "sign_in_text": _(
            "Nobody is signed in on this tablet any more. The slip is kept: sign in and press Save."
        ),
        "sign_in_first": _("Sign in to write down what the farmers bring."),
        "sign_in": _("Sign in"),
        "closed_title": _("The counter is for the shop’s people"),
        "closed_text": _("Your own entries and slips are on your page."),
        "closed": _("To my page"),
        "first_off": _(
            "The server cannot be reached, and this tablet does not know your farmers and rates yet."
        ),
        "start_title": _("Before the first sale"),
        "no_farmers": _("No farmers yet. The first one makes the counter work."),
        "add_farmer": _("Add a farmer"),
        "no_flowers": _("No flowers yet. The owner adds them in the office."),
        "add_flowers": _("To the office"),
        # What is only on this tablet.
        "sync_none": _("Everything is on the server · {time}"),
        "sync_by_itself": _("It goes to the server by itself when it can be reached."),
        "sync_signed_out": _("Nobody is signed in. It is sent when you have signed in."),
        "sync_other": _("Somebody else is signed in. It is sent when you have signed in yourself."),
        "sync_old": _("Load the new version of Malar first."),
        "sync_blocked": _("The server cannot take it yet."),
        "sync_tablet_blocked": _("The owner has blocked this tablet."),
        "sync_held": _("The server does not understand this tablet. Tell the owner; nothing is lost."),
        "sync_queued": _("On its way"),
        "sync_sending": _("On its way"),
        "sync_stalled": _("Waits for the server"),
        "sync_needs_fix": _("The server cannot use it:"),
        "sync_sealed": _("Sealed here by somebody who signed out: {count}"),
        "sync_conflict": _("Somebody else has changed it meanwhile; his version stands."),
        "sync_owner_decides": _("If yours is the right one, tell the owner: he decides."),
        "decided_reason": _("Decided at the counter"),
        # An entry in the hand.
        "line_weight": _("Weight"),
        "line_rate": _("Rate"),
        "line_amount": _("Amount"),
        "line_time": _("Time"),
        "line_slip": _("Slip"),
        "line_not_mine": _("Only who wrote it, or the owner, may change it."),
        "line_only_here": _("Only on this tablet yet; the server may still price it anew."),
        # Somebody new.
        "farmer_new": _("New farmer"),
        "field_number": _("Farmer number"),
        "field_name_ta": _("Name in Tamil"),
        "field_name_en": _("Name in English"),
        "field_village": _("Village"),
        "field_phone": _("Mobile number"),
        "name_missing": _("Enter the name, in Tamil or in English."),
        "number_wrong": _("A number from 1 to 9999."),
        "number_of": _("{number} is {name}"),
        # Today.
        "day_as_of": _("As of {time}."),
        "day_as_of_here": _("As of {time}, {count} only on this tablet."),
        "day_part": _("This tablet knows {known} of {count} entries."),
        "day_unpriced": _("Without a rate: {count}."),
        "day_no_slot": _("Outside the slots"),
        # Money and fees.
        **{f"basis_{basis.value}": str(basis.label) for basis in FeeBasis},
        "money_title": _("Give money"),
        "money_kind": _("What is it?"),
        "kind_advance": _("Advance"),
        "kind_draw": _("Draw"),
        # Written in the office, and mended here.
        "kind_hand_loan": _("Hand loan"),
        "kind_advance_repayment": _("Advance paid back"),
        "kind_hand_loan_repayment": _("Hand loan paid back"),
        "field_amount": _("Amount, ₹"),
        "field_note": _("Note"),
        "money_limit": _("Up to ₹{limit} with what he owes already; what is over waits for the owner."),
        "money_over": _("More than ₹{limit}: the owner decides in the office."),
        "amount_wrong": _("Enter the amount: more than 0."),
        "fee_title": _("Charge a fee"),
        "fee_which": _("Fee"),
        "fee_each": _("{name} · ₹{rate} {basis}"),
        "fee_percent": _("{name} · {rate}% {basis}"),
        "fee_none": _("No fees yet. The owner adds them in the office."),
        "field_quantity": _("How much"),
        "quantity_wrong": _("The quantity must be more than 0."),
        # Settling from the counter.
        "settle_title": _("Settle a farmer"),
        "settle_period": _("Which days?"),
        "settle_last_week": _("Last week"),
        "settle_this_week": _("This week"),
        "settle_this_month": _("This month"),
        "settle_office": _("This browser keeps nothing. Settle him under Settlements."),
        # The tablet's own storage.
        "disk_title": _("The tablet cannot keep it"),
        "disk_text": _("Write it down on paper. The slip stays here; try again."),
        "disk_loose": _(
            "This browser may clear what it keeps when space runs short. Put Malar on the home screen."
        ),
        "disk_full": _("There is hardly any space left on this tablet. Delete pictures or apps."),
        "disk_none": _("This browser keeps nothing. Entries are saved only while the server can be reached."),
        # The lock.
        "part_title": _("This part has not come yet"),
        "part_text": _(
            "The network broke before this tablet had fetched it. Your slip is kept. Try again when there is a"
            " network."
        ),
        "verify_title": _("Please sign in again"),
        "verify_text": _(
            "For 18 hours the server has not seen who works on this tablet, so nothing new is written down."
            " Connect it and sign in. What waits here stays and is sent."
        ),
        "lock_other": _("Not {name}? Sign in"),
        "lock_none": _("You can choose a PIN in the menu. Then only you open this."),
        "lock_wrong": _("That is not the PIN. Tries left: {count}."),
        "lock_wait": _("That is not the PIN. Tries left: {count}, in {seconds} seconds."),
        "lock_spent": _(
            "Five times the wrong PIN. Now only signing in helps. What waits here stays and is sent."
        ),
        "lock_asking": _("Looking for the server…"),
        "lock_away": _("The server cannot be reached. Signing in needs the network."),
        "pin_title": _("PIN for this tablet"),
        "pin_password": _("Your password"),
        "pin_new": _("PIN"),
        "pin_again": _("The PIN again"),
        "pin_help": _("Four to six digits. It opens the counter after a break of five minutes."),
        "pin_differs": _("The two PINs differ."),
        "pin_away": _("The server cannot be reached. Choosing a PIN needs the network."),
        "pin_nowhere": _("This browser can keep no PIN."),
        # Finding somebody.
        "found": _("{count} found"),
        "found_none": _("Nobody found. Try another spelling, the number or the village."),
        # The scale.
        "scale_steady": _("Scale {quantity} · steady"),
        "scale_moving": _("Scale {quantity} …"),
        "scale_zero": _("Waiting for the scale to return to 0"),
        "scale_lost": _("Scale not connected · type the weight"),
        "scale_connect": _("Connect the scale"),
    }
