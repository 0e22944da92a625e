from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("django_celery_monitor", "0004_smaller"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="taskerror",
            index=models.Index(fields=["type", "time"], name="dcm_taskerror_type"),
        ),
        migrations.AddIndex(
            model_name="taskerror",
            index=models.Index(
                fields=["retry", "duplicate", "time", "name", "fingerprint"],
                name="dcm_taskerror_failure",
            ),
        ),
    ]
