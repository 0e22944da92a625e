"""``python -m example_project.demo`` (``make demo``): see ``docs/start/demo.md``."""

from __future__ import annotations

import sys

from example_project.demo.addresses import AddressError
from example_project.demo.only_one import RunsAlreadyError, only_one
from example_project.demo.plan import make_plan
from example_project.demo.show import show

try:
    with only_one():
        sys.exit(show(make_plan()))
except (AddressError, RunsAlreadyError) as error:
    sys.exit(str(error))
