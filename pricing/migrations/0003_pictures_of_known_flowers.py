from django.db import migrations

# The codes of the demo and of the trade's lists; the owner chooses the others' pictures in the office.
PICTURES = {
    "MAL": "malli",
    "MUL": "mullai",
    "PIC": "pichi",
    "KAK": "kakarattan",
    "KAN": "kanakam",
    "PAN": "panneer",
    "BUT": "button",
    "ROS": "roja",
    "SEV": "sevanthi",
    "SEN": "sendu",
    "SAM": "sampangi",
    "ARA": "arali",
    "KOZ": "kozhi",
    "LOT": "thamarai",
    "THA": "thamarai",
    "MAR": "mari",
}


def give_pictures(apps, schema_editor):
    flowers = apps.get_model("pricing", "Flower")
    for code, glyph in PICTURES.items():
        flowers.objects.filter(code__iexact=code, glyph="poo").update(glyph=glyph)


class Migration(migrations.Migration):
    dependencies = [("pricing", "0002_flower_pictures")]

    operations = [migrations.RunPython(give_pictures, migrations.RunPython.noop)]
