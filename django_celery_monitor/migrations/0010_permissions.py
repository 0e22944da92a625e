from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("django_celery_monitor", "0009_counts_by_period"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="installation",
            options={
                "verbose_name": "installation",
                "verbose_name_plural": "installations",
                "permissions": (("manage_token", "Can manage tokens of the API"),),
            },
        ),
        migrations.AlterModelOptions(
            name="task",
            options={
                "verbose_name": "task",
                "verbose_name_plural": "tasks",
                "ordering": ("-time", "-id"),
                "permissions": (
                    ("view_task_arguments", "Can view arguments and results of tasks"),
                    ("retry_task", "Can retry tasks"),
                    ("send_task", "Can send new tasks"),
                    ("revoke_task", "Can revoke tasks"),
                    ("terminate_task", "Can terminate running tasks"),
                    ("purge_queue", "Can purge queues"),
                ),
            },
        ),
        migrations.AlterModelOptions(
            name="worker",
            options={
                "verbose_name": "worker",
                "verbose_name_plural": "workers",
                "ordering": ("hostname",),
                "permissions": (
                    ("view_worker_configuration", "Can view the configuration of workers"),
                    ("control_worker", "Can control workers"),
                    ("shutdown_worker", "Can shut down workers"),
                ),
            },
        ),
    ]
