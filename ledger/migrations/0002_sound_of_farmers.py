import malar.kernel.sound_field
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0001_farmers_and_daily_entries'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='farmer',
            name='update_update',
        ),
        migrations.AddField(
            model_name='farmer',
            name='sound',
            field=malar.kernel.sound_field.SoundField(blank=True, db_default='', default='', editable=False),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='farmer',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "ledger_farmerevent" ("cadence", "code", "commission_pct", "id", "is_active", "language", "member_id", "name_en", "name_ta", "number", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "phone", "recovery", "recovery_value", "shop_id", "version", "village_en", "village_ta", "whatsapp") SELECT new_values."cadence", new_values."code", new_values."commission_pct", new_values."id", new_values."is_active", new_values."language", new_values."member_id", new_values."name_en", new_values."name_ta", new_values."number", _pgh_attached_context.value, NOW(), \'update\', new_values."id", new_values."phone", new_values."recovery", new_values."recovery_value", new_values."shop_id", new_values."version", new_values."village_en", new_values."village_ta", new_values."whatsapp" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."cadence" IS DISTINCT FROM (new_values."cadence") OR old_values."code" IS DISTINCT FROM (new_values."code") OR old_values."commission_pct" IS DISTINCT FROM (new_values."commission_pct") OR old_values."id" IS DISTINCT FROM (new_values."id") OR old_values."is_active" IS DISTINCT FROM (new_values."is_active") OR old_values."language" IS DISTINCT FROM (new_values."language") OR old_values."member_id" IS DISTINCT FROM (new_values."member_id") OR old_values."name_en" IS DISTINCT FROM (new_values."name_en") OR old_values."name_ta" IS DISTINCT FROM (new_values."name_ta") OR old_values."number" IS DISTINCT FROM (new_values."number") OR old_values."phone" IS DISTINCT FROM (new_values."phone") OR old_values."recovery" IS DISTINCT FROM (new_values."recovery") OR old_values."recovery_value" IS DISTINCT FROM (new_values."recovery_value") OR old_values."shop_id" IS DISTINCT FROM (new_values."shop_id") OR old_values."version" IS DISTINCT FROM (new_values."version") OR old_values."village_en" IS DISTINCT FROM (new_values."village_en") OR old_values."village_ta" IS DISTINCT FROM (new_values."village_ta") OR old_values."whatsapp" IS DISTINCT FROM (new_values."whatsapp")) ) AS new_values, _pgh_attached_context; RETURN NULL;', hash='80674a0641dd16fbd72efffb931ebb358d7beafa', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_update_update_e8593', referencing='REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ', table='ledger_farmer', when='AFTER')),
        ),
    ]
