from django.db import migrations

# The one import of our code in a migration: the table of sounds must be the one that searching uses. When
# the table changes, a new migration like this one fills the column again (tests/kernel/test_sound.py asks for it).
from malar.kernel.sound_field import sound_text


def fill_sounds(apps, schema_editor):
    Farmer = apps.get_model('ledger', 'Farmer')
    farmers = []
    for farmer in Farmer.objects.only('name_ta', 'name_en', 'village_ta', 'village_en', 'sound').iterator(2000):
        farmer.sound = sound_text([farmer.name_ta, farmer.name_en], [farmer.village_ta, farmer.village_en])
        farmers.append(farmer)
    Farmer.objects.bulk_update(farmers, ['sound'], batch_size=500)


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0002_sound_of_farmers'),
    ]

    operations = [
        migrations.RunPython(fill_sounds, migrations.RunPython.noop, elidable=True),
    ]
