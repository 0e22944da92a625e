from typing import Any

from django.db import migrations, models

# What is looked up by its beginning, or compared a lot.
TEXTS = ("id", "name", "worker", "queue", "root_id", "parent_id", "group_id")


def collate(apps: Any, schema_editor: Any) -> None:
    """Sort as bytes on PostgreSQL: then one index serves for equality and for prefixes.

    Django's second index for prefixes of the primary key goes; it cost as much as the first.
    """
    if schema_editor.connection.vendor != "postgresql":
        return
    task = apps.get_model("django_celery_monitor", "Task")
    table = task._meta.db_table
    quote = schema_editor.quote_name
    like = schema_editor._create_index_name(table, ["id"], suffix="_like")
    schema_editor.execute(f"DROP INDEX IF EXISTS {quote(like)}")
    changes = [f'ALTER COLUMN {quote(each)} TYPE varchar(255) COLLATE "C"' for each in TEXTS]
    schema_editor.execute(f"ALTER TABLE {quote(table)} {', '.join(changes)}")


# Every batch updates the same few rows of these.
COUNTS = ("TaskStats", "TaskCount", "TaskTotals", "Worker")


def leave_room(apps: Any, schema_editor: Any) -> None:
    """On PostgreSQL let a row's next version fit into its page, and vacuum by number, not share."""
    if schema_editor.connection.vendor != "postgresql":
        return
    for name in COUNTS:
        table = schema_editor.quote_name(
            apps.get_model("django_celery_monitor", name)._meta.db_table
        )
        schema_editor.execute(
            f"ALTER TABLE {table} SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0,"
            " autovacuum_vacuum_threshold = 5000)"
        )


class Migration(migrations.Migration):
    dependencies = [
        ("django_celery_monitor", "0003_truth"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="task", name="dcm_task_time"),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(fields=["time"], name="dcm_task_time"),
        ),
        migrations.RunPython(collate, migrations.RunPython.noop),
        migrations.RunPython(leave_room, migrations.RunPython.noop),
    ]
