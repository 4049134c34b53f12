import uuid

from django.db import migrations, models

KINDS = [
    ("entry_receipt", "receipt"),
    ("entry_corrected", "correction"),
    ("entry_priced", "rate"),
    ("entry_voided", "cancellation"),
    ("advance_given", "advance"),
    ("day_summary", "summary of the day"),
    ("rate_pending", "rate still to come"),
    ("settlement_ready", "settlement to approve"),
    ("settlement_reminder", "reminder to approve"),
    ("settlement_approved", "settlement approved"),
    ("settlement_reversed", "settlement taken back"),
    ("payment_paid", "payment"),
    ("dispute_received", "complaint"),
    ("consent_welcome", "welcome"),
    ("otp_login", "code to sign in"),
]

# WhatsApp sends a text of its own for codes, in either language; ours stands for it in the log, and is sent by SMS
# where there is no short form. MALARM stands for the six letters that the operators registered for the shop.
WORDINGS = {
    "ta": (
        "மலர் பக்கத்தில் உள்நுழைய உங்கள் OTP {code}. இது 10 நிமிடம் வரை செல்லும். யாரிடமும் சொல்லாதீர்கள்.",
        "OTP {code}. மலர் மார்க்கெட் உள்நுழைவு. யாரிடமும் சொல்லாதீர். MALARM",
    ),
    "en": (
        "Your OTP for signing in to Malar is {code}. It is valid for 10 minutes. Do not tell it to anybody.",
        "{code} is your Malar Market login OTP, valid for 10 minutes. Do not share it with anyone. -MALARM",
    ),
}


def write_wordings(apps, schema_editor):
    templates = apps.get_model("notifications", "MessageTemplate")
    for language, (body, sms) in WORDINGS.items():
        templates.objects.get_or_create(
            name="otp_login",
            language=language,
            version=1,
            defaults={"body": body, "sms": sms, "category": "authentication"},
        )


def kind_of(model):
    field = models.CharField(choices=KINDS, max_length=30, verbose_name="kind")
    return migrations.AlterField(model_name=model, name="kind", field=field)


class Migration(migrations.Migration):
    dependencies = [("notifications", "0011_answers_of_farmers")]

    operations = [
        kind_of("message"),
        kind_of("preference"),
        kind_of("preferenceevent"),
        migrations.CreateModel(
            name="SignInCode",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("phone", models.CharField(max_length=16)),
                ("made_at", models.DateTimeField()),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("used_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["phone", "-made_at", "-id"], name="code_of_phone")],
            },
        ),
        # Going back, what hangs on a wording keeps it.
        migrations.RunPython(write_wordings, migrations.RunPython.noop),
    ]
