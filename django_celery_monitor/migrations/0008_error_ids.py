from typing import Any

from django.db import migrations


def collate(apps: Any, schema_editor: Any) -> None:
    """Sort them as tasks' own ids: PostgreSQL joins by no index of another collation."""
    if schema_editor.connection.vendor != "postgresql":
        return
    table = apps.get_model("django_celery_monitor", "TaskError")._meta.db_table
    schema_editor.execute(
        f"ALTER TABLE {schema_editor.quote_name(table)}"
        ' ALTER COLUMN task_id TYPE varchar(255) COLLATE "C"'
    )
    # What was known of the column went with its old type.
    schema_editor.execute(f"ANALYZE {schema_editor.quote_name(table)}")


class Migration(migrations.Migration):
    dependencies = [
        ("django_celery_monitor", "0007_views"),
    ]

    operations = [
        migrations.RunPython(collate, migrations.RunPython.noop),
    ]
