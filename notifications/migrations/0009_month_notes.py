from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0008_more_wordings'),
    ]

    operations = [
        migrations.AlterField(
            model_name='note',
            name='kind',
            field=models.CharField(choices=[('message', 'message'), ('rates_pending', 'rates still to come'), ('disputed', 'a farmer does not agree'), ('tablet_lost', 'tablet lost'), ('tablet_silent', 'tablet silent'), ('books_broken', 'books'), ('wording_stopped', 'wording stopped'), ('month_missing', 'Tamil month missing')], max_length=16, verbose_name='kind'),
        ),
    ]
