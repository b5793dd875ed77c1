"""Balances of every participant from postings as CSV: participant,account,amount. Two threads. Prints the number of rows, the sum by account and seconds, as JSON."""

import json
import sys
import time

import duckdb

start = time.perf_counter()
database = duckdb.connect()
database.execute("SET threads = 2")
balances = database.execute(
    "CREATE TABLE balances AS SELECT participant, account, sum(amount)::BIGINT AS amount FROM read_csv(?, header = true,"
    " columns = {'participant': 'UUID', 'account': 'VARCHAR', 'amount': 'BIGINT'}) GROUP BY ALL",
    [sys.argv[1]],
)
seconds = time.perf_counter() - start
totals = database.execute("SELECT account, sum(amount)::BIGINT FROM balances GROUP BY account").fetchall()
people = database.execute("SELECT count(DISTINCT participant) FROM balances").fetchone()[0]
print(json.dumps({"people": people, "totals": dict(totals), "seconds": seconds}))
