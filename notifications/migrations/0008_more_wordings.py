from django.db import migrations

# The first wordings of settlements, payments, summaries and rates that do not come, in the words of the
# design's notification-templates.json; and, as new versions, receipts and advances that have a short form.
# MALARM stands for the six letters that the operators registered for the shop.
WORDINGS = {
    ("day_summary", "ta"): """\
வணக்கம் {farmer}, {date} தேதிக்கான உங்கள் வரவு விவரம்:
மொத்த அளவு: {quantity}
விற்பனைத் தொகை: {gross}
கமிஷன் மற்றும் பிடித்தங்கள்: {deductions}
உங்களுக்கு வர வேண்டியது: {net}
சந்தேகம் இருந்தால் கடையைத் தொடர்பு கொள்ளவும்.""",
    ("day_summary", "en"): """\
Hello {farmer}, your deliveries for {date}:
Total quantity: {quantity}
Sale value: {gross}
Commission and deductions: {deductions}
Due to you: {net}
Please contact the shop if you have any question.""",
    ("rate_pending", "ta"): """\
வணக்கம் {farmer}, {date} தேதி நீங்கள் போட்ட பூவுக்கு இன்னும் விலை போடவில்லை.
பூ: {flowers}
சிட்டை எண்: {slips}
விலை போட்டதும் உங்களுக்குத் தெரிவிப்போம். சந்தேகம் இருந்தால் கடையைத் தொடர்பு கொள்ளவும்.""",
    ("rate_pending", "en"): """\
Hello {farmer}, the flowers you brought on {date} still have no rate.
Flowers: {flowers}
Slip no.: {slips}
You will be told as soon as it is fixed. Please contact the shop if you have any question.""",
    ("settlement_ready", "ta"): """\
வணக்கம் {farmer}, {start} முதல் {end} வரையிலான உங்கள் கணக்கு தயாராக உள்ளது.
விற்பனைத் தொகை: {gross}
கமிஷன்: {commission}
முன்பணப் பிடித்தம்: {advance}
மற்ற வரவு, பிடித்தங்கள்: {other}
கைக்கு வரும் தொகை: {net}
கணக்கு எண் {reference}. சரிபார்த்து உங்கள் பதிலைத் தெரிவிக்கவும்.""",
    ("settlement_ready", "en"): """\
Hello {farmer}, your account from {start} to {end} is ready.
Sale value: {gross}
Commission: {commission}
Advance deducted: {advance}
Other items: {other}
Net amount: {net}
Settlement no. {reference}. Please check it and give your answer.""",
    ("settlement_reminder", "ta"): """\
வணக்கம் {farmer}, கணக்கு எண் {reference} இன்னும் உங்கள் ஒப்புதலுக்காகக் காத்திருக்கிறது. \
கைக்கு வரும் தொகை {net}. தயவுசெய்து {due} தேதிக்குள் பதில் அனுப்பவும்.""",
    ("settlement_reminder", "en"): """\
Hello {farmer}, settlement no. {reference} is still waiting for your approval. Net amount {net}. \
Please reply on or before {due}. Thank you.""",
    ("settlement_approved", "ta"): """\
நன்றி {farmer}. கணக்கு எண் {reference}, கைக்கு வரும் தொகை {net} - உங்கள் ஒப்புதல் {at} அன்று பதிவு \
செய்யப்பட்டது. நீங்கள் ஒப்புதல் தரவில்லை என்றால் உடனே கடைக்குத் தெரிவிக்கவும்.""",
    ("settlement_approved", "en"): """\
Thank you {farmer}. For settlement no. {reference}, net amount {net}, your approval was recorded on {at}. \
If you did not approve it, please tell the shop at once.""",
    ("settlement_reversed", "ta"): """\
வணக்கம் {farmer}, கணக்கு எண் {reference}, தொகை {net} - திரும்ப எடுக்கப்பட்டது.
காரணம்: {reason}
இதில் இருந்த வரவுகள் அடுத்த கணக்கில் சேர்க்கப்படும். சந்தேகம் இருந்தால் கடையைத் தொடர்பு கொள்ளவும்.""",
    ("settlement_reversed", "en"): """\
Hello {farmer}, settlement no. {reference}, amount {net}, has been taken back.
Reason: {reason}
What was in it goes into your next settlement. Please contact the shop if you have any question.""",
    ("payment_paid", "ta"): """\
வணக்கம் {farmer}, கணக்கு எண் {reference}-க்கு {amount} தொகை {mode} மூலம் {date} அன்று உங்களுக்குச் செலுத்தப்பட்டது.
குறிப்பு எண்: {receipt}
மீதி: {balance}
பணம் வரவில்லை என்றால் உடனே கடைக்குத் தெரிவிக்கவும்.""",
    ("payment_paid", "en"): """\
Hello {farmer}, for settlement no. {reference} an amount of {amount} was paid to you by {mode} on {date}.
Reference: {receipt}
Balance: {balance}
If you have not received it, please tell the shop at once.""",
    ("dispute_received", "ta"): """\
வணக்கம் {farmer}, கணக்கு எண் {reference} பற்றிய உங்கள் புகார் {date} அன்று பதிவு செய்யப்பட்டது. \
கடையிலிருந்து உங்களைத் தொடர்பு கொள்வார்கள்.""",
    ("dispute_received", "en"): """\
Hello {farmer}, your complaint about settlement no. {reference} was recorded on {date}. \
The shop will contact you. Thank you.""",
    ("consent_welcome", "ta"): """\
வணக்கம் {farmer}, {shop} கடையில் உங்கள் பூ கணக்கு இனி டிஜிட்டல் முறையில் பதிவாகும். வரவு, கணக்கு, பணம் பற்றிய \
செய்திகள் இந்த எண்ணுக்கு வரும். செய்திகள் வேண்டாம் என்றால் STOP என்று பதில் அனுப்பவும்.""",
    ("consent_welcome", "en"): """\
Hello {farmer}, your flower account at {shop} is now kept digitally. Messages about deliveries, accounts and \
payments will come to this number. Reply STOP if you do not want them.""",
}

