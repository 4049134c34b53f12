from django.db import migrations, models

# The first wording of an advance. Later ones are new versions, made in the admin.
WORDINGS = {
    ("advance_given", "ta"): """\
வணக்கம் {farmer}, உங்களுக்கு முன்பணமாக {amount} தொகை {date} அன்று கொடுக்கப்பட்டது.
கொடுத்த விதம்: {mode}
மொத்த மீதி முன்பணம்: {balance}
ரசீது எண் {voucher}. இது சரியில்லை என்றால் உடனே கடைக்குத் தெரிவிக்கவும்.""",
    ("advance_given", "en"): """\
Hello {farmer}, an advance of {amount} was given to you on {date}.
Paid by: {mode}
Total advance outstanding: {balance}
Receipt no. {voucher}. If this is not correct, please tell the shop at once.""",
}


def write_wordings(apps, schema_editor):
    templates = apps.get_model("notifications", "MessageTemplate")
    for (name, language), body in WORDINGS.items():
        templates.objects.get_or_create(name=name, language=language, version=1, defaults={"body": body})


class Migration(migrations.Migration):
    dependencies = [("notifications", "0002_first_wordings")]

    operations = [
        migrations.AlterField(
            model_name="message",
            name="kind",
            field=models.CharField(
                choices=[("entry_receipt", "receipt"), ("advance_given", "advance")],
                max_length=30,
                verbose_name="kind",
            ),
        ),
        # Going back, the table itself goes with the first migration.
        migrations.RunPython(write_wordings, migrations.RunPython.noop),
    ]
