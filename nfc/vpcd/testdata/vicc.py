"""Starts vicc, the simulator of cards of the project vsmartcard, from Debian 12's package.

That puts its modules where the interpreter does not look, and wants the module Crypto,
which Debian has by the name of Cryptodome.
"""
import importlib
import pkgutil
import runpy
import sys

import Cryptodome

sys.modules["Crypto"] = Cryptodome
for m in pkgutil.walk_packages(Cryptodome.__path__, "Cryptodome."):
    if ".SelfTest" not in m.name:
        try:
            sys.modules["Crypto" + m.name[len("Cryptodome"):]] = importlib.import_module(m.name)
        except ImportError:
            pass
sys.path.insert(0, "/usr/lib/python3/site-packages/virtualsmartcard")
runpy.run_path("/usr/bin/vicc", run_name="__main__")
