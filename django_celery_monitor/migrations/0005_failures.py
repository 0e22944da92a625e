from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("django_celery_monitor", "0004_smaller"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="taskerror", name="dcm_taskerror_time"),
        migrations.AddIndex(
            model_name="taskerror",
            index=models.Index(fields=["type", "time"], name="dcm_taskerror_type"),
        ),
        migrations.AddIndex(
            model_name="taskerror",
            index=models.Index(
                fields=["time", "retry", "duplicate", "name", "fingerprint"],
                name="dcm_taskerror_failure",
            ),
        ),
    ]
