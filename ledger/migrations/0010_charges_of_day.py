from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # A large book is charged on while its index is made.
    atomic = False

    dependencies = [
        ('ledger', '0009_daily_rollups'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='charge',
            index=models.Index(fields=['shop', 'business_date'], name='charges_of_day'),
        ),
    ]