BUTTONS = {
    "ta": [
        {"kind": "QUICK_REPLY", "text": "சரி, ஒப்புதல்", "means": "approve"},
        {"kind": "QUICK_REPLY", "text": "தவறு உள்ளது", "means": "dispute"},
        {"kind": "URL", "text": "கணக்கைப் பார்க்க", "means": "link"},
    ],
    "en": [
        {"kind": "QUICK_REPLY", "text": "OK, I approve", "means": "approve"},
        {"kind": "QUICK_REPLY", "text": "There is a mistake", "means": "dispute"},
        {"kind": "URL", "text": "View account", "means": "link"},
    ],
}

SHORT = {
    ("entry_receipt", "ta"): (
        "மலர் மார்க்கெட்: வரவு {slip_plain}, எடை {quantity_whole}.{quantity_part} கிலோ,"
        " ரூ.{amount_rupees}.{amount_paise}. -MALARM"
    ),
    ("entry_receipt", "en"): (
        "Malar Market: receipt {slip_plain}, {quantity_whole}.{quantity_part} kg,"
        " Rs.{amount_rupees}.{amount_paise}. -MALARM"
    ),
    ("advance_given", "ta"): (
        "மலர்: முன்பணம் ரூ.{amount_rupees}.{amount_paise} வழங்கப்பட்டது."
        " பாக்கி ரூ.{balance_rupees}.{balance_paise} -MALARM"
    ),
    ("advance_given", "en"): (
        "Malar Market: advance Rs.{amount_rupees}.{amount_paise} given."
        " Total outstanding Rs.{balance_rupees}.{balance_paise}. -MALARM"
    ),
    ("settlement_ready", "ta"): (
        "மலர்: கணக்கு {reference_plain} ரூ.{net_rupees}.{net_paise}. ஒப்புதல்: {link} -MALARM"
    ),
    ("settlement_ready", "en"): (
        "Malar Market: settlement {reference_plain} is ready. Net Rs.{net_rupees}.{net_paise}."
        " View and approve: {link} -MALARM"
    ),
    ("payment_paid", "ta"): (
        "மலர்: கணக்கு {reference_plain} ரூ.{amount_rupees}.{amount_paise} செலுத்தப்பட்டது. -MALARM"
    ),
    ("payment_paid", "en"): (
        "Malar Market: Rs.{amount_rupees}.{amount_paise} paid for settlement {reference_plain}. -MALARM"
    ),
}


def write_wordings(apps, schema_editor):
    templates = apps.get_model("notifications", "MessageTemplate")
    for (name, language), body in WORDINGS.items():
        said = {"body": body, "sms": SHORT.get((name, language), "")}
        if name == "settlement_ready":
            said["buttons"] = BUTTONS[language]
        elif name == "settlement_reminder":
            said["buttons"] = BUTTONS[language][:2]
        templates.objects.get_or_create(name=name, language=language, version=1, defaults=said)
    for (name, language), sms in SHORT.items():
        of_it = templates.objects.filter(name=name, language=language)
        first = of_it.filter(version=1).first()
        # Where the owner has worded it anew meanwhile, his wording stays in use.
        if first is None or first.sms or of_it.exclude(version=1).exists():
            continue
        templates.objects.filter(pk=first.pk).update(is_active=False)
        templates.objects.create(
            name=name, language=language, version=2, body=first.body, sms=sms, is_active=first.is_active
        )


class Migration(migrations.Migration):
    dependencies = [("notifications", "0007_wordings_and_wishes")]

    # Going back, what hangs on a wording keeps it.
    operations = [migrations.RunPython(write_wordings, migrations.RunPython.noop)]
