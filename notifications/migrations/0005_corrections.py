from django.db import migrations, models

# The first wordings of what becomes of a slip. Later ones are new versions, made in the admin.
WORDINGS = {
    ("entry_corrected", "ta"): """\
வணக்கம் {farmer}, {date} தேதி போட்ட உங்கள் சிட்டை {slip} திருத்தப்பட்டது.
முன்பு: {was}
இப்போது: {now}
தொகை: {difference}
இதில் தவறு இருந்தால் இன்றே கடையில் சொல்லவும்.""",
    ("entry_corrected", "en"): """\
Hello {farmer}, your slip {slip} of {date} has been corrected.
Before: {was}
Now: {now}
Amount: {difference}
If anything is wrong, please tell the shop today.""",
    ("entry_corrected_rate_pending", "ta"): """\
வணக்கம் {farmer}, {date} தேதி போட்ட உங்கள் சிட்டை {slip} திருத்தப்பட்டது.
முன்பு: {was}
இப்போது: {now}
இதில் தவறு இருந்தால் இன்றே கடையில் சொல்லவும்.""",
    ("entry_corrected_rate_pending", "en"): """\
Hello {farmer}, your slip {slip} of {date} has been corrected.
Before: {was}
Now: {now}
If anything is wrong, please tell the shop today.""",
    ("entry_priced", "ta"): """\
வணக்கம் {farmer}, உங்கள் பூவுக்கு விலை போடப்பட்டது.
தேதி: {date}
நேரம்: {time}
பூ: {flower}
அளவு: {quantity}
விலை: {rate}
தொகை: {amount}
கமிஷன்: {commission}
சிட்டை எண் {slip}. இதில் தவறு இருந்தால் இன்றே கடையில் சொல்லவும்.""",
    ("entry_priced", "en"): """\
Hello {farmer}, your flowers now have their rate.
Date: {date}
Time: {time}
Flower: {flower}
Quantity: {quantity}
Rate: {rate}
Amount: {amount}
Commission: {commission}
Slip no. {slip}. If anything is wrong, please tell the shop today.""",
    ("entry_voided", "ta"): """\
வணக்கம் {farmer}, {date} தேதி போட்ட உங்கள் சிட்டை {slip} ரத்து செய்யப்பட்டது.
சிட்டையில் இருந்தது: {was}
காரணம்: {reason}
இது சரியில்லை என்றால் இன்றே கடையில் சொல்லவும்.""",
    ("entry_voided", "en"): """\
Hello {farmer}, your slip {slip} of {date} has been cancelled.
It said: {was}
Reason: {reason}
If this is not correct, please tell the shop today.""",
}


def write_wordings(apps, schema_editor):
    templates = apps.get_model("notifications", "MessageTemplate")
    for (name, language), body in WORDINGS.items():
        templates.objects.get_or_create(name=name, language=language, version=1, defaults={"body": body})


class Migration(migrations.Migration):
    dependencies = [("notifications", "0004_advance_given")]

    operations = [
        migrations.AlterField(
            model_name="message",
            name="kind",
            field=models.CharField(
                choices=[
                    ("entry_receipt", "receipt"),
                    ("entry_corrected", "correction"),
                    ("entry_priced", "rate"),
                    ("entry_voided", "cancellation"),
                    ("advance_given", "advance"),
                ],
                max_length=30,
                verbose_name="kind",
            ),
        ),
        # Going back, the table itself goes with the first migration.
        migrations.RunPython(write_wordings, migrations.RunPython.noop),
    ]
