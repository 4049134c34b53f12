from django.db import migrations

# The first wordings. Later ones are new versions, made in the admin.
WORDINGS = {
    ("entry_receipt", "ta"): """\
வணக்கம் {farmer}, உங்கள் பூ வரவு பதிவு செய்யப்பட்டது.
தேதி: {date}
நேரம்: {time}
பூ: {flower}
அளவு: {quantity}
விலை: {rate}
தொகை: {amount}
கமிஷன்: {commission}
சிட்டை எண் {slip}. இதில் தவறு இருந்தால் இன்றே கடையில் சொல்லவும்.""",
    ("entry_receipt", "en"): """\
Hello {farmer}, your flowers have been recorded.
Date: {date}
Time: {time}
Flower: {flower}
Quantity: {quantity}
Rate: {rate}
Amount: {amount}
Commission: {commission}
Slip no. {slip}. If anything is wrong, please tell the shop today.""",
    ("entry_receipt_rate_pending", "ta"): """\
வணக்கம் {farmer}, உங்கள் பூ வரவு பதிவு செய்யப்பட்டது.
தேதி: {date}
நேரம்: {time}
பூ: {flower}
அளவு: {quantity}
விலை: பின்னர் போடப்படும்
சிட்டை எண் {slip}. இதில் தவறு இருந்தால் இன்றே கடையில் சொல்லவும்.""",
    ("entry_receipt_rate_pending", "en"): """\
Hello {farmer}, your flowers have been recorded.
Date: {date}
Time: {time}
Flower: {flower}
Quantity: {quantity}
Rate: will be fixed later
Slip no. {slip}. If anything is wrong, please tell the shop today.""",
}


def write_wordings(apps, schema_editor):
    templates = apps.get_model("notifications", "MessageTemplate")
    for (name, language), body in WORDINGS.items():
        templates.objects.get_or_create(name=name, language=language, version=1, defaults={"body": body})


class Migration(migrations.Migration):
    dependencies = [("notifications", "0001_messages_and_wordings")]

    # Going back, the table itself goes with the migration before.
    operations = [migrations.RunPython(write_wordings, migrations.RunPython.noop)]
