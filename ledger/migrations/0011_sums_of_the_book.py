from django.db import migrations

# What is in the book already was written before there were marks.
MARKS = """
INSERT INTO ledger_dirtyday (shop_id, business_date)
SELECT shop_id, entry_date FROM ledger_dailyentry UNION SELECT shop_id, business_date FROM ledger_charge;
"""
# Flowers month by month, over all years: a little old, and its rows say how old (docs/adr/0008-sums-of-days.md).
MONTHS = """
CREATE MATERIALIZED VIEW ledger_flowermonth AS
SELECT shop_id, date_trunc('month', business_date::timestamp)::date AS month, subject AS flower_id, unit,
    sum(lines)::integer AS lines, sum(quantity) AS quantity, sum(priced) AS priced, sum(amount) AS amount,
    min(low) AS low, max(high) AS high, now() AS as_of
FROM ledger_dailyrollup WHERE kind = 'flower'
GROUP BY shop_id, date_trunc('month', business_date::timestamp)::date, subject, unit;
CREATE UNIQUE INDEX ledger_flowermonth_key ON ledger_flowermonth (shop_id, flower_id, month, unit);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0010_charges_of_day'),
    ]

    operations = [
        migrations.RunSQL(MARKS, migrations.RunSQL.noop),
        migrations.RunSQL(MONTHS, "DROP MATERIALIZED VIEW ledger_flowermonth;"),
    ]
