"""``python -m imsproof.lab``."""

import sys

from imsproof.lab.main import main

sys.exit(main())
