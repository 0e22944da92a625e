from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("django_celery_monitor", "0006_inspections"),
    ]

    operations = [
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("owner", models.CharField(max_length=255, verbose_name="owner")),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("query", models.TextField(blank=True, default="", verbose_name="query")),
                ("shared", models.BooleanField(default=False, verbose_name="shared")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="changed")),
            ],
            options={
                "verbose_name": "saved view",
                "verbose_name_plural": "saved views",
                "ordering": ("name", "id"),
                "permissions": (("manage_views", "Can share views with others"),),
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("owner", "name"), name="dcm_savedview_name")
                ],
            },
        ),
    ]
