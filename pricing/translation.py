"""Names the shop types and others read, in both languages; and their history, which must know them.

History is registered here and not on the class: pghistory copies the fields it finds, and only
after `register` do name_ta and name_en exist.
"""

from modeltranslation.translator import TranslationOptions, register

from malar.kernel.history import keep_history
from pricing.models import FeeRule, Flower, MarketRate, PricingRule, RateAdjustment, TimeSlot


@register(Flower)
class FlowerTranslation(TranslationOptions):
    fields = ("name",)
    required_languages = ("ta", "en")


@register(TimeSlot)
class TimeSlotTranslation(TranslationOptions):
    fields = ("name",)
    required_languages = ("ta", "en")


@register(RateAdjustment)
class RateAdjustmentTranslation(TranslationOptions):
    fields = ("name",)
    required_languages = ("ta", "en")


@register(FeeRule)
class FeeRuleTranslation(TranslationOptions):
    fields = ("name",)
    required_languages = ("ta", "en")


keep_history(Flower)
keep_history(TimeSlot)
keep_history(MarketRate)
keep_history(PricingRule)
keep_history(RateAdjustment)
keep_history(FeeRule)
