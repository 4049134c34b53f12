"""What the API says about flowers, slots and rates: the wire shape, fixed by the contract."""

from malar.kernel.wire import moment, money
from pricing.models import MarketRate


def rate_answer(rate: MarketRate) -> dict[str, object]:
    """A published rate: ₹ per unit as a string."""
    return {
        "id": str(rate.pk),
        "flower": str(rate.flower_id),
        "slot": str(rate.slot_id) if rate.slot_id else None,
        "rate": money(rate.rate),
        "effective_from": moment(rate.effective_from),
        "effective_to": moment(rate.effective_to),
        "published_at": moment(rate.published_at),
    }
