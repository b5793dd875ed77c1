"""What DuckDB, or a reader of spreadsheets, finds in exported tables, as JSON: read_tables.py csv|parquet|xlsx PATH.

{"tables": {name: {"columns": [[name, type]], "rows": n}}, "accounts": {...}, "participants": {id: {account: amount}}}; for csv also
"differ": the tables that are not those of PATH with the suffix -parquet.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

kind, path = sys.argv[1], Path(sys.argv[2])


def database(found):
    import duckdb

    def count(source):
        return duckdb.sql(f"SELECT count(*) FROM {source}").fetchall()[0][0]

    def parquet(file):
        return f"read_parquet('{file}')"

    def csv(file):
        # Its types are those that the Parquet file of the same table declares.
        other = file.parent.with_name(file.parent.name + "-parquet") / f"{file.stem}.parquet"
        columns = duckdb.sql(f"DESCRIBE FROM {parquet(other)}").fetchall()
        types = ", ".join(f"'{name}': '{type}'" for name, type, *_ in columns)
        source = f"read_csv('{file}', header = true, columns = {{{types}}})"
        for one, two in [(source, parquet(other)), (parquet(other), source)]:
            if count(f"((FROM {one}) EXCEPT ALL (FROM {two}))") > 0:
                found["differ"].append(file.stem)
        return source

    read = {"csv": csv, "parquet": parquet}[kind]
    for file in sorted(path.iterdir()):
        assert file.suffix == f".{kind}", file
        source = read(file)
        columns = [[name, type] for name, type, *_ in duckdb.sql(f"DESCRIBE FROM {source}").fetchall()]
        found["tables"][file.stem] = {"columns": columns, "rows": count(source)}
        if kind == "csv":
            heading = file.read_bytes().split(b"\r\n", 1)[0].decode()
            assert heading == ",".join(name for name, _ in columns), heading
    postings = read(path / f"postings.{kind}")
    for participant, account, amount in duckdb.sql(
        f"SELECT participant, account, sum(amount)::BIGINT FROM {postings} GROUP BY ALL"
    ).fetchall():
        found["participants"][participant][account] += amount
        found["accounts"][account] += amount


def workbook(found):
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True)
    for sheet in book.worksheets:
        rows = sheet.iter_rows(values_only=True)
        heading = next(rows)
        count = 0
        for row in rows:
            count += 1
            if sheet.title.split(" ")[0] == "postings":
                cells = dict(zip(heading, row))
                assert isinstance(cells["amount"], int), cells
                found["participants"][cells["participant"]][cells["account"]] += cells["amount"]
                found["accounts"][cells["account"]] += cells["amount"]
        found["tables"][sheet.title] = {"columns": [[name, ""] for name in heading], "rows": count}


found = {"tables": {}, "accounts": defaultdict(int), "participants": defaultdict(lambda: defaultdict(int)), "differ": []}
workbook(found) if kind == "xlsx" else database(found)
print(json.dumps(found))
