"""Every account of a Beancount journal, and of each participant in it, as JSON. Ends with 1 where Beancount has errors."""

import json
import sys
from collections import defaultdict

from beancount import loader
from beancount.core.data import Transaction

entries, errors, _ = loader.load_file(sys.argv[1])
for error in errors:
    print(f"{error.source['lineno']}: {error.message}", file=sys.stderr)

accounts = defaultdict(int)
participants = defaultdict(lambda: defaultdict(int))
for entry in entries:
    if not isinstance(entry, Transaction):
        continue
    for posting in entry.postings:
        assert posting.units.currency == "IDR"
        participant = posting.meta.get("participant") or entry.meta["participant"]
        accounts[posting.account] += int(posting.units.number)
        participants[participant][posting.account] += int(posting.units.number)
print(json.dumps({"accounts": accounts, "participants": participants}))
sys.exit(1 if errors else 0)
