from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.db import migrations, models
from django.db.models import Sum, Value
from django.db.models.functions import TruncDay, TruncHour

_EPOCH = datetime.fromtimestamp(0, UTC)


def sum_up(apps: Any, schema_editor: Any) -> None:
    """From the minutes, which are all there was, to the longer periods."""
    counts = apps.get_model("django_celery_monitor", "TaskCount")
    rows = counts.objects.using(schema_editor.connection.alias)
    starts = {
        "h": TruncHour("start", tzinfo=UTC),
        "d": TruncDay("start", tzinfo=UTC),
        "e": Value(_EPOCH, output_field=models.DateTimeField()),
    }

    def summed(period: str) -> Iterator[Any]:
        minutes = rows.filter(period="m").order_by().annotate(begun=starts[period])
        sums = minutes.values_list("begun", "name", "state").annotate(total=Sum("count"))
        for start, name, state, total in sums.iterator():
            yield counts(period=period, start=start, name=name, state=state, count=total)

    for period in starts:
        # Read before writing: SQLite's cursor might see its own new rows.
        rows.bulk_create(list(summed(period)), batch_size=1000)


class Migration(migrations.Migration):
    dependencies = [
        ("django_celery_monitor", "0008_error_ids"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="taskcount", name="dcm_taskcount_key"),
        migrations.RenameField(model_name="taskcount", old_name="minute", new_name="start"),
        migrations.AddField(
            model_name="taskcount",
            name="period",
            field=models.CharField(
                choices=[("m", "minute"), ("h", "hour"), ("d", "day"), ("e", "all times")],
                default="m",
                max_length=1,
            ),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name="taskcount",
            constraint=models.UniqueConstraint(
                fields=["period", "start", "name", "state"], name="dcm_taskcount_key"
            ),
        ),
        migrations.RunPython(sum_up, migrations.RunPython.noop),
    ]
