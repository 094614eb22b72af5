"""``python -m gradb`` is ``gradb``."""

from gradb.cli.main import main

raise SystemExit(main())
